"""A notebook's file is replaced whole or not at all, and told apart by what the system says of it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from .document import Document

_HELD_WITHIN = 10.0  # seconds in which a page's save should be through; the end of a server waits no longer

Stamp = tuple[int, int, int]  # inode, size, mtime in ns


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


_UMASK = _umask()  # read once, before there are threads whose files it could touch


class Writer:
    """Writes one notebook from several threads, and never over a file that was not read.

    What was asked for last is what stays.

    Args:
        path: absolute path of the notebook.
        state: what the file has now.

    Attributes:
        path: the same; whoever renames the file says so here.
        last: the file's stamp and its content when it was last written here, or first seen.
    """

    def __init__(self, path: str, state: Document) -> None:
        self.path = path
        self.last: tuple[Stamp | None, Document] = (stamp_of(path), state)
        self._lock = threading.Lock()
        self._asked = 0
        self._done = 0

    def ticket(self) -> int:
        """Take a number; a higher one wins."""
        self._asked += 1
        return self._asked

    def __call__(self, ticket: int, state: Document, known: Stamp | None) -> bool:
        """Write a state, unless a later one has been written.

        Args:
            ticket: from `ticket`.
            state: the notebook.
            known: the stamp of the file when it was last read.

        Returns:
            Whether the file has it, or something later; False when it was changed by somebody else since.

        Raises:
            OSError: the old content is still there, whole.
        """
        held = self._lock.acquire(timeout=_HELD_WITHIN)
        try:
            if ticket > self._done:
                if stamp_of(self.path) not in (known, self.last[0]):
                    return False
                self.last = (write_atomic(self.path, state.pieces()), state)
                self._done = ticket
            return True
        finally:
            if held:
                self._lock.release()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Have nothing written meanwhile; a write that is under way is waited for."""
        acquiring = asyncio.get_running_loop().run_in_executor(None, self._lock.acquire)
        try:
            await asyncio.shield(acquiring)
        except asyncio.CancelledError:
            acquiring.add_done_callback(lambda _: self._lock.release())
            raise
        try:
            yield
        finally:
            self._lock.release()


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
            os.fsync(file.fileno())  # some file systems say only now that there is no room
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise


def write_atomic(path: str, pieces: Iterable[str]) -> Stamp:
    """Replace a file's content by these pieces, in one step, keeping its mode; returns the new stamp.

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
            file.writelines(pieces)
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
