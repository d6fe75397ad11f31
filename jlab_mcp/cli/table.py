"""Rows of text in columns."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = "  "


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay rows out below their heads; the last column is as wide as it likes."""
    lines = [head, *rows]
    widths = [max(_width(line[at]) for line in lines) for at in range(len(head) - 1)]
    return [
        _GAP.join(
            [
                *(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=False)),
                line[-1],
            ]
        )
        for line in lines
    ]


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
