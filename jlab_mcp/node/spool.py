"""Files beside a notebook that take the text which is too long for a cell."""

from __future__ import annotations

import contextlib
import os
from typing import IO

_BUFFER = 1 << 20  # bytes


class Spool:
    """The full text output of one execution, written as it comes.

    The file is made at the first `write`, with mode 0600. A write that fails (disk full, folder gone)
    does not disturb the execution: `error` says why, and what follows is not kept.

    Args:
        path: file to write; an older one of that name is replaced.

    Attributes:
        used: whether anything was written.
        error: why the text could not be kept, in words.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.error: str | None = None
        self.used = False
        self._file: IO[bytes] | None = None

    def write(self, text: str) -> None:
        """Append text, as UTF-8; lone surrogates become question marks."""
        if self.error is not None:
            return
        try:
            if self._file is None:
                os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
                again = os.O_APPEND if self.used else os.O_TRUNC
                descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | again, 0o600)
                self._file = open(descriptor, "wb", buffering=_BUFFER)  # noqa: SIM115
                self.used = True
            self._file.write(text.encode("utf-8", "replace"))
        except OSError as error:
            self.error = f"the full output could not be kept in {self.path}: {error.strerror}"

    def flush(self) -> None:
        """Hand what is buffered to the system."""
        if self._file is not None and self.error is None:
            try:
                self._file.flush()
            except OSError as error:
                self.error = f"the full output could not be kept in {self.path}: {error.strerror}"

    def close(self) -> None:
        """Flush and close; harmless when nothing was written, and late text opens it again."""
        self.flush()
        if self._file is not None:
            with contextlib.suppress(OSError):  # `flush` has said why
                self._file.close()
            self._file = None
