"""What `top` draws on."""

from __future__ import annotations

from dataclasses import dataclass

_NARROW = 64
"""Columns below which graphs are left out, and what a cell printed has a line of its own."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What is drawn on.

    Attributes:
        width: columns.
        height: lines.
        braille: whether the terminal shows more than ASCII.
        now: seconds since the epoch, for what has been going on since some time.
        graphs: whether what was measured lately is drawn.
    """

    width: int
    height: int
    braille: bool
    now: float
    graphs: bool = True

    @property
    def narrow(self) -> bool:
        """Whether there is little room."""
        return self.width < _NARROW

    @property
    def dot(self) -> str:
        """What stands between two facts."""
        return " · " if self.braille else " | "
