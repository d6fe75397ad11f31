"""Which cells of a notebook are meant by what a person writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE = re.compile(r"-?\d+")
_RANGE = re.compile(r"(-?\d+)-(-?\d+)?")


class NoSuchCell(ValueError):
    """A notebook has no cell of an index or id; the message says which, and what there is."""


def chosen(said: str, ids: Sequence[str]) -> list[int]:
    """Return the indexes of the cells that are meant, in the notebook's order.

    Args:
        said: indexes, ranges of them with both ends (`3-5`, `7-` to the end) and ids, with commas between;
            an index below zero counts from the end.
        ids: of all cells.

    Raises:
        NoSuchCell: there is no such cell, or it is none of these forms.
    """
    found: set[int] = set()
    for part in filter(None, (piece.strip() for piece in said.split(","))):
        if part in ids:
            found.add(ids.index(part))
        elif _ONE.fullmatch(part):
            found.add(_index(part, len(ids)))
        elif span := _RANGE.fullmatch(part):
            last = len(ids) - 1 if span[2] is None else _index(span[2], len(ids))
            found |= set(range(_index(span[1], len(ids)), last + 1))
        else:
            raise NoSuchCell(
                f"{part!r} is no cell's index, such as 3 or -1, no range, such as 3-5, and no cell's id"
            )
    return sorted(found)


def _index(text: str, count: int) -> int:
    index = int(text)
    index += count if index < 0 else 0
    if not 0 <= index < count:
        there = f"cells 0 to {count - 1}" if count else "no cells"
        raise NoSuchCell(f"there is no cell {text}: the notebook has {there}")
    return index
