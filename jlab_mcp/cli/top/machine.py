"""How busy a server's machine is, and was lately: a line for its processors and memory, one for each GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from jlab_mcp.cli.top.history import graph, measured
from jlab_mcp.cli.top.words import gib, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jlab_mcp.app.watch import WatchedServer
    from jlab_mcp.cli.top.paper import Paper
    from jlab_mcp.cli.top.state import View
    from jlab_mcp.client.models import Gpu

_FULL = 0.95
"""Share of memory from which on it is shown as a danger."""


def machine_lines(view: View, server: WatchedServer, paper: Paper) -> list[Text]:
    """Say how busy the machine is, and how busy it was lately."""
    resources = server.resources
    if resources is None:
        return []
    cores = resources.cpus.usable or resources.cpus.count
    memory = resources.memory
    used = None
    if memory.total is not None and memory.available is not None:
        used = memory.total - memory.available
    of = f" of {cores:g}" if cores else ""
    labels = ["CPU", *(f"GPU {gpu.index}" for gpu in resources.gpus)]
    width = max(len(label) for label in labels)
    room = 0 if paper.narrow or not paper.graphs else max(6, min(24, (paper.width - 50) // 2))
    gauges = _Gauges(view, server, dict(measured(server)), room, paper.braille)
    lines = []
    for at, label in enumerate(labels):
        gpu = resources.gpus[at - 1] if at else None
        load, full = (f"gpu {gpu.index}", f"gpu memory {gpu.index}") if gpu else ("cpu", "memory")
        held, total = (gpu.memory_used, gpu.memory_total) if gpu else (used, memory.limit or memory.total)
        line = Text("    ", style="dim" if server.silent_s else "")
        gauges.draw(line, f"{label:<{width}}", load)
        line.append(" " * len(of) if gpu else of).append("  ")
        gauges.draw(line, "MEM", full)
        line.append(f" {gib(held, 0)}/{gib(total, 0)}G" if paper.narrow else f" {gib(held)}/{gib(total)} GiB")
        if gpu:
            for fact in about(gpu):
                if not paper.width or line.cell_len + len(fact) + 2 <= paper.width:
                    line.append(f"  {fact}", style="dim")
        lines.append(line)
    return lines


def about(gpu: Gpu) -> Iterator[str]:
    """Yield what else is known of a GPU: temperature, power, its name."""
    if gpu.temperature is not None:
        yield f"{gpu.temperature:.0f} °C"
    if gpu.power is not None:
        yield f"{gpu.power:.0f} W"
    if gpu.name:
        yield gpu.name


@dataclass(frozen=True, slots=True)
class _Gauges:
    """Shares of one server's machine, now and lately, each in so much room."""

    view: View
    server: WatchedServer
    shares: Mapping[str, float | None]
    room: int
    braille: bool

    def draw(self, text: Text, label: str, name: str) -> None:
        """Add a label, the graph if there is room for it, and the share in percent."""
        share = self.shares.get(name)
        text.append(f"{label} ", style="bold")
        if self.room:
            drawn = graph(self.view.history.of(self.server.key, name), self.room, braille=self.braille)
            full = "memory" in name and (share or 0) > _FULL
            text.append(drawn, style="red" if full else "green").append(" ")
        text.append(percent(share) if self.room else percent(share).strip())
