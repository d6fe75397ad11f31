"""Measure every figure in one run, print a table and write the values as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console

from bench import notebooks, running, settings, starting
from bench.figures import Figure
from bench.place import Place, temporary_place
from bench.reporting import Run


class Measure(Protocol):
    """Measures one row in a place."""

    def __call__(self, place: Place, *, quick: bool) -> Awaitable[Figure]:
        """Give the row."""
        ...


WITHOUT_SERVER: dict[str, Measure] = {
    "start": starting.server_start,
    "spawn": starting.mcp_spawn,
    "help": settings.help_text,
    "show": settings.one_profile,
    "profiles": settings.many_profiles,
}
WITH_SERVER: dict[str, Measure] = {
    "execute": running.small_cell,
    "cells": notebooks.full_notebooks,
    "resume": notebooks.resumed,
    "session": starting.first_result,
    "new": starting.new_session,
    "scratch": starting.scratch,
    "sleepers": running.sleepers,
    "resources": running.resources,
    "output": running.big_output,
    "stream": running.stream,
}
NAMES = (*WITHOUT_SERVER, *WITH_SERVER)

Say = Callable[[str], None]


def main(
    only: Annotated[
        list[str] | None, typer.Option(help=f"Measure only this row; may be repeated: {', '.join(NAMES)}.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repetitions: to see that it runs.")] = False,
    output: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("bench/results.json"),
) -> None:
    """Measure each figure beside its floor in the same run.

    A missed aim is reported, not punished: the exit status is 1 only if something failed to run.
    """
    unknown = sorted(set(only or ()) - set(NAMES))
    if unknown:
        raise typer.BadParameter(f"no row is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    log = Console(stderr=True, highlight=False)
    run = Run(quick)
    asyncio.run(_measure(run, only or list(NAMES), log.print))
    raise typer.Exit(run.publish(output))


async def _measure(run: Run, names: list[str], say: Say) -> None:
    async def measure(name: str, row: Measure, place: Place) -> None:
        say(f"measuring {name} …")
        try:
            run.figures.append(await row(place, quick=run.quick))
        except Exception as error:  # noqa: BLE001 - one row that fails must not take the others with it
            run.failed(name, error)

    with temporary_place() as place:
        for name, row in WITHOUT_SERVER.items():
            if name in names:
                await measure(name, row, place)
        wanted = [name for name in WITH_SERVER if name in names]
        if wanted:
            place.jlab_mcp("start", "--detach")
            for name in wanted:
                await measure(name, WITH_SERVER[name], place)


if __name__ == "__main__":
    typer.run(main)
