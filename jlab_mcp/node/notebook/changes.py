"""What somebody else has changed in a notebook, gathered until it is told, in one sentence. Pure."""

from __future__ import annotations

from .document import Document

_NAMED = 5  # cells that a sentence names for each thing that was done
_DONE = ("edited", "run", "added", "deleted")


class Changes:
    """Ids of the cells that were changed, by what was done with them."""

    def __init__(self) -> None:
        self._cells: dict[str, dict[str, None]] = {what: {} for what in _DONE}

    def note(self, before: Document, after: Document) -> None:
        """Take what differs between two states of the notebook, which share the ids of their cells."""
        olds = {slot.id: slot.cell for slot in before.slots}
        news = {slot.id: slot.cell for slot in after.slots}
        for cell_id, cell in news.items():
            old = olds.get(cell_id)
            if old is None:
                self._add("added", cell_id)
            elif (old["cell_type"], old["source"]) != (cell["cell_type"], cell["source"]):
                self._add("edited", cell_id)
            elif (old.get("execution_count"), old.get("outputs")) != (
                cell.get("execution_count"),
                cell.get("outputs"),
            ):
                self._add("run", cell_id)
        for cell_id in olds.keys() - news.keys():
            if self._cells["added"].pop(cell_id, self) is self:
                self._add("deleted", cell_id)

    def _add(self, what: str, cell_id: str) -> None:
        if what in ("added", "deleted") or cell_id not in self._cells["added"]:
            self._cells[what][cell_id] = None

    def words(self) -> str:
        """Return what was changed, as parts of a sentence; empty if nothing."""
        parts = []
        for what, cells in self._cells.items():
            shown = list(cells)[:_NAMED] + ([f"{len(cells) - _NAMED} more"] if len(cells) > _NAMED else [])
            if shown:
                parts.append(f"{'cell' if len(cells) == 1 else 'cells'} {', '.join(shown)} {what}")
        return "; ".join(parts)

    def forget(self) -> None:
        """Begin anew: what was changed so far is told."""
        for cells in self._cells.values():
            cells.clear()
