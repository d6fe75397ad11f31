"""The full text of an execution, a page or a search at a time. Offsets and sizes are bytes of UTF-8."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from dataclasses import dataclass
from typing import IO, Any

from ..errors import BadRequest
from . import search

LONGEST_PAGE = 1_000_000
"""Bytes that one page may hold."""
_SEARCH_SECONDS = 20.0


@dataclass(frozen=True)
class FullText:
    """Text in memory, or in a file that has all of it.

    Attributes:
        text: the text; unused if there is a file.
        path: the file.
    """

    text: str = ""
    path: str | None = None

    def page(self, offset: int, limit: int) -> dict[str, Any]:
        """Return what begins at `offset` (negative: from the end) and is at most `limit` long.

        A character is never cut, and a line only if it is longer than a quarter of the page.
        """
        with self._open() as file:
            total = file.seek(0, os.SEEK_END)
            start = max(0, total + offset) if offset < 0 else min(offset, total)
            start = file.seek(_char_start(file, start))
            data = file.read(min(max(limit, 1), LONGEST_PAGE))
        if start + len(data) < total:
            data = _whole(data)
        return {
            "offset": start,
            "end": start + len(data),
            "total": total,
            "text": data.decode("utf-8", "replace"),
        }

    async def find(self, pattern: str, offset: int, limit: int) -> dict[str, Any]:
        """Search lines for a regular expression of Python from `offset` on; shows at most `limit` of text.

        Done by a process of its own: matching holds up all threads, and some patterns never end.

        Raises:
            BadRequest: the pattern is wrong or takes too long.
        """
        order = {"pattern": pattern, "offset": offset, "limit": min(max(limit, 1), LONGEST_PAGE)}
        # Isolated: nothing of the user's folders or settings of Python gets between.
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-I",
                "-S",
                os.path.abspath(search.__file__),
                json.dumps(order),
                self.path or "-",
            ),
            stdin=asyncio.subprocess.DEVNULL if self.path else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        given = None if self.path else self.text.encode("utf-8", "replace")
        try:
            out, err = await asyncio.wait_for(process.communicate(given), _SEARCH_SECONDS)
        except asyncio.TimeoutError:
            raise BadRequest(
                f"the search for {pattern!r} was given up after {_SEARCH_SECONDS:.0f} s; use a simpler one"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()  # closes its pipes
        if process.returncode == search.BAD_PATTERN:
            raise BadRequest(f"grep {pattern!r} is no regular expression: {err.decode().strip()}")
        found: dict[str, Any] = json.loads(out)
        return found

    def _open(self) -> IO[bytes]:
        if self.path is not None:
            return open(self.path, "rb")
        return io.BytesIO(self.text.encode("utf-8", "replace"))


def _char_start(file: IO[bytes], offset: int) -> int:
    """Return the offset of the first character that begins at `offset` or after it."""
    file.seek(offset)
    ahead = file.read(3)
    return offset + next((at for at, byte in enumerate(ahead) if byte & 0xC0 != 0x80), len(ahead))  # noqa: PLR2004 - the marks of a later byte of UTF-8


def _whole(data: bytes) -> bytes:
    """Cut a page, which more follows, at the end of a line or else of a character."""
    line_end = data.rfind(b"\n") + 1
    if line_end > len(data) * 3 // 4:
        return data[:line_end]
    for back in range(1, min(4, len(data)) + 1):
        lead = data[-back]
        if lead & 0xC0 != 0x80:  # noqa: PLR2004 - not a later byte of a character
            length = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4  # noqa: PLR2004
            return data if length <= back or back == len(data) else data[:-back]
    return data
