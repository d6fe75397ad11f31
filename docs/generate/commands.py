"""The page of commands, made of the command line's own help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from docs.generate.markdown import NOTICE, block, code, table
from jlab_mcp.cli.main import app
from jlab_mcp.cli.wording import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "jlab-mcp"

_INTRODUCTION = """\
`jlab-mcp` without arguments is the MCP server on stdin and stdout. Every command explains itself with
`--help`; `jlab-mcp --install-completion` sets up the shell.

Data goes to stdout, everything else to stderr. The commands work on the folder you are in. There is one
server per project folder and profile; `--profile NAME` names one, without it the chosen profile's server is
meant, else the only one that runs."""


def page() -> str:
    """Return the page."""
    lines = [NOTICE, "# Commands", "", _INTRODUCTION, ""]
    lines += table(("Command", "What it does"), _summary())
    for words, command in walk():
        if not getattr(command, "commands", None):
            lines += _section(words, command)
    lines += ["## Exit statuses", "", "The exit status says what kind of failure it was.", ""]
    lines += table(
        ("Status", "Meaning"), ((str(int(exit_code)), text) for exit_code, text in EXIT_CODES.items())
    )
    return "\n".join(lines)


def root() -> Any:
    """Return the command line's root, as click's object."""
    return typer.main.get_command(app)


def walk(command: Any = None, words: tuple[str, ...] = (NAME,)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command that is not hidden, with the words that call it; groups before what is in them."""
    command = command or root()
    if command.hidden:
        return
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*words, name))


def _summary() -> Iterator[tuple[str, str]]:
    for words, command in walk():
        if not getattr(command, "commands", None):
            called = " ".join(words)
            anchor = called.replace(" ", "-")
            yield f"[`{called}`](#{anchor})", _paragraphs(command.help)[0]


def _section(words: tuple[str, ...], command: Any) -> list[str]:
    called = " ".join(words)
    lines = [f"## {called}", ""]
    lines += block("console", [f"$ {called} {' '.join(_pieces(command))}".rstrip()])
    for paragraph in _paragraphs(command.help):
        if paragraph.startswith("Examples:"):
            examples = paragraph.splitlines()[1:]
            lines += block("console", [f"$ {line.strip()}" for line in examples])
        else:
            lines += [paragraph, ""]
    shown = [parameter for parameter in command.params if not parameter.hidden]
    lines += table(("Argument", "Meaning"), (_argument(each) for each in shown if not _is_option(each)))
    lines += table(("Option", "Meaning"), (_option(each) for each in shown if _is_option(each)))
    return lines


def _pieces(command: Any) -> list[str]:
    """Return what may follow the command's words: the options, and each argument."""
    arguments = [each for each in command.params if not each.hidden and not _is_option(each)]
    options = ["[OPTIONS]"] if any(_is_option(each) for each in command.params) else []
    names = ((each.metavar or each.name.upper()) for each in arguments)
    return options + [
        name if each.required else f"[{name}]" for name, each in zip(names, arguments, strict=True)
    ]


def _is_option(parameter: Any) -> bool:
    return str(parameter.opts[0]).startswith("-")


def _argument(parameter: Any) -> tuple[str, str]:
    return code(parameter.metavar or parameter.name.upper()), parameter.help or ""


def _option(parameter: Any) -> tuple[str, str]:
    names = [*sorted(parameter.opts, key=len, reverse=True), *parameter.secondary_opts]
    shown = ", ".join(names) if parameter.is_flag else f"{', '.join(names)} {_value_name(parameter)}"
    default = "" if parameter.is_flag or parameter.default in (None, [], ()) else _value(parameter.default)
    told = f" Default: {code(default)}." if default else ""
    return code(shown), f"{parameter.help or ''}{told}"


def _value_name(parameter: Any) -> str:
    """Return what stands for the value: the name it was given, the words to choose from, or its kind."""
    kind = parameter.type_descriptor.annotation
    if parameter.metavar:
        return str(parameter.metavar)
    if choices := getattr(kind, "__members__", None):
        return "|".join(str(member.value) for member in choices.values())
    return "SECONDS" if kind is float else str(parameter.name).upper()


def _value(default: object) -> str:
    return str(getattr(default, "value", default))


def _paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a help text without its marks; lines are kept where they matter."""
    found = (part.strip("\n\b ") for part in re.split(r"\n\s*\n", text or ""))
    return [part for part in found if part]
