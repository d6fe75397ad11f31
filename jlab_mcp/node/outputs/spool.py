"""Files beside a notebook that take what is too long for a cell."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import IO

from .overflow import LIMIT_BYTES

_BUFFER = 1 << 20  # bytes


class Spool:
    """One file with output of one execution, written as it comes.

    The file is made at the first `write`, with mode 0600. A write that fails (disk full, folder gone)
    does not disturb the execution: `error` says why, and what follows is not kept. Nor is what comes when
    the file is full.

    Args:
        path: file to write; an older one of that name is replaced.
        limit_bytes: how much it takes.

    Attributes:
        used: whether anything was written.
        error: why the output could not be kept, in words.
        left_out: bytes for which there was no room.
    """

    def __init__(self, path: str, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = path
        self.limit_bytes = limit_bytes
        self.error: str | None = None
        self.used = False
        self.left_out = 0
        self._room = limit_bytes
        self._file: IO[bytes] | None = None

    def write(self, text: str) -> None:
        """Append text, as UTF-8; lone surrogates become question marks."""
        if self.error is not None:
            return
        data = text.encode("utf-8", "replace")
        if len(data) > self._room:
            data = self._cut(data)
        self._room -= len(data)
        try:
            if self._file is None and data:
                with contextlib.suppress(FileExistsError):  # a folder above that was removed stays so
                    os.mkdir(os.path.dirname(self.path), mode=0o700)
                descriptor = _reopened(self.path) if self.used else _made_anew(self.path)
                self._file = open(descriptor, "wb", buffering=_BUFFER)  # noqa: SIM115
                self.used = True
            if self._file is not None:
                self._file.write(data)
        except OSError as error:
            self._failed(error)

    def _cut(self, data: bytes) -> bytes:
        """Return as many whole characters as there is room for; nothing more is taken afterwards."""
        whole = data[: self._room].decode("utf-8", "ignore").encode()
        self.left_out += len(data) - len(whole)
        self._room = len(whole)
        return whole

    def flush(self) -> None:
        """Hand what is buffered to the system."""
        if self._file is not None and self.error is None:
            try:
                self._file.flush()
            except OSError as error:
                self._failed(error)

    def _failed(self, error: OSError) -> None:
        self.error = f"the full output could not be kept in {self.path}: {error.strerror}"

    @property
    def trouble(self) -> str | None:
        """What is missing in the file, and why, in words."""
        if self.error is not None or not self.left_out:
            return self.error
        return (
            f"of the full output {self.path} has the first {self.limit_bytes:,} bytes, the most that is kept;"
            f" the {self.left_out:,} bytes after them are only in the cell, as far as it shows them"
        )

    def duplicate(self) -> int | None:
        """Return another descriptor of the open file, which the caller closes; None where there is none."""
        return None if self._file is None else os.dup(self._file.fileno())

    def close(self) -> None:
        """Flush and close; harmless when nothing was written, and late text opens it again."""
        self.flush()
        if self._file is not None:
            with contextlib.suppress(OSError):  # `flush` has said why
                self._file.close()
            self._file = None


def _made_anew(path: str) -> int:
    """Make a file that was not there: where others may write too, they could have laid a link there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _reopened(path: str) -> int:
    """Open the file once more, or another if it is gone, but none that somebody else laid there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    state = os.fstat(descriptor)
    if stat.S_ISREG(state.st_mode) and state.st_uid == os.geteuid():
        return descriptor
    os.close(descriptor)
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
