"""One notebook in memory: read from a file's text, edited cell by cell, written as nbformat writes it. Pure.

Methods never change a cell in place, they put a new one in its place; so a `snapshot` costs next to nothing,
and the text of cells that did not change is made once, not at each save.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ..outputs.bundles import display_body
from .cells import (
    IDS_SINCE,
    Cell,
    CellNotFound,
    CellRef,
    Slot,
    dump_json,
    free_id,
    join_text,
    new_cell,
    new_id,
)

__all__ = ["Cell", "CellNotFound", "CellRef", "Document", "NotANotebook"]

_FORMAT = 4
_NEW_MINOR = 5
_TRANSIENT = ("orig_nbformat", "orig_nbformat_minor", "signature")
_SHOWN = 200  # characters of a validation error that a person reads


class NotANotebook(ValueError):
    """The text is no notebook that can be opened; the message says why and, where there is one, the mend.

    Attributes:
        reason: the message.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Document:
    """One notebook. Made by `new` or `parse`."""

    def __init__(
        self,
        slots: list[Slot],
        metadata: dict[str, Any],
        minor: int,
        extra: dict[str, Any],
        places: dict[str, int] | None = None,
    ) -> None:
        self.metadata = metadata
        self.minor = minor
        self._slots = slots
        self._extra = extra  # what a later 4.x adds at the top
        self._dumped: tuple[dict[str, Any], str] | None = None
        self._places = places or {}  # where each id was last seen; `index_of` checks it
        if places is None:
            self._note_places()

    @classmethod
    def new(cls, kernel_name: str, display_name: str, language: str) -> Document:
        """Return an empty notebook of format 4.5 for this kernel."""
        metadata = {
            "kernelspec": {"display_name": display_name, "language": language, "name": kernel_name},
            "language_info": {"name": language},
        }
        return cls([], metadata, _NEW_MINOR, {})

    @classmethod
    def parse(cls, text: str) -> Document:
        """Read the text of a notebook file.

        Raises:
            NotANotebook: it is not JSON, not of format 4, or not valid.
        """
        content = _load(text)
        minor = content["nbformat_minor"]
        cells = content["cells"]
        _mend_ids(cells, in_file=minor >= IDS_SINCE)
        _validate(content, minor)
        taken = {cell["id"] for cell in cells if "id" in cell}
        slots = [Slot(join_text({"id": cell.get("id") or new_id(taken), **cell})) for cell in cells]
        metadata = {key: value for key, value in content["metadata"].items() if key not in _TRANSIENT}
        known = {"cells", "metadata", "nbformat", "nbformat_minor"}
        extra = {key: value for key, value in content.items() if key not in known}
        return cls(slots, metadata, minor, extra)

    def dump(self) -> str:
        """Return the text of the file, exactly as `nbformat.write` lays it out."""
        return "".join(self.pieces())

    def pieces(self) -> Iterator[str]:
        """Yield the text of the file piece by piece: all of a large one at once would hold others up."""
        texts: dict[str, Iterable[str]] = {
            "cells": self._cell_pieces(),
            "metadata": [self._metadata_text()],
            "nbformat": [str(_FORMAT)],
            "nbformat_minor": [str(self.minor)],
            **{key: [dump_json(value, 1)] for key, value in self._extra.items()},
        }
        between = "{\n"
        for key in sorted(texts):
            yield f"{between} {dump_json(key, 0)}: "
            yield from texts[key]
            between = ",\n"
        yield "\n}\n"

    def _cell_pieces(self) -> Iterator[str]:
        with_id = self.has_ids
        between = "[\n  "
        for slot in self._slots:
            yield between
            yield slot.text(with_id=with_id)
            between = ",\n  "
        yield "\n ]" if self._slots else "[]"

    def _metadata_text(self) -> str:
        """Return the metadata's text, made once: with the state of widgets it can be long."""
        if self._dumped is None or self._dumped[0] is not self.metadata:
            self._dumped = (self.metadata, dump_json(self.metadata, 1))
        return self._dumped[1]

    def snapshot(self) -> Document:
        """Return this state of the notebook, which later edits of either do not change."""
        copied = Document(list(self._slots), self.metadata, self.minor, self._extra, dict(self._places))
        copied._dumped = self._dumped
        return copied

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, cell_id: object) -> bool:
        """Whether there is a cell of this id."""
        return cell_id in self._places

    @property
    def cells(self) -> list[Cell]:
        """The cells in order, to read."""
        return [slot.cell for slot in self._slots]

    @property
    def slots(self) -> list[Slot]:
        """The cells with their texts, for a merge."""
        return list(self._slots)

    @property
    def extra(self) -> dict[str, Any]:
        """What stands at the top of the file besides what format 4.5 knows."""
        return self._extra

    @property
    def has_ids(self) -> bool:
        """Whether the file holds ids; in memory each cell has one in any case."""
        return self.minor >= IDS_SINCE

    @property
    def kernel_name(self) -> str | None:
        """The name of the kernel that the notebook asks for."""
        name = self.metadata.get("kernelspec", {}).get("name")
        return str(name) if name else None

    def index_of(self, ref: CellRef) -> int:
        """Return the index, from 0, of a cell.

        Raises:
            CellNotFound: there is none.
        """
        if isinstance(ref, str):
            if ref in self._places:
                return self._place(ref)
            try:
                position = int(ref)
            except ValueError:
                raise CellNotFound(ref, len(self._slots)) from None
        else:
            position = ref
        total = len(self._slots)
        if not -total <= position < total:
            raise CellNotFound(ref, total)
        return position % total

    def cell(self, ref: CellRef) -> Cell:
        """Return one cell, to read.

        Raises:
            CellNotFound: there is none.
        """
        return self._slots[self.index_of(ref)].cell

    def insert(self, index: int | None, cell_type: str, source: str, cell_id: str | None = None) -> str:
        """Insert a cell before the one at this index (negative from the end; none: at the end).

        It gets the id given, which no cell may have, or a new one.

        Returns:
            The id of the new cell.

        Raises:
            CellNotFound: the index is out of range.
        """
        total = len(self._slots)
        position = total if index is None else index
        if not -total <= position <= total:
            raise CellNotFound(position, total)
        cell_id = cell_id or free_id(self._places)
        self._slots.insert(position, Slot(new_cell(cell_type, source, cell_id)))
        self._places[cell_id] = position % (total + 1)
        return cell_id

    def set_source(self, ref: CellRef, source: str) -> str:
        """Give a cell another source; its outputs stay.

        Returns:
            The id of the cell.

        Raises:
            CellNotFound: there is none.
        """
        return self._change(self.index_of(ref), source=source)

    def delete(self, ref: CellRef) -> str:
        """Delete a cell.

        Returns:
            The id it had.

        Raises:
            CellNotFound: there is none.
        """
        slot = self._slots.pop(self.index_of(ref))
        del self._places[slot.id]
        return slot.id

    def move(self, ref: CellRef, index: int) -> str:
        """Move a cell so that it stands at this index afterwards.

        Returns:
            The id of the cell.

        Raises:
            CellNotFound: there is no such cell, or the index is out of range.
        """
        start = self.index_of(ref)
        total = len(self._slots)
        if not -total <= index < total:
            raise CellNotFound(index, total)
        slot = self._slots.pop(start)
        self._slots.insert(index % total, slot)
        return slot.id

    def set_outputs(
        self,
        cell_id: str,
        outputs: list[dict[str, Any]],
        execution_count: int | None,
        timing: dict[str, str] | None = None,
    ) -> None:
        """Give a code cell the outputs of an execution.

        Args:
            cell_id: the cell.
            outputs: nbformat outputs, which belong to the notebook from now on.
            execution_count: the kernel's number of the execution.
            timing: ISO times under the names that JupyterLab uses ("iopub.execute_input",
                "shell.execute_reply", …); none leaves those that are there, an empty one removes them.

        Raises:
            CellNotFound: there is no such code cell.
        """
        index = self.index_of(cell_id)
        cell = self._slots[index].cell
        if cell["cell_type"] != "code":
            raise CellNotFound(cell_id, len(self._slots))
        metadata = cell["metadata"]
        if timing:
            metadata = {**metadata, "execution": {**metadata.get("execution", {}), **timing}}
        elif timing is not None and "execution" in metadata:
            metadata = {key: value for key, value in metadata.items() if key != "execution"}
        self._change(index, outputs=outputs, execution_count=execution_count, metadata=metadata)

    def update_outputs(self, cell_id: str, places: list[int], content: dict[str, Any]) -> None:
        """Give the displays at these places of a cell's outputs other data, as `update_display_data` does.

        Raises:
            CellNotFound: there is no such cell, or it shows no displays there any more.
        """
        index = self.index_of(cell_id)
        outputs = list(self._slots[index].cell.get("outputs", []))
        for place in places:
            if place >= len(outputs) or "data" not in outputs[place]:
                raise CellNotFound(cell_id, len(self._slots))
            outputs[place] = {**outputs[place], **display_body(content)}
        self._change(index, outputs=outputs)

    def set_kernel_info(self, language_info: dict[str, Any], kernelspec: dict[str, Any]) -> None:
        """Record the kernel that runs the notebook; what else these two hold is kept."""
        self.metadata = {
            **self.metadata,
            "language_info": {**language_info},
            "kernelspec": {**self.metadata.get("kernelspec", {}), **kernelspec},
        }

    def touch(self, cell_id: str) -> None:
        """Have a cell's text made anew, after its dict was changed in place.

        Snapshots share that dict, so prefer the methods above.
        """
        index = self.index_of(cell_id)
        self._slots[index] = self._slots[index].fresh()

    def _note_places(self) -> None:
        self._places = {slot.id: index for index, slot in enumerate(self._slots)}

    def _place(self, cell_id: str) -> int:
        """Index of a cell that is there, without a search unless cells before it came or went."""
        index = self._places[cell_id]
        if index >= len(self._slots) or self._slots[index].id != cell_id:
            self._note_places()
            index = self._places[cell_id]
        return index

    def _change(self, index: int, **values: Any) -> str:
        slot = Slot({**self._slots[index].cell, **values})
        self._slots[index] = slot
        return slot.id


