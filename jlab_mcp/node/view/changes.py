"""What has changed in a notebook since a page last looked, cell by cell and output by output. Pure.

A page says up to where it knows, and gets the cells that are newer, in them only the outputs that are newer;
so any number of pages can look, and one that was cut off goes on where it was. Cells are compared by
whether one is the very same object as before: documents never change a cell in place.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Look:
    """A cell as it is now.

    Attributes:
        cell: the document's own object, held so that no other can be taken for it.
        stamp: what else its picture depends on.
        head: makes what is shown of it besides its outputs.
        outputs: makes its outputs.
        alive: whether its outputs may change although neither `cell` nor `stamp` does, as widgets do.
    """

    cell: dict[str, Any]
    stamp: Hashable
    head: Callable[[], dict[str, Any]]
    outputs: Callable[[], list[dict[str, Any]]]
    alive: bool = False


@dataclass
class _Seen:
    cell: dict[str, Any]
    stamp: Hashable
    head: dict[str, Any] = field(default_factory=dict)
    outputs: list[tuple[dict[str, Any], int]] = field(default_factory=list)  # each with when it came to be
    at: int = 0


class Changes:
    """The history of one notebook, as far as pages need it."""

    def __init__(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._now = 0
        self._cells: dict[str, _Seen] = {}
        self._order: list[str] = []
        self._ordered_at = 0

    def take(self, looks: Iterable[tuple[str, Look]]) -> None:
        """Take the cells as they are now, in their order, by their ids."""
        now = self._now + 1
        order = []
        for cell_id, look in looks:
            order.append(cell_id)
            seen = self._cells.get(cell_id)
            if seen is None or look.alive or seen.cell is not look.cell or seen.stamp != look.stamp:
                self._cells[cell_id] = _newer(seen, look, now)
        if order != self._order:
            self._order, self._ordered_at = order, now
            self._cells = {cell_id: self._cells[cell_id] for cell_id in order}
        if self._ordered_at == now or any(seen.at == now for seen in self._cells.values()):
            self._now = now

    def since(self, known: str | None) -> dict[str, Any] | None:
        """Return what a page that knows up to `known` lacks; None if nothing.

        Returns:
            `since`, to be asked with next; `whole`, whether it is all of the notebook; `order`, the ids of
            all cells, unless that is known; `cells`, those that changed, with null for outputs that did not.
        """
        epoch, _, number = (known or "").partition(".")
        whole = epoch != self._epoch or not number.isdigit() or int(number) > self._now
        after = -1 if whole else int(number)
        if after == self._now:
            return None
        return {
            "since": f"{self._epoch}.{self._now}",
            "whole": whole,
            "order": list(self._order) if self._ordered_at > after else None,
            "cells": [
                _shown(cell_id, self._cells[cell_id], after)
                for cell_id in self._order
                if self._cells[cell_id].at > after
            ],
        }


def _newer(seen: _Seen | None, look: Look, now: int) -> _Seen:
    before = seen.outputs if seen is not None else []
    made = look.outputs()
    outputs = [
        before[at] if at < len(before) and before[at][0] == output else (output, now)
        for at, output in enumerate(made)
    ]
    head = look.head()
    same = seen is not None and seen.head == head and seen.outputs == outputs
    return _Seen(look.cell, look.stamp, head, outputs, seen.at if same and seen is not None else now)


def _shown(cell_id: str, seen: _Seen, after: int) -> dict[str, Any]:
    outputs = [output if at > after else None for output, at in seen.outputs]
    return {"id": cell_id, **seen.head, "outputs": outputs}
