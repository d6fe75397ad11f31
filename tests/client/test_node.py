"""The client of the node service: typed answers, our errors, and no code run twice."""

import asyncio
import gc
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from websockets.asyncio.server import ServerConnection, serve

from jlab_mcp.client import News, NodeClient
from jlab_mcp.client.models import ExecutionState
from jlab_mcp.client.wire import Broken, Silence
from jlab_mcp.core.record import Connection
from jlab_mcp.errors import (
    BadRequest,
    CellNotFound,
    JlabMcpError,
    KernelUnknown,
    NodeError,
    PathOutsideRoot,
    Remedy,
    ServerUnreachable,
    SessionNotFound,
)
from tests.conftest import Project

EXECUTION = {"execution_id": "e1", "state": "ok", "seq": 3, "outputs": [], "brand_new_field": 1}


def connection(port: int, url: str | None = None) -> Connection:
    return Connection.model_validate(
        {
            "server_id": "0" * 16,
            "url": url or f"http://127.0.0.1:{port}/",
            "token": "s3cret",
            "hostname": "here",
            "ip": "127.0.0.1",
            "port": port,
            "pid": 1,
            "root_dir": Path("/r"),
            "notebook_dir": Path("/r"),
            "profile": "local",
            "python": "python",
            "jupyterlab": "4",
            "jupyter_server": "2",
            "node_version": "1",
            "started_at": 0.0,
        }
    )


@dataclass
class Seen:
    """A call as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: str | None


@dataclass
class Service:
    """A service that answers on a real socket what a test tells it to; None cuts the connection.

    A real one cannot be made to answer wrongly, or to cut the connection after a given call.
    """

    answers: list[tuple[int, bytes] | None]
    seen: list[Seen] = field(default_factory=list)
    connections: set[asyncio.Task[None] | None] = field(default_factory=set)

    def _next(self) -> tuple[int, bytes] | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def calls(self, socket: ServerConnection) -> None:
        """Serve a websocket."""
        request = socket.request
        assert request is not None
        assert request.path == "/jlab-mcp/v1/calls"
        async for message in socket:
            call = json.loads(message)
            token = request.headers.get("Authorization")
            self.seen.append(Seen(call["method"], call["path"], call["query"], call["body"], token))
            answer = self._next()
            if answer is None:
                socket.transport.abort()
                return
            await socket.send(f'{{"id":{call["id"]},"status":{answer[0]},"body":{answer[1].decode()}}}')

    async def requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve HTTP and refuse websockets, as some proxies do."""
        self.connections.add(asyncio.current_task())
        try:
            while (line := (await reader.readline()).decode()) != "":
                headers: dict[str, str] = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(": ")
                    headers[name.lower()] = value
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = line.split(" ")
                answer: tuple[int, bytes] | None = (502, b"no websockets here")
                if "upgrade" not in headers:
                    path, _, query = target.removeprefix("/jlab-mcp/v1/").partition("?")
                    arrived = Seen(method, path, dict(parse_qsl(query)), json.loads(body or b"{}"), None)
                    arrived.token = headers.get("authorization")
                    self.seen.append(arrived)
                    answer = self._next()
                if answer is None:
                    break
                status, content = answer
                writer.write(
                    f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content
                )
                await writer.drain()
        finally:
            writer.close()


Serve = Callable[..., AbstractAsyncContextManager[tuple[NodeClient, Service]]]


@asynccontextmanager
async def over_websocket(*answers: tuple[int, bytes] | None) -> AsyncIterator[tuple[NodeClient, Service]]:
    service = Service(list(answers))
    async with serve(service.calls, "127.0.0.1", 0) as listener:
        client = NodeClient(connection(next(iter(listener.sockets)).getsockname()[1]))
        try:
            yield client, service
        finally:
            await client.aclose()


