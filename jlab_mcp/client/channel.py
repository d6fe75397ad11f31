"""Calls over one websocket, the quick way: a small frame each way, many calls at a time.

A general HTTP client takes longer over a request than the kernel does over `1 + 1`.

A link is one websocket with the calls that wait for answers over it; a channel has one link at a time. Every
call that waits belongs to one link, so that the end of an old one never touches the calls of the next.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus

from jlab_mcp.client.wire import Answer, Broken, NobodyThere, Silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.client.wire import IpVersion

_BODY = b',"body":'
_FAMILIES = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
_PULSE = 5.0
"""Seconds without a byte, while a call waits, after which the server is asked for a sign of life."""
_SILENCE = 20.0
"""Seconds without one after which the link is taken for dead: a network that drops everything is silent."""
_TELLING = frozenset({401, 403, 404})
"""Statuses of a refused upgrade that come from the server itself; others come from something in between."""


class UpgradeRefused(Exception):
    """The server is there, but the way to it lets no websocket through."""


class Channel:
    """The way to the node service, opened at the first call and again after it broke.

    Args:
        url: of the API, ending in a slash.
        token: the server's.
        connect_s: how long a connection may take, in seconds.
        ip_version: by which alone the server is reached; None for any.
    """

    def __init__(self, url: str, token: str, *, connect_s: float, ip_version: IpVersion) -> None:
        self._url = "ws" + url.removeprefix("http") + "calls"
        self._token = token
        self._connect_s = connect_s
        self._family = _FAMILIES[ip_version]
        self._link: _Link | None = None
        self._opening = asyncio.Lock()

    async def call(
        self, method: str, path: str, *, query: Mapping[str, Any], body: Mapping[str, Any], answer_s: float
    ) -> Answer:
        """Send a call and wait for its answer, `answer_s` seconds at most.

        Raises:
            NoAnswer: none came.
            UpgradeRefused: no websocket can be had here.
        """
        link = await self._opened()
        if isinstance(link, Answer):
            return link
        call = {"method": method, "path": path, "query": query, "body": body}
        return await link.call(call, answer_s=answer_s)

    async def close(self) -> None:
        """Close the connection; calls that still wait end as broken."""
        link, self._link = self._link, None
        if link is not None:
            link.cut()
            await link.gone()

    async def _opened(self) -> _Link | Answer:
        """Return an open link, or what the server answered in place of one."""
        if self._link is not None and self._link.open:
            return self._link
        async with self._opening:
            if self._link is not None and self._link.open:  # another call was faster
                return self._link
            socket = await self._connect()
            if isinstance(socket, Answer):
                return socket
            self._link = _Link(socket)
            return self._link

    async def _connect(self) -> _Heard | Answer:
        try:
            socket = await connect(
                self._url,
                create_connection=_Heard,
                additional_headers={"Authorization": f"token {self._token}"},
                open_timeout=self._connect_s,
                family=self._family,
                # A proxy meant for the internet must not see, or stop, what goes to the server.
                proxy=None,
                compression=None,
                max_size=None,
                # The link has a pulse of its own, which a long answer on a slow network does not stop.
                ping_interval=None,
            )
        except OSError as exc:
            raise NobodyThere from exc
        except InvalidStatus as exc:
            if exc.response.status_code in _TELLING:
                return Answer(exc.response.status_code, bytes(exc.response.body or b""))
            raise UpgradeRefused from exc
        except InvalidMessage as exc:
            if isinstance(exc.__cause__, EOFError):  # it hung up: a server that is just ending
                raise NobodyThere from exc
            raise UpgradeRefused from exc
        except InvalidHandshake as exc:
            raise UpgradeRefused from exc
        assert isinstance(socket, _Heard)  # noqa: S101 - says so to the type checker
        return socket


class _Heard(ClientConnection):
    """A websocket that notes when bytes last came, in seconds of the event loop's clock."""

    heard_at = 0.0

    def data_received(self, data: bytes) -> None:
        """Note the time, and go on as usual."""
        self.heard_at = asyncio.get_running_loop().time()
        super().data_received(data)


class _Link:
    """One open websocket, and the calls that wait for their answers over it."""

    def __init__(self, socket: _Heard) -> None:
        self.open = True
        self._socket = socket
        self._numbers = itertools.count(1)
        # None in place of an answer says that the link broke: an exception that nobody collects is logged.
        self._waiting: dict[int, asyncio.Future[Answer | None]] = {}
        self._waits_since = 0.0
        self._reader = asyncio.create_task(self._read())
        self._pulse = asyncio.create_task(self._feel_pulse())

    async def call(self, call: Mapping[str, Any], *, answer_s: float) -> Answer:
        """Send a call and wait for its answer."""
        number = next(self._numbers)
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Answer | None] = loop.create_future()
        if not self._waiting:
            self._waits_since = loop.time()
        self._waiting[number] = waiting
        try:
            # Sending waits too, where the other side does not read.
            async with asyncio.timeout(answer_s):
                await self._socket.send(json.dumps({"id": number, **call}))
                answer = await waiting
        except TimeoutError as exc:
            # Whether the link or the server is at fault cannot be told: the next call tries a new link.
            self.cut()
            raise Silence from exc
        except ConnectionClosed as exc:
            raise Broken from exc
        finally:
            del self._waiting[number]
        if answer is None:
            raise Broken
        return answer

    def cut(self) -> None:
        """End the connection at once; the calls that wait end as broken."""
        self._socket.transport.abort()
        self._end()

    async def gone(self) -> None:
        """Wait until nothing of a link that was cut is left."""
        await asyncio.wait([self._reader, self._pulse])

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._socket.recv(decode=False))
        except ConnectionClosed:
            pass
        except (ValueError, LookupError, TypeError):  # not an answer: whoever speaks there is not our service
            self._socket.transport.abort()
        finally:
            self._end()

    async def _feel_pulse(self) -> None:
        """Cut the link once nothing has come for long although calls wait."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_PULSE)
            silent = loop.time() - max(self._socket.heard_at, self._waits_since)
            if not self._waiting or silent < _PULSE:
                continue
            if silent > _SILENCE:
                self.cut()
                return
            # A ping waits, too, behind what the network does not take.
            with suppress(TimeoutError, ConnectionClosed):
                async with asyncio.timeout(_PULSE):
                    await self._socket.ping()

    def _take(self, message: bytes) -> None:
        """Hand an answer to whoever waits for it: `{"id":N,"status":S,"body":…}`."""
        head, _, rest = message.partition(_BODY)
        fields = json.loads(head + b"}")
        waiting = self._waiting.get(fields["id"])
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(fields["status"], rest[:-1]))

    def _end(self) -> None:
        self.open = False
        self._pulse.cancel()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)
