"""A network between a client and a server that can be cut: a TCP forwarder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conftest import Project

_CHUNK = 1 << 16
_UPGRADE = b"upgrade: websocket"
_NO_WEBSOCKETS = b"HTTP/1.1 502 no websockets here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(eq=False)
class _Pair:
    """A connection of a client and the one that it is forwarded to."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    lost: bool = False

    def cut(self) -> None:
        self.near.transport.abort()
        self.far.transport.abort()


@dataclass
class Network:
    """Forwards connections to an address; what it does to them is set by its methods.

    Attributes:
        port: where it listens on 127.0.0.1.
        websockets: whether it lets them through.
        swallowed: set once an answer has been swallowed.
    """

    host: str
    to_port: int
    websockets: bool = True
    port: int = 0
    _pairs: set[_Pair] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _swallow: bool = False
    swallowed: asyncio.Event = field(default_factory=asyncio.Event)
    _listener: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the same port as before, and let everything through."""
        self._flows.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._take, "127.0.0.1", self.port, reuse_address=True
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Let nothing through, and say nothing of it, until `open`; then all that was sent arrives."""
        self._flows.clear()

    def refuse(self) -> None:
        """Break every connection, and refuse new ones until `open`."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for pair in list(self._pairs):
            pair.cut()

    def lose(self) -> None:
        """Drop, without a word and for good, what the present connections send; new ones are well."""
        for pair in self._pairs:
            pair.lost = True

    def swallow_answer(self) -> None:
        """Break the connection at the next thing that the server sends."""
        self.swallowed.clear()
        self._swallow = True

    async def close(self) -> None:
        """End all connections and the listener."""
        self.refuse()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far = await asyncio.open_connection(self.host, self.to_port)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, far)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._there(reader, pair))
                both.create_task(self._back(far_reader, pair))
        finally:
            pair.cut()
            self._pairs.discard(pair)

    async def _there(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        while data := await self._read(reader, pair):
            if not self.websockets and _UPGRADE in data.lower():
                pair.near.write(_NO_WEBSOCKETS)
                await pair.near.drain()
                break
            pair.far.write(data)
        pair.cut()

    async def _back(self, reader: asyncio.StreamReader, pair: _Pair) -> None:
        while data := await self._read(reader, pair):
            if self._swallow:
                self._swallow = False
                self.swallowed.set()
                break
            pair.near.write(data)
        pair.cut()

    async def _read(self, reader: asyncio.StreamReader, pair: _Pair) -> bytes:
        while True:
            try:
                data = await reader.read(_CHUNK)
            except OSError:
                return b""
            await self._flows.wait()
            if data and not pair.lost:
                return data
            if not data and not pair.lost:
                return b""
            if not data:  # the end of a connection is lost like all else
                await asyncio.Event().wait()


@asynccontextmanager
async def network(
    project: Project, folder: Path, *, websockets: bool = True
) -> AsyncIterator[tuple[Network, Project]]:
    """Put a network before a project's server; who works in the project that is given reaches it only so."""
    paths = project.resolved().paths
    record = json.loads(paths.record_file.read_text())
    connection = json.loads(paths.connection_file.read_text())
    made = Network("127.0.0.1", connection["port"], websockets)
    await made.open()
    folder.mkdir(mode=0o700)
    record["connection_file"] = str(folder / paths.connection_file.name)
    connection["url"] = f"http://127.0.0.1:{made.port}/"
    (folder / paths.record_file.name).write_text(json.dumps(record))
    (folder / paths.connection_file.name).write_text(json.dumps(connection))
    try:
        yield made, replace(project, env={**project.env, "JLAB_MCP_CONNECTION_DIR": str(folder)})
    finally:
        await made.close()
