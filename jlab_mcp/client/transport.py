"""HTTP/1.1 over kept connections: h11 knows the protocol, asyncio moves the bytes.

A general HTTP client spends longer on a request than the kernel on `1 + 1`; this one asks one server.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

_CHUNK = 256 * 1024
_IDLE_KEPT = 32


class TransportError(Exception):
    """No answer came."""


class NobodyThereError(TransportError):
    """The connection was not accepted."""


class SilenceError(TransportError):
    """The answer took too long."""


class BrokenError(TransportError):
    """The connection ended before the answer did, or what came was not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    content: bytes


class Transport:
    """Sends requests to one server, each over a connection of its own, which is kept for the next.

    Args:
        url: the server's address.
        headers: go with every request.
        connect_s: how long a connection may take.
    """

    def __init__(self, url: str, headers: dict[str, str], *, connect_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"no HTTP address: {url}")
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or (443 if self._tls else 80)
        self._headers = [("Host", parts.netloc), *headers.items()]
        self._connect_s = connect_s
        self._idle: list[_Link] = []

    async def request(self, method: str, target: str, body: bytes | None, *, answer_s: float) -> Answer:
        """Send a request and return its answer.

        Raises:
            TransportError: none came within `answer_s` seconds. Unless nobody was there, the request
                may have been carried out all the same.
        """
        link = await self._take()
        try:
            async with asyncio.timeout(answer_s):
                answer = await link.exchange(method, target, self._headers, body)
        except TimeoutError as exc:
            link.close()
            raise SilenceError from exc
        except (OSError, EOFError, h11.ProtocolError) as exc:
            link.close()
            raise BrokenError from exc
        except BaseException:
            # Cancelled: the answer would come to whoever used the connection next.
            link.close()
            raise
        if link.ready_again() and len(self._idle) < _IDLE_KEPT:
            self._idle.append(link)
        else:
            link.close()
        return answer

    async def close(self) -> None:
        """Close the connections that are not in use."""
        links, self._idle = self._idle, []
        for link in links:
            link.close()
        for link in links:
            await link.closed()

    async def _take(self) -> _Link:
        while self._idle:
            link = self._idle.pop()
            if link.usable():
                return link
            link.close()
        try:
            async with asyncio.timeout(self._connect_s):
                reader, writer = await asyncio.open_connection(
                    self._host, self._port, ssl=True if self._tls else None
                )
        except OSError as exc:
            raise NobodyThereError from exc
        return _Link(reader, writer)


class _Link:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = h11.Connection(h11.CLIENT)

    async def exchange(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes | None
    ) -> Answer:
        length = [] if body is None else [("Content-Length", str(len(body)))]
        events: list[h11.Event] = [h11.Request(method=method, target=target, headers=[*headers, *length])]
        if body:
            events.append(h11.Data(data=body))
        # In one piece, so that the server wakes up once.
        self._writer.write(b"".join(filter(None, map(self._protocol.send, [*events, h11.EndOfMessage()]))))
        await self._writer.drain()
        status, content = 0, bytearray()
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                self._protocol.receive_data(await self._reader.read(_CHUNK))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Answer(status, bytes(content))
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError

    def ready_again(self) -> bool:
        """Prepare for the next request; False if the server wants the connection closed."""
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        self._protocol.start_next_cycle()
        return True

    def usable(self) -> bool:
        return not self._reader.at_eof() and not self._writer.is_closing()

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