@asynccontextmanager
async def listening(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[NodeClient]:
    """Give a client of a websocket server that does what `handler` does."""
    async with serve(handler, "127.0.0.1", 0, max_size=None, close_timeout=0.1) as listener:
        client = NodeClient(connection(next(iter(listener.sockets)).getsockname()[1]))
        try:
            yield client
        finally:
            await client.aclose()


@asynccontextmanager
async def over_http(*answers: tuple[int, bytes] | None) -> AsyncIterator[tuple[NodeClient, Service]]:
    service = Service(list(answers))
    listener = await asyncio.start_server(service.requests, "127.0.0.1", 0)
    client = NodeClient(connection(listener.sockets[0].getsockname()[1]))
    try:
        yield client, service
    finally:
        await client.aclose()
        listener.close()
        await asyncio.gather(*filter(None, service.connections))


@pytest.fixture(params=[over_websocket, over_http])
def served(request: pytest.FixtureRequest) -> Serve:
    """Both ways to a service: each test must hold for either."""
    way: Serve = request.param
    return way


def ok(value: Any) -> tuple[int, bytes]:
    return 200, json.dumps(value).encode()


def refusal(status: int, code: str, **data: Any) -> tuple[int, bytes]:
    return status, json.dumps({"error": {"code": code, "message": "it will not do", "data": data}}).encode()


async def test_calls_carry_the_token_the_query_and_the_body(served: Serve):
    async with served(ok(EXECUTION)) as (client, service):
        execution = await client.execute("s1", "e1", code="1+1", wait=0)
        await client.execution("e1", news=News(2, 0.5), wait=1.5)
    assert execution.state is ExecutionState.OK
    first, second = service.seen
    assert (first.method, first.path) == ("POST", "sessions/s1/executions")
    assert first.token == "token s3cret"
    assert first.body == {"execution_id": "e1", "code": "1+1", "wait": 0}
    assert (second.method, second.path) == ("GET", "executions/e1")
    assert {key: float(value) for key, value in second.query.items()} == {
        "wait": 1.5,
        "after": 2,
        "pause": 0.5,
        "brief": 1,
    }


async def test_calls_at_once_get_each_its_own_answer():
    answers = [ok({**EXECUTION, "execution_id": name}) for name in ("e1", "e2", "e3")]
    async with over_websocket(*answers) as (client, service):
        got = await asyncio.gather(*(client.execution(name) for name in ("e1", "e2", "e3")))
    assert [execution.execution_id for execution in got] == [seen.path[-2:] for seen in service.seen]


async def test_a_long_silence_is_told_and_the_next_call_goes_over_a_new_connection():
    async with over_websocket(ok(EXECUTION)) as (client, service):
        service.answers.insert(0, (200, b"late"))
        answer = client._connected()
        with pytest.raises(Silence):
            await answer.call("GET", "info", query={}, body={}, answer_s=0)
        assert (await client.execution("e1")).state is ExecutionState.OK


async def test_a_server_that_does_not_read_is_told_in_time():
    """What is sent waits, too, once the system's buffers are full."""

    async def deaf(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await socket.wait_closed()

    async with listening(deaf) as client:
        way = client._connected()
        with pytest.raises(Silence):
            await asyncio.wait_for(
                way.call("GET", "x", query={"much": "#" * 30_000_000}, body={}, answer_s=0.2), 10
            )


async def test_a_silence_breaks_no_call_of_the_next_connection():
    changed = ok({"cell_id": "c", "cell_index": 0, "cell_type": "code", "total": 1})
    async with over_websocket(changed) as (client, service):
        await client.delete_cell("s1", 0)
        way = client._connected()
        assert way._channel is not None
        link = way._channel._link
        assert link is not None
        silent = asyncio.create_task(way.call("GET", "info", query={}, body={}, answer_s=0))
        while link.open:
            await asyncio.sleep(0)
        # A break would make one of them go out twice.
        for _ in range(20):
            await client.delete_cell("s1", 0)
        with pytest.raises(Silence):
            await silent
    assert len([seen for seen in service.seen if seen.method == "POST"]) == 21


async def test_calls_that_wait_end_although_the_closing_is_cancelled():
    async def silent(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with listening(silent) as client:
        way = client._connected()
        waiting = [
            asyncio.create_task(way.call("GET", "info", query={}, body={}, answer_s=60)) for _ in range(3)
        ]
        while not (channel := way._channel) or not channel._link or len(channel._link._waiting) < 3:
            await asyncio.sleep(0)
        closing = asyncio.create_task(way.close())
        await asyncio.sleep(0)
        closing.cancel()
        async with asyncio.timeout(5):
            results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [Broken] * 3


@pytest.mark.parametrize(
    "frame", ["hello", "[]", '{"id":[],"status":200,"body":1}', b"\xff\xfe", '{"id":1,"body":1}']
)
async def test_frames_that_are_no_answers_end_the_connection(
    frame: str | bytes, caplog: pytest.LogCaptureFixture
):
    async def babble(socket: ServerConnection) -> None:
        async for _ in socket:
            await socket.send(frame)

    async with listening(babble) as client:
        with pytest.raises(ServerUnreachable, match="broke the connection"):
            await client.info()
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_a_server_that_hangs_up_on_the_upgrade_is_not_there():
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    client = NodeClient(connection(listener.sockets[0].getsockname()[1]))
    async with listener:
        with pytest.raises(ServerUnreachable, match="nobody answers"):
            await client.info()
    await client.aclose()


@pytest.mark.live
async def test_code_that_no_frame_may_hold_goes_by_http(live_project: Project):
    client = (await live_project.connect()).client
    try:
        for code in ("#" * 11_000_000, "#" + "\N{SNAKE}" * 1_000_000):
            done = await client.scratch(secrets.token_hex(8), code, wait=60)
            assert done.state is ExecutionState.OK
    finally:
        await client.aclose()


async def test_code_whose_connection_breaks_is_sent_again_under_the_same_id(served: Serve):
    async with served(None, ok(EXECUTION)) as (client, service):
        await client.execute("s1", "e1", code="1+1", wait=0)
    assert [seen.body["execution_id"] for seen in service.seen] == ["e1", "e1"]


async def test_what_changes_something_is_sent_again_under_the_id_that_it_had(served: Serve):
    changed = ok({"cell_id": "c", "cell_index": 0, "cell_type": "markdown", "total": 1})
    async with served(None, changed) as (client, service):
        await client.insert_cell("s1", "markdown", "x")
        await client.insert_cell("s1", "markdown", "x")
    first, again, other = [seen.query["request"] for seen in service.seen]
    assert first == again != other


async def test_a_connection_that_breaks_again_and_again_is_given_up(served: Serve):
    async with served(None) as (client, service):
        with pytest.raises(ServerUnreachable, match="broke the connection"):
            await client.info()
    assert len(service.seen) == 3


async def test_nobody_listening_is_said_at_once(served: Serve):
    async with served(ok({})) as (client, _service):
        address = client
    since = time.monotonic()
    with pytest.raises(ServerUnreachable, match="nobody answers"):
        await address.info()
    assert time.monotonic() - since < 2
    await address.aclose()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(404, "session_not_found"), SessionNotFound),
        (refusal(404, "cell_not_found"), CellNotFound),
        (refusal(403, "path_outside_root"), PathOutsideRoot),
        (refusal(422, "kernel_unknown", available=["python3"]), KernelUnknown),
        (refusal(400, "bad_request"), BadRequest),
    ],
)
async def test_a_refusal_becomes_the_error_of_its_code(
    answer: tuple[int, bytes], kind: type[JlabMcpError], served: Serve
):
    async with served(answer) as (client, _service):
        with pytest.raises(kind, match="it will not do") as caught:
            await client.session("x")
    if kind is KernelUnknown:
        assert caught.value.details["available"] == ["python3"]


