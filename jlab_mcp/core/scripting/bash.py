"""Words and lines of bash that hold what they are given and nothing else."""

from __future__ import annotations

import re
import shlex

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def has_control(text: str) -> bool:
    """Say whether a text holds a character that ends a line, or that no quote makes harmless."""
    return bool(_CONTROL.search(text))


def word(text: str) -> str:
    """Quote a text as one word of bash."""
    return shlex.quote(text)


def path_word(text: str) -> str:
    """Quote a path as one word of bash; `~/` at its beginning is the user's home on the node."""
    if text == "~":
        return '"$HOME"'
    return f'"$HOME"/{word(text[2:])}' if text.startswith("~/") else word(text)


def give_up(message: str) -> str:
    """Return what follows `||`: the job ends with a sentence in its log."""
    return f"{{ echo {word(f'jlab-mcp: cannot {message}')} >&2; exit 1; }}"
