"""What an execution put out, in its order, so that somebody can follow it from any place on. Pure.

The full text of an execution only grows, so that a place in it (an offset, in bytes) says exactly what has
been read and what has not. The trail says what lies where: text of which stream, a display, an error.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Union

from .items import Fixed, cost

STDOUT, STDERR, RESULT, ERROR, CLEAR = range(5)
_NAMES = {STDOUT: "stdout", STDERR: "stderr", RESULT: "result", ERROR: "error"}
_SHORTEST_PAGE = 16  # bytes: no character is longer

Read = Callable[[int, int], Union[bytes, None]]
"""Returns the full text from one offset to another; None or less of it where it could not be kept."""


@dataclass(frozen=True)
class Span:
    """A stretch of the full text that is of one kind; its output as it is now, where there is one."""

    kind: int
    start: int
    end: int
    item: Fixed | None


class Trail:
    """Notes what begins at which offset of the full text, in 9 bytes for each change between streams."""

    def __init__(self) -> None:
        self._starts = array("Q")
        self._kinds = bytearray()
        self._items: dict[int, Fixed] = {}

    def stream(self, offset: int, name: str) -> None:
        """Note that text of a stream comes next."""
        kind = STDERR if name == "stderr" else STDOUT
        if not self._kinds or self._kinds[-1] != kind:
            self._begin(offset, kind)

    def output(self, offset: int, item: Fixed | None, *, error: bool) -> None:
        """Note a display, a result or an error; `item` is None where the text alone tells of it."""
        self._begin(offset, ERROR if error else RESULT)
        if item is not None:
            self._items[offset] = item

    def clear(self, offset: int) -> None:
        """Note that what was put out so far is to go from the screen."""
        self._items.clear()
        self._begin(offset, CLEAR)

    def changed(self) -> list[dict[str, Any]]:
        """Return the displays that have been changed since they were put out, as they are now."""
        return [
            {"offset": offset, "version": item.version, "output": item.body}
            for offset, item in self._items.items()
            if item.version
        ]

    def spans(self, offset: int, total: int) -> Iterator[Span]:
        """Yield what lies from `offset` on, the first stretch from its own start."""
        if offset >= total:
            return
        index = max(0, bisect_right(self._starts, offset) - 1)
        while index > 0 and self._kinds[index - 1] == CLEAR and self._starts[index - 1] == offset:
            index -= 1
        for at in range(index, len(self._starts)):
            start = self._starts[at]
            if start >= total:
                return
            end = self._starts[at + 1] if at + 1 < len(self._starts) else total
            item = None if self._kinds[at] == CLEAR else self._items.get(start)
            yield Span(self._kinds[at], start, end, item)

    def _begin(self, offset: int, kind: int) -> None:
        self._starts.append(offset)
        self._kinds.append(kind)


def page(trail: Trail, read: Read, offset: int, limit: int, total: int) -> dict[str, Any]:
    """Return what was put out from `offset` on: about `limit` bytes of text and outputs.

    An output is given whole where the cell has it whole, else its text; what could not be kept is counted.
    """
    parts: list[dict[str, Any]] = []
    room = max(limit, _SHORTEST_PAGE)
    at = offset
    for span in trail.spans(offset, total):
        if room < _SHORTEST_PAGE:
            break
        if span.kind == CLEAR:
            parts.append({"kind": "clear"})
        elif span.item is not None and at == span.start:
            version = span.item.version
            parts.append({"kind": "output", "offset": at, "version": version, "output": span.item.body})
            at, room = span.end, room - cost(span.item.body)
        elif span.end > at:
            part, used = _text(span, read, at, min(span.end, at + room))
            parts.append(part)
            at, room = at + used, room - used
            if at < span.end:
                break
    return {"offset": offset, "end": at, "total": total, "parts": parts}


def _text(span: Span, read: Read, start: int, stop: int) -> tuple[dict[str, Any], int]:
    """Return a part of a stretch, and how many bytes of it that is."""
    data = read(start, stop)
    if not data:
        return {"kind": "lost", "bytes": span.end - start}, span.end - start
    text = data.decode("utf-8", "ignore")  # a character that the end cuts in two comes with the next page
    used = len(data) if stop == span.end and len(data) == stop - start else len(text.encode())
    return {"kind": _NAMES[span.kind], "text": text}, max(used, 1)
