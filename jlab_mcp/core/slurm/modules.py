"""What `module -t avail` says, be it Lmod's or Environment Modules'."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MARKS = re.compile(r"(?:\s*(?:\([^()]*\)|<[^<>]*>))+$")
"""`(default)`, `(D)`, `(L,D)`, `<aL>` after a name."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/@=,~-]*", re.ASCII)
_SLASH = re.compile("/")
_HEADER = re.compile(r"(?:/|\S*/)[^:]*:")
"""A folder of module files, which both programs print before what is in it."""


def parse_modules(text: str) -> tuple[str, ...]:
    """Read the answer to `modules_arguments`.

    Chatter stands before the first header. Where there is no header at all, only names with a version count,
    because a word alone may be anything. Lmod prints a heading `cuda/` above the versions; it is left out.
    """
    lines = [_COLOUR.sub("", line).strip() for line in text.splitlines()]
    first = next((number for number, line in enumerate(lines) if _HEADER.fullmatch(line)), None)
    names = [_MARKS.sub("", line) for line in lines[first or 0 :]]
    found = dict.fromkeys(
        name for name in names if _NAME.fullmatch(name) and (first is not None or "/" in name)
    )
    shelves = {name[: place.end()] for name in found for place in _SLASH.finditer(name, 0, len(name) - 1)}
    return tuple(dict.fromkeys(name.rstrip("/") for name in found if name not in shelves))
