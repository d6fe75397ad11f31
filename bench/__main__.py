"""Measure every figure in one run, print a table and write the values as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.table import Table

from bench import running, settings, starting
from bench.figures import Figure
from bench.place import Place, temporary_place

PACKAGES = ("jlab-mcp", "jupyterlab", "jupyter_server", "jupyter_client", "ipykernel", "mcp")


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
    "cells": running.long_notebook,
    "session": starting.first_result,
    "resources": running.resources,
    "output": running.big_output,
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
    begun = time.time()
    figures, failures = asyncio.run(_measure(only or list(NAMES), quick=quick, say=log.print))
    report = _report(figures, failures, quick=quick, begun=begun)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    Console().print(_table(figures))
    for name, reason in failures.items():
        log.print(f"error: {name} did not run: {reason}", style="red", markup=False)
    log.print(f"Values are in {output}", markup=False)
    raise typer.Exit(1 if failures else 0)


async def _measure(names: list[str], *, quick: bool, say: Say) -> tuple[list[Figure], dict[str, str]]:
    figures: list[Figure] = []
    failures: dict[str, str] = {}

    async def measure(name: str, row: Measure, place: Place) -> None:
        say(f"measuring {name} …")
        try:
            figures.append(await row(place, quick=quick))
        except Exception as error:  # noqa: BLE001 - one row that fails must not take the others with it
            failures[name] = f"{type(error).__name__}: {_cause(error)}"

    with temporary_place() as place:
        for name, row in WITHOUT_SERVER.items():
            if name in names:
                await measure(name, row, place)
        wanted = [name for name in WITH_SERVER if name in names]
        if wanted:
            place.jlab_mcp("start", "--detach")
            for name in wanted:
                await measure(name, WITH_SERVER[name], place)
    return figures, failures


def _cause(error: BaseException) -> str:
    """Look through the groups that task groups put around an error."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def _report(figures: list[Figure], failures: dict[str, str], *, quick: bool, begun: float) -> dict[str, Any]:
    return {
        "version": 1,
        "begun": begun,
        "seconds": round(time.time() - begun, 1),
        "quick": quick,
        "machine": {"cpus": os.cpu_count(), "load_1m": os.getloadavg()[0], "system": platform.platform()},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "figures": [figure.to_json() for figure in figures],
        "failures": failures,
    }


def _table(figures: list[Figure]) -> Table:
    table = Table(
        title="Each figure beside its floor: median, quartiles in brackets, n", title_justify="left"
    )
    for heading in ("What", "jlab-mcp", "Floor", "Result", ""):
        table.add_column(heading, overflow="fold")
    for figure in figures:
        floor = f"{figure.floor}\n{figure.floor_what}" if figure.floor else "-"
        verdicts = "\n".join(
            "[green]met[/green]" if check.met else "[red]missed[/red]" for check in figure.checks
        )
        what = "\n".join([figure.what, *(f"[dim]{note}[/dim]" for note in figure.notes)])
        # A sample's brackets are not markup.
        table.add_row(
            what,
            str(figure.ours).replace("[", r"\["),
            floor.replace("[", r"\["),
            "\n".join(str(check) for check in figure.checks),
            verdicts,
        )
    return table


if __name__ == "__main__":
    typer.run(main)
