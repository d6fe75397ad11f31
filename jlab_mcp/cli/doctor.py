"""`jlab-mcp doctor`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data
from jlab_mcp.cli.settle import settle
from jlab_mcp.cli.tone import CYAN, DIM, GREEN, RED, TONE, YELLOW, coloured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.core.checkup import Result
    from jlab_mcp.errors import ExitCode

_WORDS: dict[str, str] = {"ok": "ok", "warning": "warning", "failed": "failed", "not_checked": "-"}
"""What each level is called."""
_COLOURS: dict[str, int] = {"ok": GREEN, "warning": YELLOW, "failed": RED, "not_checked": DIM}
_LEVEL_WIDTH = 9
_NARROWEST = 30
"""Columns that a sentence gets, however narrow the terminal."""
_UNTOLD = ("ok", "not_checked")
"""What `--quiet` leaves out."""


def doctor(
    profile: ProfileOption = None,
    json: JsonOption = False,
    on_node: Annotated[
        bool,
        typer.Option("--on-node", help="Also look from a node: runs a job of seconds, and clears it away."),
    ] = False,
) -> None:
    """Check everything between here and a running kernel, and say what mends it.

    \b
    Changes nothing and submits nothing, but for the small job of --on-node.
    Mend the first failure first: what comes after it may follow from it. With --quiet only
    what is not in order is printed.
    The exit code is 0 if nothing failed, else that of the first failure: 3 for a setting,
    15 if SLURM does not answer, 16 if it refuses the job, 8 if JupyterLab would not
    start, 10 for a broken record, 13 for a folder that cannot be written.

    \b
    Examples:
      jlab-mcp doctor
      jlab-mcp doctor --profile a100 --on-node
      jlab-mcp doctor --json
    """
    settle(lambda: asyncio.run(_examine(profile, json=json, on_node=on_node)), profile)


async def _examine(profile: str | None, *, json: bool, on_node: bool) -> ExitCode:
    from jlab_mcp.app.doctor.running import summary
    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.core.checkup import exit_code

    scene = Scene(profile, on_node=on_node)
    results = await _all(scene, told=not json)
    if json:
        data(summary(scene, results).model_dump_json(indent=2))
    else:
        data(_sum(results))
    return exit_code(results)


async def _all(scene: Scene, *, told: bool) -> list[Result]:
    """Make all checks; each is told as soon as it is its turn."""
    from jlab_mcp.app.doctor.running import checks_for, run

    checks = checks_for(scene)
    width = max(len(check.title) for check in checks) + 2
    results = []
    coming = run(checks, scene)
    try:
        for check in checks:
            PROGRESS.expect(f"checking: {check.title}")
            results.append(await anext(coming))
            if told and not (TONE.quiet and results[-1].level in _UNTOLD):
                data(_paragraph(results[-1], width))
    finally:
        PROGRESS.over()
        await coming.aclose()
    return results


def _paragraph(result: Result, width: int) -> str:
    """Lay a result out: how it came out, what was found, and what mends it; commands stay in one line."""
    indent = " " * (_LEVEL_WIDTH + width)
    said = result.found
    if result.level == "not_checked":
        said = f"not checked, because {said}"
    head = f"{_WORDS[result.level]:<{_LEVEL_WIDTH}}{result.title:<{width}}"
    lines = _wrapped(said, head, indent)
    for sentence in result.more:
        lines += _wrapped(sentence, indent, indent)
    if result.fix:
        lines += _wrapped(f"{result.fix}:" if result.command else result.fix, indent, indent)
    first = lines[0]
    lines[0] = coloured(first[:_LEVEL_WIDTH], _COLOURS[result.level], sys.stdout) + first[_LEVEL_WIDTH:]
    if result.command:
        lines.append(" " * _LEVEL_WIDTH + coloured(result.command, CYAN, sys.stdout))
    return "\n".join(lines)


def _wrapped(text: str, first: str, other: str) -> list[str]:
    """Break a sentence at the terminal's width; whoever reads from a pipe gets it in one line."""
    if not sys.stdout.isatty():
        return [first + text]
    columns = max(shutil.get_terminal_size().columns, len(other) + _NARROWEST)
    found = textwrap.wrap(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=other,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return found or [first]


def _sum(results: Sequence[Result]) -> str:
    """Count what was found."""
    from jlab_mcp.core.checkup import counts

    found = counts(results)
    failed, warned, unchecked = found["failed"], found["warning"], found["not_checked"]
    parts = [
        coloured(f"{failed} failed", RED, sys.stdout) if failed else "nothing failed",
        *([f"{warned} warning{'' if warned == 1 else 's'}"] if warned else []),
        f"{found['ok']} ok",
        *([f"{unchecked} not checked"] if unchecked else []),
    ]
    return "\n" + ", ".join(parts)
