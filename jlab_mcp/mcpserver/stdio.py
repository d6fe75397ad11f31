"""MCP over stdin and stdout, read and written by the event loop itself.

The SDK's own transport hands each line that comes, each that goes and each flush to a thread and waits for
it; together that takes a third of what a call that does nothing takes. It also drops the calls that run when
stdin ends, which is at once where somebody pipes a file into the server. It still serves where the event loop
cannot watch stdin and stdout, or should not: files, one socket for both, and terminals, which other processes
read and write too.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import stat
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import (
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from mcp_types import JSONRPCMessage, RequestId

    Wires = tuple[ObjectReceiveStream[SessionMessage | Exception], ObjectSendStream[SessionMessage]]

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_LAST_SECONDS = 1.0
"""How long the calls that run when stdin ends may take to answer; clients wait longer before they kill."""


def wires() -> AbstractAsyncContextManager[Wires]:
    """Serve MCP over this process's stdin and stdout.

    As long as that lasts, what else prints to stdout goes to stderr, and who else reads stdin finds it empty.

    Returns:
        What gives the messages that come, and takes those that go.
    """
    return _watched() if _can_be_watched() else cast("AbstractAsyncContextManager[Wires]", stdio_server())


def _can_be_watched() -> bool:
    """Say whether both are pipes or sockets, and no two of them and stderr are one.

    Stderr has to stay blocking, and what can be read from stdout is taken for its end.
    """
    try:
        ends = [os.fstat(descriptor) for descriptor in (_STDIN, _STDOUT, _STDERR)]
    except OSError:
        return False
    piped = all(stat.S_ISFIFO(end.st_mode) or stat.S_ISSOCK(end.st_mode) for end in ends[:2])
    return piped and not any(os.path.samestat(*pair) for pair in itertools.combinations(ends, 2))


@asynccontextmanager
async def _watched() -> AsyncIterator[Wires]:
    loop = asyncio.get_running_loop()
    kept = {descriptor: os.dup(descriptor) for descriptor in (_STDIN, _STDOUT)}
    lines = asyncio.StreamReader()
    # Each transport closes the descriptor that it is given.
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(os.dup(_STDIN), "rb", buffering=0)
    )
    writing, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(os.dup(_STDOUT), "wb", buffering=0)
    )
    _put(os.open(os.devnull, os.O_RDONLY), _STDIN)
    _put(os.dup(_STDERR), _STDOUT)
    # A message counts as sent when all of it has gone, so that none is lost at the end.
    writing.set_write_buffer_limits(high=0)
    unanswered = _Unanswered()
    try:
        yield (
            _Incoming(lines, unanswered),
            _Outgoing(asyncio.StreamWriter(writing, protocol, None, loop), reading, unanswered),
        )
    finally:
        reading.close()
        writing.close()
        for descriptor, copy in kept.items():
            os.set_blocking(copy, True)  # whoever shares the pipe expects it so
            _put(copy, descriptor)


def _put(source: int, descriptor: int) -> None:
    """Let a descriptor be what another is, and close that."""
    os.dup2(source, descriptor)
    os.close(source)


class _Unanswered:
    """The calls that came and have not been answered."""

    def __init__(self) -> None:
        self._ids: set[RequestId] = set()
        self._settled = asyncio.Event()
        self._settled.set()

    def came(self, message: JSONRPCMessage) -> None:
        """Take note of a message from the client."""
        if isinstance(message, JSONRPCRequest):
            self._ids.add(message.id)
            self._settled.clear()
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._drop((message.params or {}).get("requestId"))

    def went(self, message: JSONRPCMessage) -> None:
        """Take note of a message to the client."""
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self._drop(message.id)

    def give_up(self) -> None:
        """Drop all: nobody is there to be answered."""
        self._ids.clear()
        self._settled.set()

    async def settled(self) -> None:
        """Wait a moment until all are answered."""
        with anyio.move_on_after(_LAST_SECONDS):
            await self._settled.wait()

    def _drop(self, request_id: RequestId | None) -> None:
        if request_id is not None:
            self._ids.discard(request_id)
        if not self._ids:
            self._settled.set()


class _Incoming(ObjectReceiveStream[SessionMessage | Exception]):
    """The messages that come, each a line; in the place of one that is none, what is wrong with it."""

    def __init__(self, lines: asyncio.StreamReader, unanswered: _Unanswered) -> None:
        self._lines = lines
        self._unanswered = unanswered

    async def receive(self) -> SessionMessage | Exception:
        line = await self._line()
        if not line:
            await self._unanswered.settled()
            raise anyio.EndOfStream
        try:
            message = jsonrpc_message_adapter.validate_json(line.decode(errors="replace"), by_name=False)
        except ValueError as error:
            return error
        self._unanswered.came(message)
        return SessionMessage(message)

    async def aclose(self) -> None:
        """Leave it to the transport, which ends with the process."""

    async def _line(self) -> bytes:
        """Return the next line, of any length; nothing at the end."""
        parts: list[bytes] = []
        while True:
            try:
                parts.append(await self._lines.readuntil(b"\n"))
            except asyncio.LimitOverrunError as error:
                parts.append(await self._lines.readexactly(error.consumed))
                continue
            except asyncio.IncompleteReadError as error:
                parts.append(error.partial)
            return b"".join(parts)


class _Outgoing(ObjectSendStream[SessionMessage]):
    """Takes the messages that go. When nobody reads them any more, none are read either."""

    def __init__(
        self, writer: asyncio.StreamWriter, reading: asyncio.ReadTransport, unanswered: _Unanswered
    ) -> None:
        self._writer = writer
        self._reading = reading
        self._unanswered = unanswered

    async def send(self, item: SessionMessage) -> None:
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            self._writer.write(text.encode() + b"\n")
            await self._writer.drain()
        except ConnectionError as error:
            self._unanswered.give_up()
            self._reading.close()
            raise anyio.BrokenResourceError from error
        self._unanswered.went(item.message)

    async def aclose(self) -> None:
        """Leave it to the transport, which ends with the process."""
