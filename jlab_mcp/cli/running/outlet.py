"""One stream of the command's own, as bytes that are out once they are written."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from jlab_mcp.cli.tone import colourful
from jlab_mcp.core import words

if TYPE_CHECKING:
    from typing import TextIO


class Outlet:
    """Writes to stdout or stderr.

    Args:
        stream: the stream; None where the process has none, so that nothing is written.
        may_fail: whether it is no matter that nobody reads it any more.

    Attributes:
        is_terminal: whether a person sees it.
        begins_line: whether what comes next stands at the begin of a line.
    """

    def __init__(self, stream: TextIO | None, *, may_fail: bool = False) -> None:
        self._stream = stream
        self._may_fail = may_fail
        self.is_terminal = stream is not None and stream.isatty()
        self.begins_line = True
        self._encoding = (stream.encoding if stream is not None else None) or "utf-8"

    @property
    def is_coloured(self) -> bool:
        """Whether colours are wanted there."""
        return self._stream is not None and colourful(self._stream)

    def write(self, text: str) -> None:
        """Write text as it is.

        Raises:
            OSError: nobody reads it any more, or there is no room.
        """
        if text:
            # The terminal's character set may not hold every letter.
            self.write_bytes(text.encode(self._encoding, "backslashreplace"))
            self.begins_line = text.endswith("\n")

    def write_line(self, text: str) -> None:
        """Write text as whole lines, below what stands in the line so far; see `write`."""
        self.write(f"{'' if self.begins_line else chr(10)}{text}{'' if text.endswith(chr(10)) else chr(10)}")

    def write_traceback(self, text: str) -> None:
        """Write a traceback as whole lines, without its colours where they are not wanted; see `write`."""
        self.write_line(text if self.is_coloured else words.clean(text))

    def write_bytes(self, data: bytes) -> None:
        """Write bytes as they are; see `write`."""
        if self._stream is None:
            return
        try:
            self._stream.buffer.write(data)
            self._stream.buffer.flush()
        except OSError:
            if not self._may_fail:
                raise

    def drop(self) -> None:
        """Forget what could not be written, so that the end of the process does not try again."""
        if self._stream is not None:
            with suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
