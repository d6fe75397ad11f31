"""The few forms of markdown that the pages use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `make reference`; change the program, not this page. -->"
"""The first line of every page."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, an empty one after it included; none where there are no rows."""
    lines = ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    if not lines:
        return []
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines, ""]


def code(text: str) -> str:
    """Return text as code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def block(language: str, lines: Iterable[str]) -> list[str]:
    """Return the lines of a block of code, an empty one after it included."""
    return [f"```{language}", *lines, "```", ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
