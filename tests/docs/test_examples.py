"""Every example of the documentation is one that works: command lines, TOML and JSON."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from docs.generate.commands import root
from jlab_mcp.app.profiles.validating import validate
from tests.docs.pages import Block, blocks

_OTHERS = re.compile(r"#.*\.codex/config\.toml")
"""The first line of TOML that is not for jlab-mcp."""


def command_lines(block: Block) -> list[list[str]]:
    """Return the words of every `jlab-mcp …` that a console block types."""
    found = []
    for line in block.text.splitlines():
        if not line.startswith("$ "):
            continue
        words = shlex.split(line[2:].replace("[OPTIONS]", ""), comments=True)
        while words:
            end = next(
                (at for at, word in enumerate(words) if word in {"&&", "|", "||", ">", "<"}), len(words)
            )
            if words[0] == "jlab-mcp":
                found.append(words[1:end])
            words = words[end + 1 :]
    return found


def refusal(words: list[str]) -> str | None:
    """Say why the command line would be refused; None if it would not."""
    command: Any = root()
    context = command.make_context("jlab-mcp", [], resilient_parsing=True)
    while True:
        context.resilient_parsing = False  # it was for making the context without what the command asks for
        parser = command.make_parser(context)
        try:
            _values, rest, _order = parser.parse_args(list(words))
        except Exception as error:  # noqa: BLE001 - typer keeps click's own errors to itself
            return str(error)
        if not getattr(command, "commands", None):
            arguments = [one for one in command.params if not one.opts[0].startswith("-")]
            many = any(one.nargs < 0 or one.multiple for one in arguments)
            return None if many or not rest else f"nothing takes {rest}"
        if not rest:
            return None
        if rest[0] not in command.commands:
            return f"there is no command {rest[0]}"
        command, words = command.commands[rest[0]], rest[1:]
        context = command.make_context(rest[0], [], parent=context, resilient_parsing=True)


@pytest.mark.parametrize("block", [*blocks("console")], ids=str)
def test_every_command_line_is_one_that_jlab_mcp_takes(block: Block) -> None:
    for words in command_lines(block):
        assert refusal(words) is None, f"jlab-mcp {shlex.join(words)}"


@pytest.mark.parametrize(
    "words", ["strat", "start --detatch", "profile", "profile mcp-config --cleint x", "stop now then"]
)
def test_a_command_line_that_is_wrong_would_be_seen(words: str) -> None:
    assert (refusal(words.split()) is None) == (words == "profile")


@pytest.mark.parametrize("block", [*blocks("toml")], ids=str)
def test_every_toml_is_a_settings_file_without_mistakes(block: Block, tmp_path: Path) -> None:
    first = block.text.partition("\n")[0]
    if _OTHERS.match(first):
        assert tomllib.loads(block.text)
        return
    named = re.match(r"# .*/profiles/([\w-]+)\.toml", first)
    name = named[1] if named else "example"
    folder = tmp_path / "config" / "profiles"
    folder.mkdir(parents=True)
    (folder / f"{name}.toml").write_text(block.text)
    project = tmp_path / "project"
    project.mkdir()
    environ = {
        "HOME": str(tmp_path),
        "JLAB_MCP_CONFIG": str(tmp_path / "config"),
        "XDG_CONFIG_DIRS": str(tmp_path),
    }
    told = validate([name], project_dir=project, environ=environ)
    assert told.ok, told


@pytest.mark.parametrize("block", [*blocks("json")], ids=str)
def test_every_json_can_be_read_and_starts_a_command(block: Block) -> None:
    read = json.loads(block.text)
    for servers in (read.get("mcpServers"), read.get("servers")):
        for entry in (servers or {}).values():
            assert isinstance(entry["command"], str)
            assert all(isinstance(value, str) for value in entry.get("env", {}).values())
