"""Search a text for lines, as a program of its own: `python search.py ORDER FILE`, FILE `-` for stdin.

ORDER is JSON: `pattern`, a regular expression of Python; `offset`, the byte to begin at (negative: from the
end); `limit`, how many bytes of text to show. Prints JSON. Imports nothing but the standard library.
"""

from __future__ import annotations

import io
import json
import re
import sys
from typing import IO, Any

BAD_PATTERN = 3
"""Exit code for a pattern that is no regular expression; stderr says why."""
_PIECE = 65_536
"""A line longer than so many bytes is searched piece by piece."""
_SHOWN = 300
"""Characters of a matching line that are shown, around the match."""
_MOST = 1_000
"""Lines that one answer holds, however short they are."""


def search(file: IO[bytes], pattern: re.Pattern[str], offset: int, limit: int) -> dict[str, Any]:
    """Return the matching lines from `offset` on, and where the search ended.

    Returns:
        `matches` (each with the `offset` of its line in bytes, and `text`), `offset` and `end` of what was
        searched, and `total`, the size of the whole text.
    """
    total = file.seek(0, 2)
    start = max(0, total + offset) if offset < 0 else min(offset, total)
    file.seek(start)
    at, room = start, limit
    matches: list[dict[str, Any]] = []
    while room > 0 and len(matches) < _MOST:
        line = file.readline(_PIECE)
        if not line:
            break
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        found = pattern.search(text)
        if found:
            shown = _around(text, found)
            matches.append({"offset": at, "text": shown})
            room -= len(shown.encode()) + 20
        at += len(line)
    return {"matches": matches, "offset": start, "end": at, "total": total}


def _around(text: str, found: re.Match[str]) -> str:
    if len(text) <= _SHOWN:
        return text
    start = max(0, min(found.start() - _SHOWN // 3, len(text) - _SHOWN))
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def main(order: str, path: str) -> int:
    """Do what the order says; returns the exit code."""
    asked = json.loads(order)
    try:
        pattern = re.compile(asked["pattern"])
    except (re.error, RecursionError, OverflowError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD_PATTERN
    with io.BytesIO(sys.stdin.buffer.read()) if path == "-" else open(path, "rb") as file:
        print(json.dumps(search(file, pattern, asked["offset"], asked["limit"])))  # noqa: T201 - its answer
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