def _load(text: str) -> dict[str, Any]:
    if not text.strip("\ufeff \t\r\n"):
        raise NotANotebook("the file is empty")
    try:
        content = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise NotANotebook(f"the file is not JSON ({error})") from None
    if not isinstance(content, dict) or "nbformat" not in content:
        raise NotANotebook("the file is JSON, but no notebook: it has no `nbformat`")
    version = content["nbformat"]
    if version != _FORMAT:
        mend = "; convert it with `jupyter nbconvert --to notebook`" if version in {1, 2, 3} else ""
        raise NotANotebook(
            f"the notebook has format {version}, and only format {_FORMAT} can be opened{mend}"
        )
    cells = content.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise NotANotebook("the notebook has no list of cells")
    if not isinstance(content.get("nbformat_minor"), int) or not isinstance(content.get("metadata"), dict):
        raise NotANotebook("the notebook has no `nbformat_minor` or no `metadata`")
    return content


def _mend_ids(cells: list[Cell], *, in_file: bool) -> None:
    """Give missing and doubled ids anew, or take away ids that the file's format forbids."""
    if not in_file:
        for cell in cells:
            cell.pop("id", None)
        return
    taken: set[str] = set()
    for cell in cells:
        cell_id = cell.get("id")
        if cell_id is None or cell_id in taken:
            cell["id"] = new_id(taken)
        elif isinstance(cell_id, str):
            taken.add(cell_id)


def _validate(content: dict[str, Any], minor: int) -> None:
    from nbformat import ValidationError
    from nbformat.validator import validate

    spec = content["metadata"].get("kernelspec")
    if isinstance(spec, dict) and not {"name", "display_name"} <= spec.keys():
        # Jupyter opens it all the same, and a session's own kernel takes the place of what is missing.
        content = {**content, "metadata": {k: v for k, v in content["metadata"].items() if k != "kernelspec"}}
    try:
        validate(content, version=_FORMAT, version_minor=minor)
    except ValidationError as error:
        where = "".join(f"[{part!r}]" for part in error.relative_path)
        what = str(error.message).split("\n", 1)[0][:_SHOWN]
        raise NotANotebook(f"the notebook is not valid at notebook{where}: {what}") from None
