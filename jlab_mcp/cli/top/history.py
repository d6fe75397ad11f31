"""What was measured lately, and how that is drawn in one line of text."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jlab_mcp.app.watch import Snapshot, WatchedServer
    from jlab_mcp.client.models import Memory

_KEPT = 240
_LEFT = (0, 0x40, 0x44, 0x46, 0x47)
_RIGHT = (0, 0x80, 0xA0, 0xB0, 0xB8)
"""Dots of a braille cell for a height of 0 to 4, of its left and of its right column."""
_BRAILLE = 0x2800
_LETTERS = " .:-=+*#"


@dataclass(slots=True)
class History:
    """Shares from 0 to 1 by server and by what was measured, the last one at the end; None is unknown."""

    _lines: dict[tuple[str, str], deque[float | None]] = field(default_factory=dict)

    def take(self, snapshot: Snapshot) -> None:
        """Take in what a look has found; what is gone is forgotten."""
        for server in snapshot.servers:
            for name, share in measured(server):
                self._lines.setdefault((server.key, name), deque(maxlen=_KEPT)).append(share)
        keys = {server.key for server in snapshot.servers}
        for line in [line for line in self._lines if line[0] not in keys]:
            del self._lines[line]

    def of(self, key: str, name: str) -> Sequence[float | None]:
        """Return what was measured of a server."""
        return tuple(self._lines.get((key, name), ()))


def measured(server: WatchedServer) -> Iterable[tuple[str, float | None]]:
    """Yield the shares that a server's machine is in use now; nothing where it does not tell."""
    resources = server.resources
    if resources is None:
        return
    percent = resources.cpus.percent
    yield "cpu", None if percent is None else percent / 100
    yield "memory", memory_share(resources.memory)
    for gpu in resources.gpus:
        yield f"gpu {gpu.index}", None if gpu.utilization is None else gpu.utilization / 100
        full = gpu.memory_used is not None and gpu.memory_total
        yield f"gpu memory {gpu.index}", (gpu.memory_used or 0) / (gpu.memory_total or 1) if full else None


def memory_share(memory: Memory) -> float | None:
    """Return how much of a machine's memory is in use."""
    if not memory.total or memory.available is None:
        return None
    return (memory.total - memory.available) / memory.total


def graph(shares: Sequence[float | None], columns: int, *, braille: bool) -> str:
    """Draw shares as a line of text of so many columns; the newest is at its right end.

    Args:
        shares: from 0 to 1; None leaves a gap.
        columns: how wide the text is.
        braille: whether two shares go into one character; else letters are used, one for each.
    """
    per = 2 if braille else 1
    wanted = columns * per
    padded = [*[None] * (wanted - len(shares)), *shares[-wanted:]] if wanted else []
    if not braille:
        return "".join(_letter(share) for share in padded)
    pairs = zip(padded[::2], padded[1::2], strict=True)
    drawn = (_LEFT[_height(left)] + _RIGHT[_height(right)] for left, right in pairs)
    return "".join(chr(_BRAILLE + dots) if dots else " " for dots in drawn)


def _height(share: float | None) -> int:
    """Return the height of a share in dots; what is measured has at least one, unlike what is unknown."""
    return 0 if share is None else max(1, min(4, round(share * 4)))


def _letter(share: float | None) -> str:
    if share is None:
        return " "
    return _LETTERS[max(1, min(len(_LETTERS) - 1, round(share * (len(_LETTERS) - 1))))]
