"""One notebook cell: its JSON in memory, its text in the file, and how it is named. Pure.

In memory, text is one string and every cell has an id. In the file, text is a list of lines, and ids exist
from notebook format 4.5 on.
"""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, Union

from ..ids import random_id

Cell = dict[str, Any]
"""One cell as notebook format 4 has it, with text joined to single strings."""

CellRef = Union[int, str]
"""A cell by index (negative from the end) or by id; digits that are no id count as an index."""

IDS_SINCE = 5
_SPLIT_MIMES = frozenset({"application/javascript", "image/svg+xml"})


class CellNotFound(LookupError):
    """There is no such cell.

    Attributes:
        ref: the index or id that was asked for.
        total: how many cells there are.
    """

    def __init__(self, ref: CellRef, total: int) -> None:
        self.ref = ref
        self.total = total
        if not total:
            here = "the notebook has no cells"
        elif total == 1:
            here = "the notebook has one cell, index 0"
        else:
            here = f"the notebook has {total} cells, index 0 to {total - 1}"
        super().__init__(f"there is no cell {ref!r}: {here}")


@dataclass(frozen=True)
class Slot:
    """A cell together with its text in the file, which is made once."""

    cell: Cell
    _texts: dict[bool, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def id(self) -> str:
        """The cell's id."""
        return str(self.cell["id"])

    def text(self, *, with_id: bool) -> str:
        """Return the cell as it stands in the file, as deep as a notebook's cells are."""
        text = self._texts.get(with_id)
        if text is None:
            text = self._texts[with_id] = _file_text(self.cell, with_id=with_id)
        return text

    def fresh(self) -> Slot:
        """Return a slot of the same cell that makes its text anew."""
        return Slot(self.cell)


def free_id(taken: Container[str]) -> str:
    """Return an id that no cell has yet."""
    while True:
        cell_id = random_id(8)
        if cell_id not in taken:
            return cell_id


def new_id(taken: set[str]) -> str:
    """Return an id that no cell has yet, and take it."""
    cell_id = free_id(taken)
    taken.add(cell_id)
    return cell_id


def new_cell(cell_type: str, source: str, cell_id: str) -> Cell:
    """Return an empty cell with this source."""
    cell: Cell = {"cell_type": cell_type, "id": cell_id, "metadata": {}, "source": source}
    if cell_type == "code":
        cell["execution_count"] = None
        cell["outputs"] = []
    return cell


def join_text(cell: Cell) -> Cell:
    """Join the lists of lines of a cell, fresh from a file, in place."""
    if isinstance(cell.get("source"), list):
        cell["source"] = "".join(cell["source"])
    for bundle in cell.get("attachments", {}).values():
        _join_bundle(bundle)
    for output in cell.get("outputs", []):
        if output["output_type"] in {"execute_result", "display_data"}:
            _join_bundle(output.get("data", {}))
        elif isinstance(output.get("text"), list):
            output["text"] = "".join(output["text"])
    cell.get("metadata", {}).pop("trusted", None)
    return cell


def dump_json(value: object, depth: int) -> str:
    """Return JSON as nbformat lays it out, indented for this depth."""
    text = json.dumps(value, indent=1, sort_keys=True, separators=(",", ": "), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate cannot be written as UTF-8; losing it is better than losing the notebook.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\n", "\n" + " " * depth)


def _file_text(cell: Cell, *, with_id: bool) -> str:
    split = dict(cell)
    if not with_id:
        del split["id"]
    split["source"] = cell["source"].splitlines(True)
    if "attachments" in cell:
        split["attachments"] = {name: _split_bundle(bundle) for name, bundle in cell["attachments"].items()}
    if cell["cell_type"] == "code":
        split["outputs"] = [_split_output(output) for output in cell["outputs"]]
    return dump_json(split, 2)


def _split_output(output: dict[str, Any]) -> dict[str, Any]:
    if output["output_type"] in {"execute_result", "display_data"}:
        return {**output, "data": _split_bundle(output.get("data", {}))}
    if output["output_type"] == "stream" and isinstance(output.get("text"), str):
        return {**output, "text": output["text"].splitlines(True)}
    return output


def _join_bundle(bundle: dict[str, Any]) -> None:
    for mime, data in bundle.items():
        is_json = mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
        if not is_json and isinstance(data, list) and all(isinstance(line, str) for line in data):
            bundle[mime] = "".join(data)


def _split_bundle(bundle: dict[str, Any]) -> dict[str, Any]:
    return {
        mime: data.splitlines(True)
        if isinstance(data, str) and (mime.startswith("text/") or mime in _SPLIT_MIMES)
        else data
        for mime, data in bundle.items()
    }
