"""The client of the node service: typed answers, our errors, and no code run twice."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jlab_mcp.client import NodeClient
from jlab_mcp.client.models import ExecutionState
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
class Service:
    """A service that answers on a real socket what a test tells it to; None cuts the connection."""

    answers: list[tuple[int, bytes] | None]
    seen: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    connections: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.current_task())
        try:
            while (line := await reader.readline()) != b"":
                headers: dict[str, str] = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(": ")
                    headers[name.lower()] = value
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.seen.append((line.decode().strip(), headers, json.loads(body or b"null")))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:
                    break
                status, content = answer
                writer.write(
                    f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content
                )
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def served(*answers: tuple[int, bytes] | None) -> AsyncIterator[tuple[NodeClient, Service]]:
    service = Service(list(answers))
    listener = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    client = NodeClient(connection(listener.sockets[0].getsockname()[1]))
    try:
        yield client, service
    finally:
        await client.aclose()
        listener.close()
        await asyncio.gather(*filter(None, service.connections))


def ok(value: Any) -> tuple[int, bytes]:
    return 200, json.dumps(value).encode()


def refusal(status: int, code: str, **data: Any) -> tuple[int, bytes]:
    return status, json.dumps({"error": {"code": code, "message": "it will not do", "data": data}}).encode()


async def test_requests_carry_the_token_and_go_over_one_connection():
    async with served(ok(EXECUTION)) as (client, service):
        execution = await client.execute("s1", "e1", code="1+1", wait=0)
        await client.execution("e1", after=2, wait=1.5)
    assert execution.state is ExecutionState.OK
    first, second = service.seen
    assert first[0] == "POST /jlab-mcp/v1/sessions/s1/executions HTTP/1.1"
    assert first[1]["authorization"] == "token s3cret"
    assert first[2] == {"execution_id": "e1", "code": "1+1", "wait": 0}
    assert second[0] == "GET /jlab-mcp/v1/executions/e1?wait=1.5&after=2 HTTP/1.1"


async def test_code_whose_connection_breaks_is_sent_again_under_the_same_id():
    async with served(None, ok(EXECUTION)) as (client, service):
        await client.execute("s1", "e1", code="1+1", wait=0)
    assert [body["execution_id"] for _, _, body in service.seen] == ["e1", "e1"]


async def test_an_insert_is_never_sent_twice():
    async with served(None, ok({})) as (client, service):
        with pytest.raises(ServerUnreachable, match="broke the connection"):
            await client.insert_cell("s1", "markdown", "x")
    assert len(service.seen) == 1


async def test_a_connection_that_breaks_again_and_again_is_given_up():
    async with served(None) as (client, service):
        with pytest.raises(ServerUnreachable, match="broke the connection"):
            await client.info()
    assert len(service.seen) == 3


async def test_nobody_listening_is_said_at_once():
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
async def test_a_refusal_becomes_the_error_of_its_code(answer: tuple[int, bytes], kind: type[JlabMcpError]):
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
    answer: tuple[int, bytes], kind: type[JlabMcpError], says: str, remedy: Remedy
):
    async with served(answer) as (client, _service):
        with pytest.raises(kind, match=says) as caught:
            await client.execution("e1")
    assert caught.value.remedy is remedy
    assert "s3cret" not in str(caught.value)


async def test_half_a_surrogate_pair_does_no_harm():
    outputs = [{"output_type": "stream", "name": "stdout", "text": "a\ud83db"}]
    async with served(ok({**EXECUTION, "outputs": outputs})) as (client, _service):
        assert (await client.execution("e1")).outputs[0]["text"] == "a\ufffdb"


@pytest.mark.parametrize("session_id", ["../../api", "a/b", "a?b", "..", "", "é"])
async def test_text_from_outside_stays_one_segment_of_the_path(session_id: str):
    async with served(refusal(404, "session_not_found")) as (client, service):
        with pytest.raises(SessionNotFound):
            await client.session(session_id)
    path = service.seen[0][0].split(" ")[1]
    assert path.startswith("/jlab-mcp/v1/sessions/")
    assert path.count("/") == 4
    assert "?" not in path


async def test_an_address_that_is_no_url_is_an_error_of_ours():
    client = NodeClient(connection(1, "http://[broken/"))
    with pytest.raises(ServerUnreachable):
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
