"""`make bench-slurm`: the figures of servers in jobs, on real SLURM daemons (tests/cluster/README.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import in_jobs
from bench.figures import Figure
from bench.reporting import Run
from tests.cluster.conftest import Lab
from tests.cluster.lab import install, lifecycle

ROWS: dict[str, Callable[[Lab, bool], Awaitable[list[Figure]]]] = {
    "start": in_jobs.starts,
    "queries": in_jobs.queries,
    "ends": in_jobs.ends,
}


def main(
    only: Annotated[
        list[str] | None, typer.Option(help=f"Measure only this row; may be repeated: {', '.join(ROWS)}.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repetitions: to see that it runs.")] = False,
    output: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("bench/results-slurm.json"),
) -> None:
    """Measure each figure on the lab, which is brought up for it; needs root, and SLURM's packages.

    A missed aim is reported, not punished: the exit status is 1 only if something failed to run.
    """
    if unknown := sorted(set(only or ()) - set(ROWS)):
        raise typer.BadParameter(f"no row is called {', '.join(unknown)}; there are {', '.join(ROWS)}")
    log = Console(stderr=True, highlight=False)
    hindrance = install.hindrance()
    if hindrance or install.missing():
        log.print(f"error: {hindrance or 'SLURM is not installed'}", style="red", markup=False)
        log.print("hint: `python -m tests.cluster.lab install` installs it, as root", markup=False)
        raise typer.Exit(1)
    run = Run(quick)
    with lifecycle.sole_use(wait=True):
        brought_up = lifecycle.brought_up_by() == "hand"
        if not brought_up:
            lifecycle.up("a bench")
        try:
            asyncio.run(_measure(run, only or list(ROWS), log))
        finally:
            if not brought_up:
                lifecycle.down()
    raise typer.Exit(run.publish(output))


async def _measure(run: Run, names: list[str], log: Console) -> None:
    lab = Lab()
    for name in names:
        log.print(f"measuring {name} …")
        lab.reset()
        try:
            run.figures += await ROWS[name](lab, run.quick)
        except Exception as error:  # noqa: BLE001 - one row that fails must not take the others with it
            run.failed(name, error)


if __name__ == "__main__":
    typer.run(main)
