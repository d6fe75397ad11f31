"""What a run comes to: values as JSON, and a table."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure

PACKAGES = ("jlab-mcp", "jupyterlab", "jupyter_server", "jupyter_client", "ipykernel", "mcp")


@dataclass
class Run:
    """One run: its figures, and why rows could not be measured."""

    quick: bool
    begun: float = field(default_factory=time.time)
    figures: list[Figure] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def failed(self, name: str, error: BaseException) -> None:
        """Note that a row could not be measured."""
        while isinstance(error, BaseExceptionGroup):  # task groups put groups around an error
            error = error.exceptions[0]
        self.failures[name] = f"{type(error).__name__}: {error}"

    def publish(self, output: Path) -> int:
        """Write the values, print the table, and return the exit status: 1 if something failed to run."""
        log = Console(stderr=True, highlight=False)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        Console().print(_table(self.figures))
        for name, reason in self.failures.items():
            log.print(f"error: {name} did not run: {reason}", style="red", markup=False)
        log.print(f"Values are in {output}", markup=False)
        return 1 if self.failures else 0

    def to_json(self) -> dict[str, Any]:
        """Give everything there is to know about this run."""
        return {
            "version": 1,
            "begun": self.begun,
            "seconds": round(time.time() - self.begun, 1),
            "quick": self.quick,
            "machine": {"cpus": os.cpu_count(), "load_1m": os.getloadavg()[0], "system": platform.platform()},
            "python": platform.python_version(),
            "packages": {name: version(name) for name in PACKAGES},
            "figures": [figure.to_json() for figure in self.figures],
            "failures": self.failures,
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
