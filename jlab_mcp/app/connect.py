"""The way to the running server, cheap enough to ask for on every tool call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.app.observe import elsewhere, look, no_server, not_yet, observe
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import RecordBroken

if TYPE_CHECKING:
    from pathlib import Path

    from jlab_mcp.app.target import Target
    from jlab_mcp.client import NodeClient
    from jlab_mcp.core.record import Connection, ServerPaths, ServerRecord


@dataclass(frozen=True, slots=True)
class Connected:
    """A server that listens, and a client that speaks to it."""

    record: ServerRecord
    connection: Connection
    client: NodeClient


@dataclass(frozen=True, slots=True)
class _Cached:
    """One client per connection file; a client belongs to the event loop that first used it."""

    connection: Connection
    loop: asyncio.AbstractEventLoop
    client: NodeClient


_clients: dict[Path, _Cached] = {}


async def connect(target: Target) -> Connected:
    """Return the server of a project and profile; reads two small files, sends nothing.

    Only where a job's server does not listen is SLURM asked what became of it.

    Raises:
        NoServer: none runs; of a job that ended, it says how.
        ServerStarting: it does not listen yet.
        ServerElsewhere: it runs on another host.
        RecordBroken: a file that says where it is cannot be read.
    """
    seen = await look(target)
    if seen.record is None or seen.standing.stale:
        raise no_server(target, seen)
    if seen.standing is Standing.ELSEWHERE:
        raise elsewhere(seen.record)
    if seen.standing is Standing.STOPPING:
        raise no_server(target)
    if seen.standing is Standing.STARTING or seen.connection is None:
        raise not_yet(target, seen)
    client = await _client(target.paths, seen.connection)
    return Connected(seen.record, seen.connection, client)


async def close_clients() -> None:
    """Close every client that this event loop uses."""
    loop = asyncio.get_running_loop()
    for path in [path for path, cached in _clients.items() if cached.loop is loop]:
        await _clients.pop(path).client.aclose()


async def _client(paths: ServerPaths, connection: Connection) -> NodeClient:
    """Return the client of a connection; a server that was started anew or requeued gets a new one."""
    from jlab_mcp.client import NodeClient

    loop = asyncio.get_running_loop()
    cached = _clients.get(paths.connection_file)
    if cached and cached.loop is loop and cached.connection == connection:
        return cached.client
    client = NodeClient(connection, lambda: _listens(paths, connection))
    _clients[paths.connection_file] = _Cached(connection, loop, client)
    if cached and cached.loop is loop:
        await cached.client.aclose()
    return client


def _listens(paths: ServerPaths, connection: Connection) -> bool:
    """Whether a server should be there: what it wrote stands, and of a local one the process lives."""
    try:
        seen = observe(paths)
    except RecordBroken:
        return False
    return seen.standing is Standing.LISTENING and seen.connection == connection
