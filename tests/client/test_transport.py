"""HTTP over kept connections, against a socket that speaks it well and badly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jlab_mcp.client.transport import Answer, BrokenError, NobodyThereError, SilenceError, Transport


class Peer:
    """Answers each request with the next of its scripts; counts connections. Empty: says nothing."""

    def __init__(self, *scripts: bytes) -> None:
        self.scripts = list(scripts)
        self.connections = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.got_request = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        self.connections += 1
        try:
            while await reader.readline():
                while (await reader.readline()).strip():
                    pass
                self.got_request.set()
                script = self.scripts.pop(0)
                writer.write(script)
                await writer.drain()
                if b"close" in script.lower():
                    break
        finally:
            writer.close()


@asynccontextmanager
async def peer(*scripts: bytes) -> AsyncIterator[tuple[Transport, Peer]]:
    served = Peer(*scripts)
    listener = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    transport = Transport(f"http://127.0.0.1:{port}/", {}, connect_s=5)
    try:
        yield transport, served
    finally:
        await transport.close()
        listener.close()
        await asyncio.gather(*served.tasks)


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN


async def test_one_connection_serves_one_request_after_another():
    async with peer(PLAIN, CHUNKED, EARLY) as (transport, served):
        answers = [await transport.request("GET", "/", None, answer_s=5) for _ in range(3)]
    assert answers == [Answer(200, b"hi"), Answer(201, b"hi"), Answer(200, b"hi")]
    assert served.connections == 1


async def test_a_connection_that_the_server_closes_is_not_used_again():
    async with peer(CLOSING, PLAIN) as (transport, served):
        assert (await transport.request("GET", "/", None, answer_s=5)).content == b"hi"
        assert (await transport.request("GET", "/", None, answer_s=5)).content == b"hi"
    assert served.connections == 2


async def test_requests_at_once_have_connections_of_their_own():
    async with peer(PLAIN, PLAIN, PLAIN) as (transport, served):
        await asyncio.gather(*(transport.request("GET", "/", None, answer_s=5) for _ in range(3)))
    assert served.connections == 3


@pytest.mark.parametrize(
    "script",
    [b"SSH-2.0 hello\r\n\r\nclose", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: close\r\n\r\nhi", b"close"],
)
async def test_what_is_no_whole_answer_is_a_broken_connection(script: bytes):
    async with peer(script) as (transport, _served):
        with pytest.raises(BrokenError):
            await transport.request("GET", "/", None, answer_s=5)


async def test_silence_ends_after_the_time_limit():
    async with peer(b"") as (transport, _served):
        with pytest.raises(SilenceError):
            await transport.request("GET", "/", None, answer_s=0.1)


async def test_a_cancelled_request_gives_its_answer_to_nobody_else():
    async with peer(b"", PLAIN) as (transport, served):
        waiting = asyncio.create_task(transport.request("GET", "/", None, answer_s=60))
        async with asyncio.timeout(5):
            await served.got_request.wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        assert (await transport.request("GET", "/", None, answer_s=5)).content == b"hi"
    assert served.connections == 2


async def test_nobody_there():
    async with peer() as (transport, _served):
        pass
    with pytest.raises(NobodyThereError):
        await transport.request("GET", "/", None, answer_s=5)


@pytest.mark.parametrize(
    "url", ["http://[broken/", "ftp://host/", "no url", "http:///path", "http://host:port/"]
)
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(ValueError, match=r"."):
        Transport(url, {}, connect_s=1)
