"""Messages that have come and wait for their turn: a few in memory, all others in a temporary file.

A kernel's iopub socket knows no back pressure. What it publishes faster than it is handled would pile up in
this process's memory, or be dropped where a high-water mark is set (zmq_setsockopt(3), ZMQ_RCVHWM).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import struct
import tempfile
from collections import deque
from typing import Any

from .largetext import Bytes

_LOG = logging.getLogger("jlab_mcp_node")
LIMIT_BYTES = 8_000_000
_LENGTH = struct.Struct("<Q")


class Backlog:
    """A queue of multipart messages, first in, first out.

    The file is nameless, and lies where temporary files go (TMPDIR). What cannot be written (no room) stays
    in memory: nothing is lost.

    Args:
        limit_bytes: how much is kept in memory while there is room in the file.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._first: deque[list[Bytes]] = deque()  # in memory, before those in the file
        self._first_bytes = 0
        self._file: Any = None
        self._read_at = self._end = 0  # offsets in the file
        self._last: deque[list[Bytes]] = deque()  # in memory, after those in the file, which took no more

    def __bool__(self) -> bool:
        """Whether a message waits."""
        return bool(self._first or self._read_at < self._end or self._last)

    def put(self, frames: list[Bytes]) -> None:
        """Add a message at the end."""
        size = sum(map(len, frames))
        in_file = self._read_at < self._end
        if not in_file and not self._last and self._first_bytes + size <= self._limit:
            self._first.append(frames)
            self._first_bytes += size
        elif self._last or not self._write(frames):
            self._last.append(frames)

    def take(self) -> list[Bytes]:
        """Take the first message; one without frames stands for what the file cannot give back.

        Raises:
            IndexError: none waits.
        """
        if self._first:
            frames = self._first.popleft()
            self._first_bytes -= sum(map(len, frames))
            return frames
        if self._read_at < self._end:
            try:
                return self._read()
            except OSError:
                _LOG.exception("%d bytes of a kernel's messages are lost", self._end - self._read_at)
                self._read_at = self._end = 0
                return []
        return self._last.popleft()

    def close(self) -> None:
        """Drop everything."""
        self._first.clear()
        self._last.clear()
        self._first_bytes = self._read_at = self._end = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, frames: list[Bytes]) -> bool:
        """Append a message to the file; False if it could not be written."""
        lengths = b"".join(map(_LENGTH.pack, [len(frames), *map(len, frames)]))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as this
            self._file.seek(self._end)
            for part in (lengths, *frames):
                self._write_all(part)
        except OSError:
            return False
        self._end += len(lengths) + sum(map(len, frames))
        return True

    def _write_all(self, part: Bytes) -> None:
        rest = memoryview(part)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _read(self) -> list[Bytes]:
        self._file.seek(self._read_at)
        (count,) = _LENGTH.unpack(self._read_all(_LENGTH.size))
        lengths = self._read_all(count * _LENGTH.size)
        frames: list[Bytes] = [self._read_all(length) for (length,) in _LENGTH.iter_unpack(lengths)]
        self._read_at = self._file.tell()
        if self._read_at >= self._end:
            self._read_at = self._end = 0
            with contextlib.suppress(OSError):  # it is written over, and goes with this process
                self._file.truncate(0)
        return frames

    def _read_all(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self._file.read(size)
            if not part:
                raise OSError(errno.EIO, "a temporary file with messages has less than was written")
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)
