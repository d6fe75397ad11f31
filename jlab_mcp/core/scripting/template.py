"""Templates of sbatch scripts: bash with `{{placeholders}}`.

Blocks stand on lines of their own, in this order: `{{directives}}` (the `#SBATCH` lines), `{{prepare}}`
(what the job's shell prepares) and `{{launch}}` (JupyterLab). Values such as `{{project_dir}}` stand
anywhere between words; they come quoted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jlab_mcp.core.nearest import nearest
from jlab_mcp.core.scripting.bash import word
from jlab_mcp.core.scripting.context import contexts
from jlab_mcp.core.slurm.sbatch import directive_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jlab_mcp.core.scripting.context import Context

BUILT_IN = "#!/bin/bash -l\n{{directives}}\n\n{{prepare}}\n\n{{launch}}\n"
BLOCKS = ("directives", "prepare", "launch")
VALUES = (
    *("name", "job_name", "project_dir", "notebook_dir", "state_dir"),
    *("connection_file", "log_file"),
)

_PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_-]*) *\}\}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SPECIAL = ("\\", "$", "[")
"""What gives the quotes after it another meaning."""
_WHAT = {
    "directives": "where the `#SBATCH` lines go",
    "prepare": "where modules and environments are loaded",
    "launch": "where JupyterLab starts",
}


def fill(template: str, blocks: Mapping[str, str], values: Mapping[str, str]) -> str:
    """Put blocks and values into a template without problems.

    Args:
        template: its text.
        blocks: lines of bash for each of `BLOCKS`.
        values: text, not quoted, for each of `VALUES`.
    """
    found = list(_PLACEHOLDER.finditer(template))
    places = contexts(template, [match.start() for match in found])
    parts, end = [], 0
    for match, place in zip(found, places, strict=True):
        name = match[1]
        lead = template[end : match.start()]
        if name in blocks:
            parts += [lead.rstrip(" \t"), blocks[name]]
        else:
            parts += [lead, _value(values[name], place, template, match.start())]
        end = match.end()
    return "".join([*parts, template[end:]])


def problems(template: str) -> list[tuple[int, str]]:
    """Return line and sentence of everything that is wrong with a template."""
    return sorted({*_of_text(template), *_of_blocks(template), *_of_placeholders(template)})


def _value(text: str, place: Context, template: str, offset: int) -> str:
    if place == "comment" and _line(template, offset).startswith("#SBATCH"):
        return directive_word(text)
    return word(text)


def _of_text(template: str) -> Iterator[tuple[int, str]]:
    if not template.startswith("#!"):
        yield 1, "a template must begin with `#!`, such as `#!/bin/bash -l`"
    for number, line in enumerate(template.split("\n"), 1):
        if _CONTROL.search(line):
            yield number, f"{line!r} holds a control character"


def _of_blocks(template: str) -> Iterator[tuple[int, str]]:
    """Look for each block once, on a line of its own, in order, and for nothing that never counts."""
    lines = template.split("\n")
    last = 0
    for name in BLOCKS:
        at = [index for index, line in enumerate(lines, 1) if _is_block(line, name)]
        if not at:
            yield len(lines), f"there is no line `{{{{{name}}}}}`, {_WHAT[name]}"
            continue
        for repeated in at[1:]:
            yield repeated, f"`{{{{{name}}}}}` is there twice"
        if at[0] < last:
            yield at[0], f"`{{{{{name}}}}}` is too early; the order is {', '.join(BLOCKS)}"
        last = max(last, at[0])
        if name == "directives" and (command := _first_command(lines[: at[0] - 1])):
            yield command, "a command comes before `{{directives}}`, and sbatch reads no `#SBATCH` after it"
        if name == "launch" and (command := _first_command(lines[at[0] :])):
            yield at[0] + command, "nothing runs after `{{launch}}`; set env.epilogue instead"


def _of_placeholders(template: str) -> Iterator[tuple[int, str]]:
    found = list(_PLACEHOLDER.finditer(template))
    for match, place in zip(found, contexts(template, [match.start() for match in found]), strict=True):
        name, number = match[1], template.count("\n", 0, match.start()) + 1
        if name not in (*BLOCKS, *VALUES):
            hint = nearest(f"{{{{{name}}}}}", [f"{{{{{known}}}}}" for known in (*BLOCKS, *VALUES)])
            known = ", ".join((*BLOCKS, *VALUES))
            yield number, f"there is no placeholder `{match[0]}`{hint or f'; there are {known}'}"
        elif name in BLOCKS and not _is_block(_line(template, match.start()), name):
            yield number, f"`{match[0]}` must stand on a line of its own"
        elif kind := _no_place(template, match.start(), place):
            yield number, f"`{match[0]}` stands {kind}, where its own quotes do not count"


def _no_place(template: str, start: int, place: Context) -> str | None:
    """Say why no value can stand somewhere; a value brings its own quotes."""
    line = _line(template, start)
    before = template[:start].rpartition("\n")[2]
    if place == "comment":
        open_quotes = len(re.findall(r"(?<!\\)[\"']", before)) % 2
        return "in quotes" if line.startswith("#SBATCH") and open_quotes else None
    if place != "words":
        return f"in {place}" if place == "quotes" else f"in a {place}"
    return f"behind `{before[-1]}`" if before[-1:] in _SPECIAL and before else None


def _first_command(lines: list[str]) -> int | None:
    """Return the number of the first line that is neither empty nor a comment."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            return number
    return None


def _is_block(line: str, name: str) -> bool:
    match = _PLACEHOLDER.fullmatch(line.strip())
    return match is not None and match[1] == name


def _line(template: str, offset: int) -> str:
    start = template.rfind("\n", 0, offset) + 1
    return template[start:].partition("\n")[0]
