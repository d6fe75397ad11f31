"""A person at a terminal."""

from __future__ import annotations

import contextlib
import json
import signal
import sys

import pexpect
import pytest

from tests.commands import LIMIT, alive, files_of, record_of, until
from tests.conftest import Project


def _type(project: Project, *arguments: str, **environ: str) -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable,
        ["-m", "jlab_mcp", *arguments],
        cwd=str(project.folder),
        env={**project.env, "TERM": "xterm", **environ},
        encoding="utf-8",
        timeout=int(LIMIT),
    )


@pytest.mark.live
def test_ctrl_c_stops_the_server_and_says_so(bare_project: Project) -> None:
    with _type(bare_project, "start") as terminal:
        terminal.expect("press Ctrl\\+C to stop it")
        record = record_of(bare_project)
        assert record
        terminal.sendcontrol("c")
        terminal.expect("has been stopped")
        terminal.expect(pexpect.EOF)
    assert not alive(record)
    assert files_of(bare_project) == []


@pytest.mark.live
def test_a_closed_terminal_stops_the_server(bare_project: Project) -> None:
    with _type(bare_project, "start") as terminal:
        terminal.expect("press Ctrl\\+C to stop it")
        record = record_of(bare_project)
        assert record
        with contextlib.suppress(pexpect.ExceptionPexpect):  # it wants the program to end at once
            terminal.close(force=False)
        until(lambda: not alive(record) and not files_of(bare_project), "end of the server")


def test_colour_is_for_terminals_whose_user_wants_it(bare_project: Project) -> None:
    kept = {key: value for key, value in bare_project.env.items() if key != "NO_COLOR"}
    plain = Project(bare_project.folder, kept)
    for environ, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with _type(plain, "wait", **environ) as terminal:
            terminal.expect(pexpect.EOF)
            assert ("\x1b[" in str(terminal.before)) is coloured


def test_no_arguments_in_a_terminal_say_what_is_waited_for(bare_project: Project) -> None:
    with _type(bare_project) as terminal:
        terminal.expect("waiting for an MCP client on stdin; `jlab-mcp --help` lists the commands")


def test_ctrl_c_ends_the_mcp_server_at_once(bare_project: Project) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "a person", "version": "1"},
        },
    }
    with _type(bare_project) as terminal:
        terminal.sendline(json.dumps(hello))
        terminal.expect("serverInfo")
        terminal.sendcontrol("c")
        terminal.expect(pexpect.EOF)
        assert "Traceback" not in str(terminal.before)
    assert terminal.signalstatus == signal.SIGINT
