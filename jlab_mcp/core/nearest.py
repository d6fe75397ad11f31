"""The most similar name, for typos."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def nearest(name: str, known: Sequence[str]) -> str:
    """Return ", did you mean `…`?" for the most similar name, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a typo pays for it

    close = get_close_matches(name, known, n=1, cutoff=0.75)
    return f", did you mean `{close[0]}`?" if close else ""


def nearest_or_semicolon(name: str, known: Sequence[str]) -> str:
    """Return what stands before a list of all names: "; did you mean `…`? ", or "; " if none is similar."""
    question = nearest(name, known).removeprefix(", ")
    return f"; {question} " if question else "; "
