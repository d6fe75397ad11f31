"""A notebook's file is replaced whole or not at all, and told apart by what the system says of it."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import threading

Stamp = tuple[int, int, int]  # inode, size, mtime in ns


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


_UMASK = _umask()  # read once, before there are threads whose files it could touch


class Writer:
    """Writes one file from several threads; what was asked for last is what stays."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._asked = 0
        self._done: tuple[int, Stamp] = (0, (0, 0, 0))

    def ticket(self) -> int:
        """Take a number; a higher one wins."""
        self._asked += 1
        return self._asked

    def __call__(self, ticket: int, text: str) -> Stamp:
        """Write a text, unless a later one has been written; returns what the file is then."""
        with self._lock:
            if ticket > self._done[0]:
                self._done = (ticket, write_atomic(self._path, text))
            return self._done[1]


def write_new(path: str, text: str) -> None:
    """Write a file that must not be there yet, whole or not at all; makes its folder.

    Raises:
        FileExistsError: it is there. Of two who want the name, one gets it.
        OSError: it could not be written.
    """
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except FileExistsError as error:  # not the name that is taken: one of its folders is a file
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), error.filename) from error
    with open(path, "x", encoding="utf-8", errors="replace", newline="") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise


def write_atomic(path: str, text: str) -> Stamp:
    """Replace a file's content in one step, keeping its mode; returns the new stamp.

    Raises:
        OSError: the old content is still there, whole.
    """
    real = os.path.realpath(path)  # a notebook behind a symbolic link stays behind it
    try:
        mode = os.stat(real).st_mode & 0o7777
    except FileNotFoundError:
        mode = 0o666 & ~_UMASK
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(real), prefix=".~jlab-mcp-", suffix=".tmp")
    try:
        with open(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            status = os.fstat(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def stamp_of(path: str) -> Stamp | None:
    """Tell a file's state from others; None where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)