@pytest.mark.parametrize(
    ("answer", "kind", "says", "remedy"),
    [
        ((403, b"<html>Forbidden"), ServerUnreachable, "refused the token", Remedy.RESTART_SERVER),
        (refusal(403, "not_authorized"), ServerUnreachable, "refused the token", Remedy.RESTART_SERVER),
        ((404, b"<html>"), ServerUnreachable, "no jlab-mcp service", Remedy.RESTART_SERVER),
        ((502, b"<html>"), ServerUnreachable, "status 502", Remedy.READ_LOG),
        (refusal(500, "internal"), NodeError, "failed at GET", Remedy.READ_LOG),
        ((200, b"<html>"), ServerUnreachable, "does not understand", Remedy.RESTART_SERVER),
        ((200, b'{"execution_id": 1}'), ServerUnreachable, "does not understand", Remedy.RESTART_SERVER),
        (refusal(418, "of_the_future"), NodeError, "it will not do", Remedy.NONE),
    ],
)
async def test_every_other_answer_is_an_error_that_says_what_is_wrong(
    answer: tuple[int, bytes], kind: type[JlabMcpError], says: str, remedy: Remedy, served: Serve
):
    async with served(answer) as (client, _service):
        with pytest.raises(kind, match=says) as caught:
            await client.execution("e1")
    assert caught.value.remedy is remedy
    assert "s3cret" not in str(caught.value)


