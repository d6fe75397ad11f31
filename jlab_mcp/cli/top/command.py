"""`jlab-mcp top`."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_all
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, show_note
from jlab_mcp.cli.tone import is_screen
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.watch import Watcher
    from jlab_mcp.core.resolver import ResolvedProfile


def top(
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Show the servers of all your projects.")
    ] = False,
    interval: Annotated[
        float, typer.Option("--interval", "-i", min=0.5, metavar="SECONDS", help="From one look to the next.")
    ] = 2.0,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many looks.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one look as plain text, and end.")] = False,
    json: JsonOption = False,
) -> None:
    """Watch this project's servers live: sessions, what they run, CPU, memory and GPUs.

    \b
    Keys: q quits, arrows or j and k choose, i interrupts the cell of the chosen session
    after a yes, Enter shows all about it, ? explains. Nothing else is changed.
    With --json it prints one JSON object a line for every look, until Ctrl+C or --count;
    `jlab-mcp profile schema top` describes it. Without a terminal it prints one look.

    \b
    Examples:
      jlab-mcp top
      jlab-mcp top --all --interval 5
      jlab-mcp top --once
      jlab-mcp top --json --count 1 | jq '.servers[].state'
    """

    async def body(resolved: ResolvedProfile) -> ExitCode:
        from jlab_mcp.app.watch import Watcher

        watcher = Watcher(resolved, every=every)
        if json:
            return await _stream(watcher, interval, 1 if once else count)
        title = "all projects" if every else str(resolved.project_dir)
        if once or not _is_terminal():
            if not once:
                show_note("there is no terminal to draw on, so this is one look; `--json` goes on looking")
            return await _one(watcher, title)
        from jlab_mcp.cli.top.live import live
        from jlab_mcp.cli.top.state import View

        return await live(View(title, interval), watcher, count=count)

    run_on_all(body)


def _is_terminal() -> bool:
    return is_screen(sys.stdout) and sys.stdin is not None and sys.stdin.isatty()


async def _one(watcher: Watcher, title: str) -> ExitCode:
    from jlab_mcp.cli.top.draw import plain
    from jlab_mcp.cli.top.state import View

    view = View(title, 0.0)
    with PROGRESS.during("asking the servers how they do"):
        view.take(await watcher.look_patiently())
    await watcher.aclose()
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 200
    data("\n".join(plain(view, width, braille="utf" in (sys.stdout.encoding or "").lower())))
    return ExitCode.OK


async def _stream(watcher: Watcher, interval: float, count: int | None) -> ExitCode:
    """Print looks as JSON, one on a line, until the reader wants no more."""
    looked = 0
    try:
        while count is None or looked < count:
            if looked:
                await asyncio.sleep(interval)
            found = await (watcher.look() if looked else watcher.look_patiently())
            looked += 1
            print(found.model_dump_json(), flush=True)
    except BrokenPipeError:
        # Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        await watcher.aclose()
    return ExitCode.OK
