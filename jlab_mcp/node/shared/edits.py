"""The least change that makes a shared cell into another: text and outputs where they differ.

Shared types are those of pycrdt: `Text` counts in bytes of UTF-8, `Array` and `Map` are changed in place.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..notebook.cells import Cell

_KNOWN = frozenset({"id", "cell_type", "source", "outputs", "metadata"})
_TOP_BITS, _CONTINUES = 0b1100_0000, 0b1000_0000  # of a byte of UTF-8 that is not the first of a character
_TRUSTED = "trusted"  # a mark of the page's own, never in the file


def edit_cell(shared: Any, old: Cell, new: Cell) -> bool:
    """Change a shared cell.

    Args:
        shared: the cell.
        old: what it holds.
        new: what it shall hold, of the same type.

    Returns:
        False if it is not built as expected: then it has to be made anew.
    """
    if not _is_text(shared.get("source")) or not hasattr(shared.get("metadata"), "to_py"):
        return False
    edit_text(shared["source"], new["source"])
    if old.get("outputs") != new.get("outputs"):
        if not hasattr(shared.get("outputs"), "to_py"):
            return False
        edit_outputs(shared["outputs"], old.get("outputs", []), new.get("outputs", []))
    _edit_map(shared["metadata"], old["metadata"], new["metadata"])
    for key in (old.keys() | new.keys()) - _KNOWN:
        if key not in new:
            shared.pop(key, None)
        elif old.get(key) != new[key]:
            shared[key] = new[key]
    return True


def edit_text(shared: Any, new: str) -> None:
    """Change a shared text where it differs."""
    old, wanted = str(shared).encode(), new.encode("utf-8", "replace")
    if old == wanted:
        return
    start = _common(old, wanted)
    while start and (_is_inside(old, start) or _is_inside(wanted, start)):
        start -= 1
    rest_old, rest_new = old[start:], wanted[start:]
    end = _common(rest_old[::-1], rest_new[::-1])
    while end and (_is_inside(old, len(old) - end) or _is_inside(wanted, len(wanted) - end)):
        end -= 1
    stop = len(old) - end
    if stop > start:
        del shared[start:stop]
    if added := wanted[start : len(wanted) - end].decode():
        shared.insert(start, added)


def edit_outputs(shared: Any, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    """Change a shared list of outputs from the first that differs to the last that does."""
    if len(shared) != len(old):
        del shared[0 : len(shared)]
        old = []
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    if start < min(len(old), len(new)) and _is_one_stream(old[start], new[start]):
        text = shared[start].get("text")
        if _is_text(text):
            edit_text(text, new[start]["text"])
            start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    if len(old) - end > start:
        del shared[start : len(old) - end]
    for index, output in enumerate(new[start : len(new) - end]):
        shared.insert(start + index, _shared_output(output))


def integers(value: Any) -> Any:
    """Write numbers as the file has them: what comes from a page is a float, also where it counts."""
    if isinstance(value, dict):
        return {key: integers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [integers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _edit_map(shared: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
    for key in (old.keys() | new.keys()) - {_TRUSTED}:
        if key not in new:
            shared.pop(key, None)
        elif old.get(key) != new[key]:
            shared[key] = new[key]


def _shared_output(output: dict[str, Any]) -> Any:
    pycrdt = import_module("pycrdt")
    if output["output_type"] == "stream":
        return pycrdt.Map({**output, "text": pycrdt.Text(output["text"])})
    return pycrdt.Map(output)


def _is_one_stream(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return old["output_type"] == new["output_type"] == "stream" and old.get("name") == new.get("name")


def _is_text(shared: Any) -> bool:
    return isinstance(shared, import_module("pycrdt").Text)


def _common(one: bytes, other: bytes) -> int:
    """Return how many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # by halves: comparing slices is far faster than bytes one by one
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _is_inside(text: bytes, at: int) -> bool:
    """Whether this place is inside a character."""
    return at < len(text) and text[at] & _TOP_BITS == _CONTINUES
