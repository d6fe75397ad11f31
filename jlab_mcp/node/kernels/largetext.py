"""The content of a large stream message, read in pieces. Pure.

IPython kernels gather what is printed for a fifth of a second into one message, which can have hundreds of
megabytes. Read at once, such a message is in memory three times, and for seconds nothing else is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Union

Bytes = Union[bytes, memoryview]

LARGE = 2_000_000
"""Bytes of content from which on it is worthwhile."""

_PIECE = 1_000_000  # bytes
_EDGE = 200  # bytes in which all but the text has room
_HEAD = re.compile(rb'\s*\{\s*(?:"name"\s*:\s*"([a-z]+)"\s*,\s*)?"text"\s*:\s*"')
_TAIL = re.compile(rb'"\s*(?:,\s*"name"\s*:\s*"([a-z]+)"\s*)?\}\s*\Z')
_ESCAPE = 6  # bytes that the longest escape of JSON has, as in \u00e9
_HIGH_SURROGATE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")
_TAIL_MASK, _TAIL_BITS = 0xC0, 0x80  # how the bytes of a UTF-8 character after its first are told
_LONGEST_TAIL = 3  # how many of them there can be


def pieces(content: Bytes, size: int = _PIECE) -> Iterator[dict[str, Any]] | None:
    """Cut the JSON of a stream message's content into contents with parts of its text.

    Args:
        content: the JSON.
        size: about how many bytes of JSON a part comes from.

    Returns:
        The contents, of which together the text is that of the message; None where the JSON is other than
        kernels usually write it, and so has to be read as a whole.
    """
    view = memoryview(content)
    head, tail = _HEAD.match(bytes(view[:_EDGE])), _TAIL.search(bytes(view[-_EDGE:]))
    if head is None or tail is None:
        return None
    names = [name for name in (head.group(1), tail.group(1)) if name]
    start, end = head.end(), max(0, len(view) - _EDGE) + tail.start()
    if len(names) != 1 or start > end:
        return None
    edges = [start]
    while edges[-1] < end:
        edges.append(_edge(view, edges[-1], min(edges[-1] + size, end), end))
    spans = list(zip(edges, edges[1:]))
    if not all(_is_text(bytes(view[begin:stop])) for begin, stop in spans):
        return None
    return ({"name": names[0].decode(), "text": _text(view[begin:stop])} for begin, stop in spans)


def _edge(view: memoryview, start: int, stop: int, end: int) -> int:
    """Return a place at `stop` or shortly before, where neither a character nor an escape is cut in two."""
    if stop == end:
        return end
    for _ in range(_LONGEST_TAIL):
        if view[stop] & _TAIL_MASK == _TAIL_BITS:
            stop -= 1
    last = bytes(view[stop - _ESCAPE : stop]).rfind(b"\\")
    if last >= 0:
        escape = stop - _ESCAPE + last
        length = _ESCAPE if view[escape + 1] == ord("u") else 2
        if _begins_escape(view, start, escape) and escape + length > stop:
            stop = escape
    before = stop - _ESCAPE
    if _HIGH_SURROGATE.match(bytes(view[before:stop])) and _begins_escape(view, start, before):
        return before  # the other half of the pair may follow
    return stop


def _begins_escape(view: memoryview, start: int, at: int) -> bool:
    """Whether the backslash there is not itself what another one escapes."""
    first = at
    while first > start and view[first - 1] == ord("\\"):
        first -= 1
    return (at - first) % 2 == 0


def _is_text(piece: bytes) -> bool:
    """Whether no quote and no half of an escape in it says that the text ends elsewhere."""
    rest = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b'"' not in rest and not rest.endswith(b"\\")


def _text(piece: memoryview) -> str:
    text = str(piece, "utf-8", "replace")
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:  # an escape that is none
        return text
