"""Calls over one websocket, the quick way: a small frame each way, many calls at a time.

A general HTTP client takes longer over a request than the kernel does over `1 + 1`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from jlab_mcp.client.wire import Answer, Broken, NobodyThere, Silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from websockets.asyncio.client import ClientConnection

_BODY = ',"body":'
_TELLING = frozenset({401, 403, 404})
"""Statuses of a refused upgrade that come from the server itself; others come from something in between."""


class UpgradeRefused(Exception):
    """The server is there, but the way to it lets no websocket through."""


class Channel:
    """One websocket to the node service, opened at the first call and again after it broke.

    Args:
        url: of the API, ending in a slash.
        token: the server's.
        connect_s: how long a connection may take, in seconds.
    """

    def __init__(self, url: str, token: str, *, connect_s: float) -> None:
        self._url = "ws" + url.removeprefix("http") + "calls"
        self._token = token
        self._connect_s = connect_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def call(
        self, method: str, path: str, *, query: Mapping[str, Any], body: Mapping[str, Any], answer_s: float
    ) -> Answer:
        """Send a call and wait for its answer, `answer_s` seconds at most.

        Raises:
            NoAnswer: none came.
            UpgradeRefused: no websocket can be had here.
        """
        socket = self._socket or await self._open()
        if isinstance(socket, Answer):
            return socket
        number = next(self._numbers)
        frame = json.dumps({"id": number, "method": method, "path": path, "query": query, "body": body})
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await socket.send(frame)
            async with asyncio.timeout(answer_s):
                return await answer
        except TimeoutError as exc:
            # Whether the link or the server is at fault cannot be told: the next call tries a new link.
            await self.close()
            raise Silence from exc
        except ConnectionClosed as exc:
            raise Broken from exc
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Close the connection; calls that still wait end as broken."""
        reader, self._reader = self._reader, None
        socket, self._socket = self._socket, None
        if reader is not None:
            reader.cancel()
        if socket is not None:
            socket.transport.abort()
            await socket.wait_closed()
        self._break()

    async def _open(self) -> ClientConnection | Answer:
        """Return the connection, or what the server answered in place of one."""
        async with self._opening:
            if self._socket is not None:
                return self._socket
            socket = await self._connect()
            if not isinstance(socket, Answer):
                self._socket = socket
                self._reader = asyncio.create_task(self._read(socket))
            return socket

    async def _connect(self) -> ClientConnection | Answer:
        try:
            return await connect(
                self._url,
                additional_headers={"Authorization": f"token {self._token}"},
                open_timeout=self._connect_s,
                # A proxy meant for the internet must not see, or stop, what goes to the server.
                proxy=None,
                compression=None,
                max_size=None,
                # Each call has a time limit of its own; the server pings.
                ping_interval=None,
            )
        except OSError as exc:
            raise NobodyThere from exc
        except InvalidStatus as exc:
            if exc.response.status_code in _TELLING:
                return Answer(exc.response.status_code, bytes(exc.response.body or b""))
            raise UpgradeRefused from exc
        except InvalidHandshake as exc:
            raise UpgradeRefused from exc
        except EOFError as exc:
            raise NobodyThere from exc

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                self._take(message if isinstance(message, str) else message.decode())
        except ConnectionClosed:
            pass
        finally:
            if self._socket is socket:
                self._socket = self._reader = None
                self._break()

    def _take(self, message: str) -> None:
        """Hand an answer to whoever waits for it: `{"id":N,"status":S,"body":…}`."""
        head, _, rest = message.partition(_BODY)
        fields = json.loads(head + "}")
        waiting = self._waiting.get(fields["id"])
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(fields["status"], rest[:-1].encode()))

    def _break(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Broken())
