"""One shared document, as the notebook that it is: read cell by cell, changed where it differs.

What people type meanwhile stays theirs: a text is changed only where it differs, and all of a change is one
transaction. Reading and changing follow each other without a pause in which the document could change.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..notebook.cells import Cell, Slot, join_text, new_id
from ..notebook.document import Document
from .edits import edit_cell, integers

_LOG = logging.getLogger("jlab_mcp_node")
_STATE = "execution_state"
_OURS = "jlab-mcp"
_SAME_TIME = 0.001  # seconds by which one time of a file may differ when written in two ways


class SharedRoom:
    """A room of jupyter-collaboration.

    Args:
        room: its `DocumentRoom`.
    """

    def __init__(self, room: Any) -> None:
        self._room = room
        self._notebook = room._document
        self._doc = room.ydoc
        self._cells: Any = self._notebook.ycells
        self._meta: Any = self._notebook._ymeta
        self._read: dict[str, Slot] = {}  # cells as they were last read, without those that changed since
        self._changed = True  # by somebody else, since it was last read
        self._changing = False
        self._at_work: set[str] = set()
        self.base: Document | None = None  # what it held after it was last read or changed here
        self.on_change: Callable[[], None] = lambda: None  # called for what somebody else has changed
        self._observed = [
            (self._cells, self._cells.observe_deep(self._note_cells)),
            (self._meta, self._meta.observe_deep(self._note_meta)),
        ]

    @property
    def ready(self) -> bool:
        """Whether it has its content, and nobody is filling it from the file."""
        lock = getattr(self._room, "_update_lock", None)
        return bool(self._room.ready) and not (lock is not None and lock.locked())

    def close(self) -> None:
        """Let the document go."""
        for shared, subscription in self._observed:
            shared.unobserve(subscription)
        self._observed = []

    # -- reading -----------------------------------------------------------------------------------

    def take(self, known: Document) -> Document:
        """Return the notebook as it is now: `known` itself if nobody has changed that since.

        Args:
            known: what it held; its cells are taken over where they did not change.
        """
        if not self._changed:
            return known
        self._changed = False
        before = {slot.id: slot for slot in known.slots}
        slots = [self._slot(index, before) for index in range(len(self._name_doubles()))]
        meta = integers(self._meta.to_py() or {})
        metadata = meta.get("metadata") or {}
        if slots == known.slots and metadata == known.metadata:
            return known
        return Document(slots, metadata, int(meta.get("nbformat_minor", known.minor)), known.extra)

    def _slot(self, index: int, before: dict[str, Slot]) -> Slot:
        cell_id = self._id(index)
        read = self._read.get(cell_id)
        if read is None:
            cell = _as_cell(self._cells[index].to_py())
            old = before.get(cell_id)
            read = self._read[cell_id] = old if old is not None and old.cell == cell else Slot(cell)
        return read

    def _name_doubles(self) -> list[str]:
        """Return the ids of all cells; one that a cell before it has already is given anew."""
        ids: list[str] = []
        for index in range(len(self._cells)):
            cell_id = self._id(index)
            if not cell_id or cell_id in ids:
                taken = {self._id(each) for each in range(len(self._cells))}
                cell_id = new_id(taken)
                with self._change():
                    self._cells[index]["id"] = cell_id
            ids.append(cell_id)
        return ids

    def _id(self, index: int) -> str:
        return str(self._cells[index].get("id") or "")

    # -- changing ----------------------------------------------------------------------------------

    def put(self, document: Document, at_work: Iterable[str]) -> None:
        """Have it hold this notebook, which was made of what `take` has returned last.

        Args:
            document: the notebook.
            at_work: ids of the cells that run or wait for it.
        """
        base = self.base
        if base is None:
            return
        with self._change():
            fresh = self._arrange([slot.id for slot in document.slots], {s.id: s for s in document.slots})
            before = {slot.id: slot for slot in base.slots}
            for index, slot in enumerate(document.slots):
                old = before.get(slot.id)
                if slot.id not in fresh and old is not None and old is not slot and old.cell != slot.cell:
                    self._edit(index, old.cell, slot.cell)
            self._show_work(set(at_work), document)
            self._put_metadata(base.metadata, document.metadata)
        self.base = document.snapshot()

    def _arrange(self, wanted: list[str], slots: dict[str, Slot]) -> set[str]:
        """Have the cells stand in this order; returns the ids of those that were made for it."""
        ids = [self._id(index) for index in range(len(self._cells))]
        for index in reversed(range(len(ids))):
            if ids[index] not in slots:
                del self._cells[index]
                del ids[index]
        fresh: set[str] = set()
        for index, cell_id in enumerate(wanted):
            if index < len(ids) and ids[index] == cell_id:
                continue
            if cell_id in ids:  # a shared cell cannot be moved, only made anew in another place
                old = ids.index(cell_id)
                del self._cells[old]
                del ids[old]
            self._cells.insert(index, self._notebook.create_ycell(slots[cell_id].cell))
            ids.insert(index, cell_id)
            fresh.add(cell_id)
        return fresh

    def _edit(self, index: int, old: Cell, new: Cell) -> None:
        if old["cell_type"] != new["cell_type"]:
            self._cells[index] = self._notebook.create_ycell(new)
        elif not edit_cell(self._cells[index], old, new):
            made = self._notebook.create_ycell(new)
            self._cells[index] = made

    def _show_work(self, at_work: set[str], document: Document) -> None:
        """Mark the cells that run, as pages do; what a page runs itself is left alone."""
        for cell_id in at_work ^ self._at_work:
            if cell_id in document:
                cell = self._cells[document.index_of(cell_id)]
                state = "running" if cell_id in at_work else "idle"
                if cell.get(_STATE, state) != state:
                    cell[_STATE] = state
        self._at_work = at_work

    def _put_metadata(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        shared = self._meta.get("metadata")
        if old == new or shared is None or isinstance(shared, dict):
            return
        for key in [key for key in old if key not in new]:
            shared.pop(key, None)
        for key, value in new.items():
            if value != old.get(key):
                shared[key] = value

    @contextmanager
    def _change(self) -> Iterator[None]:
        self._changing = True
        try:
            with self._doc.transaction(origin=_OURS):
                yield
        finally:
            self._changing = False

    # -- what others do ----------------------------------------------------------------------------

    def _note_cells(self, events: list[Any]) -> None:
        for event in events:
            if event.path:
                self._read.pop(self._id(event.path[0]), None)
            else:
                for step in event.delta:
                    for cell in step.get("insert", ()):
                        self._read.pop(str(cell.get("id") or ""), None)
        self._note()

    def _note_meta(self, _events: list[Any]) -> None:
        self._note()

    def _note(self) -> None:
        if not self._changing:
            self._changed = True
            self.on_change()

    # -- the file ----------------------------------------------------------------------------------

    async def save(self) -> None:
        """Have the room save its file now, as it is; one that somebody else has written is taken in first.

        Raises:
            OSError: it could not be written.
        """
        model = {"format": "json", "type": "notebook", "content": self._notebook.get()}
        try:
            saved = await self._room._file.maybe_save_content(model)
        except Exception as error:
            if type(error).__name__ == "OutOfBandChanges":
                await self._room._on_outofband_change()
                return
            raise OSError(0, str(getattr(error, "log_message", None) or error)) from error
        await self._saved(saved)

    async def _saved(self, model: Any) -> None:
        async with self._room._update_lock:  # else this change would have the room save once more
            self._notebook.dirty = False
            if isinstance(model, dict) and "hash" in model:
                self._notebook.hash = model["hash"]

    def knows_file(self, path: str) -> bool:
        """Whether the file is as the room has last read or written it."""
        try:
            known: float = self._room._file.last_modified.timestamp()
            return abs(known - os.stat(path).st_mtime) < _SAME_TIME
        except (OSError, AttributeError):
            return False


def _as_cell(shared: dict[str, Any]) -> Cell:
    """Write a shared cell as the file has it."""
    cell = integers({key: value for key, value in shared.items() if key != _STATE})
    cell.setdefault("metadata", {})
    cell.setdefault("source", "")
    if cell.get("cell_type") == "code":
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
    elif not cell.get("attachments", True):
        del cell["attachments"]
    return join_text(cell)
