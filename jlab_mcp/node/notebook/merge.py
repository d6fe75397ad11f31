"""Three-way merge of a notebook: the state both sides know, ours, and what someone else saved. Pure.

Cells are matched by id, and where the file has no ids, by content and position. Nothing that either side
wrote is lost without a note.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

from .cells import Cell, Slot, new_cell, new_id
from .document import Document

_NAMED = 5  # cells that a sentence names
_Slots = dict[str, Slot]


def merge(base: Document, mine: Document, disk: Document) -> tuple[Document, list[str]]:
    """Merge what changed since `base` in `mine` and in `disk`.

    A cell that one side changed is taken from that side. Where both changed one, ours stays and the other
    source follows as a cell of its own. A cell that one side deleted and the other changed stays.

    Args:
        base: the notebook as both sides last knew it.
        mine: the notebook in memory; its cells share their ids with `base`.
        disk: the notebook as it is in the file now.

    Returns:
        The merged notebook, whose cells keep the ids they have in `mine`, and one sentence for each thing
        that a person may want to look at.
    """
    if not (base.has_ids and disk.has_ids):
        disk = _aligned(base, disk)
    olds, ours, theirs = _by_id(base), _by_id(mine), _by_id(disk)
    notes: list[str] = []
    chosen = _Chooser(olds, ours, theirs, notes)
    order = _order(list(olds), list(ours), list(theirs), chosen.kept)
    slots: list[Slot] = []
    taken = set(olds) | set(ours) | set(theirs)
    for cell_id in order:
        slots.append(chosen.kept[cell_id])
        if cell_id in chosen.seconds:
            other = chosen.seconds[cell_id]
            slots.append(Slot(new_cell(other["cell_type"], other["source"], new_id(taken))))
    minor = disk.minor if disk.minor != base.minor else mine.minor
    metadata = _merge_keys(base.metadata, mine.metadata, disk.metadata)
    return Document(slots, metadata, minor, _merge_keys(base.extra, mine.extra, disk.extra)), notes


def deletions(before: Document, after: Document) -> list[str]:
    """Say in a sentence which cells a merge took away; no sentence if none."""
    left = {slot.id for slot in after.slots}
    gone = [slot.id for slot in before.slots if slot.id not in left]
    if not gone:
        return []
    cells = "cell" if len(gone) == 1 else "cells"
    shown = ", ".join(gone[:_NAMED]) + (f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else "")
    return [f"{cells} {shown} had been deleted in the file"]


class _Chooser:
    """Decides for each cell which side it is taken from."""

    def __init__(self, olds: _Slots, ours: _Slots, theirs: _Slots, notes: list[str]) -> None:
        self.kept: _Slots = {}
        self.seconds: dict[str, Cell] = {}
        self._notes = notes
        for cell_id in dict.fromkeys((*olds, *ours, *theirs)):
            slot = self._choose(cell_id, olds.get(cell_id), ours.get(cell_id), theirs.get(cell_id))
            if slot:
                self.kept[cell_id] = slot

    def _choose(self, cell_id: str, old: Slot | None, our: Slot | None, their: Slot | None) -> Slot | None:
        if our and their:
            if _same(our, their) or (old and _same(old, their)):
                return our
            if old and _same(old, our):
                return their
            return self._both(cell_id, old.cell if old else None, our, their)
        here = our or their
        if here and old:
            if _same(old, here):
                return None
            who = "in the file" if our else "by the session"
            other = "the session" if our else "the file"
            self._notes.append(f"cell {cell_id} was deleted {who} but changed by {other}: it was kept")
        return here

    def _both(self, cell_id: str, old: Cell | None, our: Slot, their: Slot) -> Slot:
        mine, disk = our.cell, their.cell
        if old and _is_edit(old, mine, disk):
            return self._edited(cell_id, old, mine, disk)
        source = old["source"] if old else None
        if disk["source"] not in {mine["source"], source} or (
            disk["cell_type"] != mine["cell_type"] and (not old or disk["cell_type"] != old["cell_type"])
        ):
            self.seconds[cell_id] = disk
            self._notes.append(
                f"cell {cell_id} was changed both by the session and in the file: the session's was kept and "
                "the file's source follows in a cell of its own"
            )
        elif old and disk["source"] != mine["source"] and disk.get("outputs") != old.get("outputs"):
            self._notes.append(
                f"cell {cell_id} was changed by the session: outputs saved in the file were dropped"
            )
        metadata = _merge_keys(old["metadata"] if old else {}, mine["metadata"], disk["metadata"])
        return our if metadata == mine["metadata"] else Slot({**mine, "metadata": metadata})

    def _edited(self, cell_id: str, old: Cell, mine: Cell, disk: Cell) -> Slot:
        """Take the source from the file; the outputs too, if it has some of its own."""
        metadata = _merge_keys(old["metadata"], mine["metadata"], disk["metadata"])
        if _result(disk) != _result(old):
            self._notes.append(
                f"cell {cell_id} was edited and run in the file: the outputs are those of there"
            )
            return Slot({**disk, "id": cell_id, "metadata": metadata})
        self._notes.append(f"cell {cell_id} was edited in the file: its outputs are those of the code before")
        return Slot({**mine, "source": disk["source"], "metadata": metadata})


def _is_edit(old: Cell, mine: Cell, disk: Cell) -> bool:
    """Whether the source was changed in the file alone, and the session only ran the cell."""
    one_type = old["cell_type"] == mine["cell_type"] == disk["cell_type"]
    return one_type and old["source"] == mine["source"] != disk["source"] and _result(old) != _result(mine)


def _result(cell: Cell) -> tuple[object, object]:
    return cell.get("execution_count"), cell.get("outputs")


def _same(one: Slot, other: Slot) -> bool:
    return one.cell is other.cell or one.cell == other.cell


def _by_id(document: Document) -> _Slots:
    return {slot.id: slot for slot in document.slots}


def _order(olds: list[str], ours: list[str], theirs: list[str], kept: Iterable[str]) -> list[str]:
    """Return the order of the cells that stay: of the side that moved some, and ours where both did."""
    kept = set(kept)
    in_olds, in_ours = set(olds), set(ours)
    moved = [cell_id for cell_id in ours if cell_id in in_olds] != [
        cell_id for cell_id in olds if cell_id in in_ours
    ]
    first, second = (ours, theirs) if moved else (theirs, ours)
    frame = [cell_id for cell_id in first if cell_id in kept]
    framed = set(frame)
    after: dict[str | None, list[str]] = {}
    anchor: str | None = None
    for cell_id in second:
        if cell_id in framed:
            anchor = cell_id
        elif cell_id in kept:
            after.setdefault(anchor, []).append(cell_id)
    order = after.get(None, [])
    for cell_id in frame:
        order.append(cell_id)
        order.extend(after.get(cell_id, []))
    return order


def _merge_keys(old: dict[str, Any], mine: dict[str, Any], disk: dict[str, Any]) -> dict[str, Any]:
    """Merge two changed dicts key by key; ours wins where both changed one."""
    merged: dict[str, Any] = {}
    for key in dict.fromkeys((*mine, *disk)):
        unchanged = (key in old) == (key in mine) and old.get(key) == mine.get(key)
        side = disk if unchanged else mine
        if key in side:
            merged[key] = side[key]
    return merged


def _aligned(base: Document, disk: Document) -> Document:
    """Return `disk` with the ids of the cells of `base` that its cells most likely are."""
    before = [_key(slot) for slot in base.slots]
    now = [_key(slot) for slot in disk.slots]
    ids = [slot.id for slot in base.slots]
    found: dict[int, str] = {}
    for tag, low, high, new_low, new_high in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        # Where as many cells stand as stood before, they are the same ones with another source.
        if tag == "equal" or (tag == "replace" and high - low == new_high - new_low):
            found.update({new_low + step: ids[low + step] for step in range(high - low)})
    taken = set(ids)
    slots = [
        Slot({**slot.cell, "id": found[index] if index in found else new_id(taken)})
        for index, slot in enumerate(disk.slots)
    ]
    return Document(slots, disk.metadata, disk.minor, disk.extra)


def _key(slot: Slot) -> tuple[str, str]:
    return slot.cell["cell_type"], slot.cell["source"]
