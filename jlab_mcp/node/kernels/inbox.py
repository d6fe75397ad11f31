"""What comes in on one channel of a kernel, message by message."""

from __future__ import annotations

import time
from typing import Any

import zmq
from zmq.error import Again

from .backlog import Backlog
from .largetext import LARGE, Bytes

_SMALL_PARTS = 5  # a message's parts before its content: delimiter, signature, headers, metadata


class Inbox:
    """The messages of a socket, in the order in which they came.

    Args:
        socket: of `zmq.asyncio`; nobody else receives from it.
    """

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        # Takes what has come without the event loop, part by part, so that large ones need not be copied.
        self._direct: Any = zmq.Socket.shadow(socket.underlying)  # type: ignore[attr-defined,unused-ignore]
        self._backlog = Backlog()

    def __bool__(self) -> bool:
        """Whether a message is known to wait."""
        return bool(self._backlog)

    async def next(self) -> list[Bytes]:
        """Wait for the next message; returns its frames."""
        if self._backlog:
            return self._backlog.take()
        return self._others(await self._socket.recv())

    def fetch(self, seconds: float) -> None:
        """Take what waits in the socket, for so long at most: there it takes memory without limit."""
        begun = time.monotonic()
        try:
            while time.monotonic() - begun < seconds:
                self._backlog.put(self._others(self._direct.recv(zmq.NOBLOCK)))  # type: ignore[attr-defined,unused-ignore]
        except Again:  # nothing waits
            return

    def close(self) -> None:
        """Drop what waits."""
        self._backlog.close()

    def _others(self, first: bytes) -> list[Bytes]:
        """Return a message's frames after its first has been received; no copy is made of a large one."""
        frames: list[Bytes] = [first]
        while self._direct.getsockopt(zmq.RCVMORE):  # type: ignore[attr-defined,unused-ignore]
            if len(frames) < _SMALL_PARTS:
                frames.append(self._direct.recv())
            else:
                frame = self._direct.recv(copy=False)
                # `frame.buffer` would keep it until the next garbage collection.
                frames.append(memoryview(frame) if len(frame) > LARGE else frame.bytes)
        return frames
