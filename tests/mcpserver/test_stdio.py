"""MCP as raw lines over pipes, sockets and files: how it is read, written, and what happens at its end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands import COMMAND, LIMIT, until
from tests.conftest import Project

INITIALIZE: dict[str, Any] = {
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    },
}
INITIALIZED: dict[str, Any] = {"method": "notifications/initialized"}


def lines(*messages: dict[str, Any]) -> bytes:
    """Messages as they go over the wire."""
    return b"".join(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n" for message in messages)


def ask(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"id": number, "method": method, "params": params}


@contextmanager
def server(project: Project, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """An MCP server that a client has just greeted."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    with subprocess.Popen(COMMAND, cwd=project.folder, env=project.env, **pipes) as process:
        try:
            if process.stdin and process.stdout:
                tell(process, INITIALIZE)
                assert answer(process)["result"]["serverInfo"]["name"]
                tell(process, INITIALIZED)
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[bytes], *messages: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(lines(*messages))
    process.stdin.flush()


def answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    answered: dict[str, Any] = json.loads(process.stdout.readline())
    return answered


def said(process: subprocess.Popen[bytes]) -> str:
    """All that it says on stderr until it has ended."""
    assert process.stderr is not None
    return process.stderr.read().decode()


def test_a_line_may_be_longer_than_any_buffer(bare_project: Project):
    with server(bare_project) as process:
        tell(process, ask(2, "tools/call", name="get_output", arguments={"execution_id": "x" * 3_000_000}))
        assert "JLM-NO-SERVER" in answer(process)["result"]["content"][0]["text"]


def test_what_is_no_message_costs_only_itself(bare_project: Project):
    with server(bare_project) as process:
        assert process.stdin is not None
        process.stdin.write(b'not JSON\n\n{"jsonrpc": "2.0"}\n\xff\xfe\n[]\n')
        tell(process, ask(2, "ping"))
        assert answer(process) == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_calls_that_run_when_stdin_ends_are_answered(bare_project: Project):
    with server(bare_project) as process:
        tell(process, *(ask(number, "tools/list") for number in range(2, 30)))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        answered = [json.loads(line) for line in process.stdout.read().splitlines()]
        assert {each["id"] for each in answered} == set(range(2, 30))
        assert process.wait(LIMIT) == 0
        assert said(process) == ""


@pytest.mark.live
def test_a_call_that_runs_on_does_not_keep_a_server_whose_client_has_gone(
    live_project: Project, tmp_path: Path
):
    begun, go = tmp_path / "begun", tmp_path / "go"
    code = (
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.1)"
    )
    with server(live_project) as process:
        assert process.stdin is not None
        tell(process, ask(2, "tools/call", name="execute_scratch", arguments={"code": code}))
        until(begun.exists, "code that runs")
        process.stdin.close()
        assert process.wait(LIMIT) == 0
        assert said(process) == ""
    go.touch()


def test_a_server_whose_answers_nobody_reads_ends_without_a_word(bare_project: Project):
    with server(bare_project) as process:
        assert process.stdout is not None
        process.stdout.close()
        tell(process, ask(2, "tools/list"))
        assert process.wait(LIMIT) == 0
        assert said(process) == ""


def test_a_client_may_take_its_time_to_read(bare_project: Project):
    with server(bare_project) as process:
        # More than a pipe holds, while the server goes on reading.
        tell(process, *(ask(number, "tools/list") for number in range(2, 42)))
        tell(process, ask(42, "ping"))
        assert {answer(process)["id"] for _ in range(2, 43)} == set(range(2, 43))


@pytest.mark.parametrize("count", [1, 2])
def test_sockets_do_as_well(bare_project: Project, count: int):
    """One for each way, as Node's `child_process` makes them, and one for both, as inetd does."""
    pairs = [socket.socketpair() for _ in range(count)]
    (going, stdin), (coming, stdout) = pairs[0], pairs[-1]
    with (
        server(bare_project, stdin=stdin, stdout=stdout),
        coming.makefile("rb") as answers,
    ):
        for _, theirs in pairs:
            theirs.close()
        coming.settimeout(LIMIT)
        for number, messages in enumerate([(INITIALIZE,), (INITIALIZED, ask(2, "ping")), (ask(3, "ping"),)]):
            going.sendall(lines(*messages))
            assert json.loads(answers.readline())["id"] == number + 1
    for ours, _ in pairs:
        ours.close()


def test_files_do_as_well(bare_project: Project, tmp_path: Path):
    (tmp_path / "in").write_bytes(lines(INITIALIZE))
    with (
        (tmp_path / "in").open("rb") as coming,
        (tmp_path / "out").open("wb") as going,
        server(bare_project, stdin=coming, stdout=going) as process,
    ):
        assert process.wait(LIMIT) == 0
    assert json.loads((tmp_path / "out").read_bytes())["id"] == 1


def test_who_shares_the_pipe_finds_it_as_it_was(bare_project: Project):
    coming, write_end = os.pipe()
    os.write(write_end, lines(INITIALIZE))
    os.close(write_end)
    with server(bare_project, stdin=coming) as process:
        assert answer(process)["id"] == 1
        assert process.wait(LIMIT) == 0
        assert os.get_blocking(coming)
    os.close(coming)