async def test_half_a_surrogate_pair_does_no_harm(served: Serve):
    outputs = [{"output_type": "stream", "name": "stdout", "text": "a\ud83db"}]
    async with served(ok({**EXECUTION, "outputs": outputs})) as (client, _service):
        assert (await client.execution("e1")).outputs[0]["text"] == "a\ufffdb"


@pytest.mark.parametrize("session_id", ["../../api", "a/b", "a?b", "..", "", "é"])
async def test_text_from_outside_stays_one_segment_of_the_path(session_id: str, served: Serve):
    async with served(refusal(404, "session_not_found")) as (client, service):
        with pytest.raises(SessionNotFound):
            await client.session(session_id)
    path = service.seen[0].path
    assert path.startswith("sessions/")
    assert path.count("/") == 1
    assert not service.seen[0].query


@pytest.mark.parametrize(
    "url", ["http://[broken/", "http:///", "http://host:99999/", "http://a..b:1/", "ftp://host:1/", "?"]
)
async def test_an_address_that_is_no_url_is_an_error_of_ours(url: str):
    client = NodeClient(connection(1, url))
    with pytest.raises(ServerUnreachable, match="has an address that is no URL"):
        await client.info()
    await client.aclose()


@pytest.mark.live
async def test_a_real_service_answers_every_method(live_project: Project):
    client = (await live_project.connect()).client
    try:
        opened = await client.open_session("client", "new", session_id="c0ffee00")
        again = await client.open_session("client", "new", session_id="c0ffee00")
        assert again.session.session_id == opened.session.session_id == "c0ffee00"
        assert [s.session_id for s in await client.sessions() if s.session_id == "c0ffee00"] == ["c0ffee00"]
        first = await client.execute("c0ffee00", "feed0001", code="n = globals().get('n', 0) + 1; n", wait=30)
        repeat = await client.execute(
            "c0ffee00", "feed0001", code="n = globals().get('n', 0) + 1; n", wait=30
        )
        assert first.outputs == repeat.outputs
        assert first.outputs[0]["data"]["text/plain"] == "1"
        inserted = await client.insert_cell("c0ffee00", "markdown", "# x", index=0)
        moved = await client.move_cell("c0ffee00", inserted.cell_id, 1)
        edited = await client.edit_cell("c0ffee00", inserted.cell_id, "# y")
        assert (moved.cell_index, edited.cell_index) == (1, 1)
        page = await client.cells("c0ffee00", start=0, limit=10)
        assert [cell.source for cell in page.cells][1] == "# y"
        assert (await client.delete_cell("c0ffee00", 1)).total == 1
        assert not (await client.interrupt("c0ffee00")).interrupted
        assert (await client.restart("c0ffee00")).generation >= 1
        assert (await client.scratch("feed0002", "1", wait=60)).state is ExecutionState.OK
        assert (await client.resources()).memory.total
        assert (await client.info()).api == 1
        assert (await client.close_session("c0ffee00")).session_id == "c0ffee00"
    finally:
        await client.aclose()


@pytest.mark.parametrize("length", [1, 800_000], ids=["websocket", "http"])
async def test_a_hosts_other_addresses_are_not_tried_where_others_could_listen(length: int) -> None:
    came: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as spy:
        port = spy.sockets[0].getsockname()[1]
        for version in (6, 4):
            place = connection(port).model_copy(update={"ip_version": version})
            client = NodeClient(place)
            with pytest.raises(ServerUnreachable):
                await client.execute("s", "e", code="#" * length, wait=0)
            await client.aclose()
            assert bool(came) is (version == 4)
