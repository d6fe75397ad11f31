"""What a measurement is: samples, checks against an aim, and one figure of the table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Samples:
    """Repeated measurements of one thing, in `unit`."""

    values: tuple[float, ...]
    unit: str

    @classmethod
    def seconds(cls, values: Sequence[float]) -> Samples:
        """Keep times of a second or more."""
        return cls(tuple(values), "s")

    @classmethod
    def milliseconds(cls, values: Sequence[float]) -> Samples:
        """Keep times measured in seconds as milliseconds."""
        return cls(tuple(value * 1000 for value in values), "ms")

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The first and the third quartile, between which half of the values lie."""
        if len(self.values) < 2:  # noqa: PLR2004
            return self.values[0], self.values[0]
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    def __str__(self) -> str:
        """Show the median, the quartiles and the count."""
        low, high = self.spread
        digits = 2 if self.unit == "s" else 1
        return (
            f"{self.median:.{digits}f} {self.unit} [{low:.{digits}f}-{high:.{digits}f}] n={len(self.values)}"
        )

    def to_json(self) -> dict[str, Any]:
        """Give the figures and every single value."""
        low, high = self.spread
        return {
            "median": self.median,
            "quartiles": [low, high],
            "n": len(self.values),
            "unit": self.unit,
            "values": list(self.values),
        }


@dataclass(frozen=True)
class Check:
    """One value beside its aim, which is the most it may be (`unit` "" is a ratio)."""

    label: str
    value: float
    aim: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the value keeps its aim."""
        return self.value <= self.aim

    def __str__(self) -> str:
        """Show the value and the aim."""
        unit = f" {self.unit}" if self.unit else " times" if self.label == "ratio" else ""
        name = "" if self.label == "ratio" else f"{self.label} "
        return f"{name}{self.value:.4g}{unit} (aim {self.aim:g})"

    def to_json(self) -> dict[str, Any]:
        """Give the value, its aim and the verdict."""
        return {
            "label": self.label,
            "value": self.value,
            "aim": self.aim,
            "unit": self.unit or "ratio",
            "met": self.met,
        }


@dataclass(frozen=True)
class Figure:
    """One row of the table: what was measured, its floor in the same run, and how it keeps its aims."""

    name: str
    what: str
    ours: Samples
    checks: tuple[Check, ...]
    floor: Samples | None = None
    floor_what: str = ""
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def ratio(
        cls, name: str, what: str, ours: Samples, floor: Samples, floor_what: str, aim: float
    ) -> Figure:
        """Compare the medians of ours and of the floor."""
        check = Check("ratio", ours.median / floor.median, aim)
        return cls(name, what, ours, (check,), floor, floor_what)

    @property
    def met(self) -> bool:
        """Whether every aim is kept."""
        return all(check.met for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Give everything there is to know about this row."""
        return {
            "name": self.name,
            "what": self.what,
            "ours": self.ours.to_json(),
            "floor": self.floor and self.floor.to_json(),
            "floor_what": self.floor_what,
            "checks": [check.to_json() for check in self.checks],
            "met": self.met,
            "notes": list(self.notes),
        }
