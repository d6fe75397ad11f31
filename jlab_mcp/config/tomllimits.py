"""TOML within limits: on numbers and tables that nobody writes, Python's reader fails in ways of its own."""

from __future__ import annotations

import tomllib
from typing import Any

_DEEPEST = 32
"""Tables and lists within each other; settings need four."""
_BEYOND = 1 << 63
_TOO_DEEP = f"has tables or lists more than {_DEEPEST} deep"
_TOO_LARGE = "has a whole number of more than 64 bits"


def parse(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML.
        ValueError: it goes deeper than any settings, or has a number that TOML need not have.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError:  # Python reads no number of thousands of digits
        raise ValueError(_TOO_LARGE) from None
    _check(values)
    return values


def _check(values: dict[str, Any]) -> None:
    waiting: list[tuple[int, object]] = [(0, values)]
    while waiting:
        depth, value = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError(_TOO_DEEP)
        if isinstance(value, int) and not -_BEYOND <= value < _BEYOND:
            raise ValueError(_TOO_LARGE)
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(depth + 1, each) for each in inner]
