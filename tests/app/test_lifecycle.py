"""A server's life, from the outside: real commands, a real JupyterLab."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jlab_mcp.core.record import ServerPaths, ServerRecord
from jlab_mcp.errors import CannotWrite
from jlab_mcp.runners.processes import descendants, gone, is_alive
from tests.commands import (
    LIMIT,
    alive,
    change_process,
    change_record,
    files_of,
    finish,
    identity,
    kill,
    record_of,
    run,
    said,
    spawn,
    until,
    wait_for_record,
    wait_gone,
)
from tests.conftest import Project

pytestmark = pytest.mark.live
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\n")


def test_start_status_wait_stop(bare_project: Project) -> None:
    started = run(bare_project, "start", "--detach")
    assert (started.returncode, bool(ADDRESS.fullmatch(started.stdout))) == (0, True), started.stderr

    again = run(bare_project, "start")
    assert (again.returncode, again.stdout) == (0, started.stdout)
    assert "is already running" in again.stderr

    waited = run(bare_project, "wait")
    assert (waited.returncode, waited.stdout) == (0, started.stdout)

    told = run(bare_project, "status", "--json")
    status = json.loads(told.stdout)
    assert (told.returncode, status["state"], status["address"]) == (0, "ready", started.stdout.strip())
    assert status["info"]["sessions"] == 0
    paths = bare_project.resolved().paths
    token = json.loads(paths.connection_file.read_text())["token"]
    shown = run(bare_project, "status").stdout + told.stdout + started.stderr + paths.record_file.read_text()
    assert token not in shown
    assert token not in paths.log_file.read_text()
    for path in (paths.connection_file, paths.record_file, paths.log_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path

    record = record_of(bare_project)
    assert record
    stopped = run(bare_project, "stop")
    assert stopped.returncode == 0
    assert not alive(record)
    assert files_of(bare_project) == []
    nothing = run(bare_project, "stop")
    assert (nothing.returncode, "no server is running" in nothing.stderr) == (0, True)
    assert run(bare_project, "status").returncode == 4
    assert run(bare_project, "wait").returncode == 4


def test_two_starts_at_once_bring_up_one_server(bare_project: Project) -> None:
    both = [spawn(bare_project, "start", "--detach") for _ in range(2)]
    ends = [finish(process) for process in both]
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert ends[0][1] == ends[1][1]
    assert sum("starting JupyterLab" in err for _, _, err in ends) == 1


def test_a_taken_port_means_the_next_one(bare_project: Project) -> None:
    with socket.socket() as first, socket.socket() as free:
        first.bind(("127.0.0.1", 0))
        first.listen()
        low = first.getsockname()[1]
        free.bind(("127.0.0.1", 0))
        started = run(
            bare_project,
            "start",
            "-d",
            JLAB_MCP_PORT_MIN=str(low),
            JLAB_MCP_PORT_MAX=str(min(low + 50, 65535)),
        )
    assert started.returncode == 0, started.stderr
    assert f":{low}/" not in started.stdout


def test_a_range_without_a_free_port_is_a_failure_that_says_so(bare_project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        started = run(bare_project, "start", "-d", JLAB_MCP_PORT_MIN=port, JLAB_MCP_PORT_MAX=port)
    assert (started.returncode, "no port of the range is free" in started.stderr) == (8, True), started.stderr
    assert "hint: widen the range with JLAB_MCP_PORT_MIN and JLAB_MCP_PORT_MAX" in started.stderr
    assert "Traceback" not in started.stderr
    assert files_of(bare_project) == []


async def test_a_server_that_cannot_be_written_down_does_not_stay(
    bare_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up in that very moment cannot be had for real."""
    launched: list[ServerRecord] = []

    def fail(_paths: ServerPaths, record: ServerRecord) -> None:
        launched.append(record)
        raise CannotWrite("no space left")

    monkeypatch.setattr("jlab_mcp.app.launch.write_record", fail)
    with pytest.raises(CannotWrite):
        await bare_project.start()
    assert [alive(record) for record in launched] == [False]


def test_a_notebook_folder_outside_the_project_is_made(bare_project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "notebooks"
    started = run(bare_project, "start", "-d", JLAB_MCP_NOTEBOOK_DIR=str(folder))
    assert started.returncode == 0, started.stderr
    assert folder.is_dir()


def test_a_notebook_folder_that_cannot_be_made_is_one_sentence(bare_project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "notebooks"
    started = run(bare_project, "start", "-d", JLAB_MCP_NOTEBOOK_DIR=str(folder))
    assert (started.returncode, said(started).splitlines()[1:]) == (
        3,
        [
            f"error[JLM-CONFIG]: cannot make the notebook folder `{folder}` (JLAB_MCP_NOTEBOOK_DIR): Not a directory"
        ],
    )
    assert started.stderr.startswith("3 settings come from the environment: JLAB_MCP_DIR")
    assert files_of(bare_project) == []


def test_a_time_of_none_is_no_limit(bare_project: Project) -> None:
    started = run(bare_project, "start", "none", "--detach")
    assert started.returncode == 0, started.stderr
    assert "no effect" not in started.stderr


def test_a_killed_server_is_stale_and_start_replaces_it(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    kill(record)
    told = run(bare_project, "status")
    assert (told.returncode, "ended without being stopped" in told.stdout) == (4, True)
    started = run(bare_project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert "ended without being stopped" in started.stderr
    now = record_of(bare_project)
    assert now
    kill(now)
    stopped = run(bare_project, "stop")
    assert (stopped.returncode, "its record has been removed" in stopped.stderr) == (0, True)
    assert files_of(bare_project) == []


def test_stop_takes_the_kernels_along(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    stubborn = "import signal,time;signal.signal(signal.SIGTERM,signal.SIG_IGN);time.sleep(600)"
    run_on_server(bare_project, f"import subprocess,sys;subprocess.Popen([sys.executable,'-c',{stubborn!r}])")
    below = until(lambda: descendants(identity(record).pid) or None, "kernel")
    assert run(bare_project, "stop").returncode == 0
    assert not alive(record)
    assert [process for process in below if is_alive(process)] == []
    assert files_of(bare_project) == []


async def test_kernels_end_by_themselves_when_their_server_is_killed(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    client = (await bare_project.connect()).client
    await client.open_session("test", "new", session_id="00112233")
    below = descendants(identity(record).pid)
    assert below
    os.kill(identity(record).pid, signal.SIGKILL)
    assert await gone(below, LIMIT) == []


def run_on_server(project: Project, code: str) -> None:
    """Open a session and run code in it."""
    import asyncio
    import secrets

    from jlab_mcp.app.connect import close_clients

    async def go() -> None:
        client = (await project.connect()).client
        opened = await client.open_session("test", "new", session_id=secrets.token_hex(4))
        await client.execute(opened.session.session_id, execution_id=secrets.token_hex(8), code=code, wait=30)
        await close_clients()

    asyncio.run(go())


def test_stop_beats_a_start_in_progress(bare_project: Project) -> None:
    starting = spawn(bare_project, "start", "--detach")
    record = wait_for_record(bare_project)
    stopped = run(bare_project, "stop")
    assert stopped.returncode == 0, stopped.stderr
    assert not alive(record)
    code, out, err = finish(starting)
    assert (code, out, "was stopped meanwhile" in err) == (8, "", True), err
    assert files_of(bare_project) == []


def test_a_foreground_server_says_when_it_was_stopped_elsewhere(bare_project: Project) -> None:
    foreground = spawn(bare_project, "start")
    assert foreground.stdout
    assert ADDRESS.fullmatch(foreground.stdout.readline())
    run(bare_project, "stop")
    code, _, err = finish(foreground)
    assert (code, "stopped from elsewhere" in err) == (0, True), err


def test_a_foreground_server_that_dies_is_told_with_its_log(bare_project: Project) -> None:
    foreground = spawn(bare_project, "start")
    assert foreground.stdout
    foreground.stdout.readline()
    record = record_of(bare_project)
    assert record
    kill(record)
    code, _, err = finish(foreground)
    assert (code, "ended without being stopped" in err, "  | " in err) == (4, True, True), err
    assert files_of(bare_project) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_foreground_stops_the_server(bare_project: Project, number: signal.Signals) -> None:
    foreground = spawn(bare_project, "start")
    assert foreground.stdout
    foreground.stdout.readline()
    record = record_of(bare_project)
    assert record
    foreground.send_signal(number)
    code, _, err = finish(foreground)
    assert (code, alive(record)) == (130, False), err
    assert files_of(bare_project) == []


def test_a_signal_during_the_start_leaves_nothing_behind(bare_project: Project) -> None:
    starting = spawn(bare_project, "start", "--detach")
    record = wait_for_record(bare_project)
    starting.send_signal(signal.SIGINT)
    code, _, err = finish(starting)
    assert (code, alive(record), files_of(bare_project)) == (130, False, []), err


def test_a_time_limit_stops_a_foreground_server(bare_project: Project) -> None:
    code, _, err = finish(spawn(bare_project, "start", "0:01"))
    assert (code, "its time is over" in err, files_of(bare_project)) == (0, True, []), err


def test_a_start_that_takes_too_long_is_stopped(bare_project: Project) -> None:
    started = run(bare_project, "start", "-d", JLAB_MCP_SERVER_READY_TIMEOUT="0.3")
    assert (started.returncode, "was not ready after 0.3 s" in started.stderr) == (8, True), started.stderr
    assert files_of(bare_project) == []


def test_a_record_of_another_boot_is_cleaned_and_its_process_left_alone(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    change_process(bare_project, boot_id="another boot")
    assert "was ended by a reboot" in run(bare_project, "status").stdout
    stopped = run(bare_project, "stop")
    assert (stopped.returncode, "was ended by a reboot" in stopped.stderr) == (0, True)
    assert alive(record)
    os.kill(identity(record).pid, signal.SIGTERM)
    wait_gone(record)


def test_a_server_that_is_being_stopped_did_not_end_by_itself(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    change_record(bare_project, stopping=True)
    kill(record)  # its `stop` has yet to remove the record
    started = run(bare_project, "start", "-d")
    assert started.returncode == 0
    assert "the last server" not in started.stderr


def test_a_reused_process_id_is_never_signalled(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    kill(record)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        change_process(bare_project, pid=stranger.pid)
        assert "belongs to another program now" in run(bare_project, "status").stdout
        assert run(bare_project, "stop").returncode == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_of_another_host_is_left_to_that_host(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    change_record(bare_project, hostname="login7")
    for command in (["stop"], ["start", "-d"], ["wait"]):
        refused = run(bare_project, *command)
        assert (refused.returncode, "login7" in refused.stderr) == (7, True), refused.stderr
    assert run(bare_project, "status").returncode == 7
    assert alive(record)
    change_record(bare_project, hostname=record.hostname)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', "\x00\xff"])
def test_a_broken_record_is_one_sentence_and_stop_clears_it(bare_project: Project, text: str) -> None:
    path = bare_project.resolved().paths.record_file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    for command in (["status"], ["start", "-d"], ["wait"]):
        done = run(bare_project, *command)
        assert (done.returncode, str(path) in done.stderr, "hint: " in done.stderr) == (10, True, True), (
            done.stderr
        )
        assert "Traceback" not in done.stderr
    assert path.read_text() == text
    assert run(bare_project, "stop").returncode == 0
    assert files_of(bare_project) == []


def test_stop_finds_a_server_whose_record_broke(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    paths = bare_project.resolved().paths
    paths.record_file.write_text("{")
    stopped = run(bare_project, "stop")
    assert (stopped.returncode, alive(record), files_of(bare_project)) == (0, False, []), stopped.stderr


def test_a_broken_connection_file_is_one_sentence_without_its_content(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    record = record_of(bare_project)
    assert record
    path = bare_project.resolved().paths.connection_file
    path.write_text('{"token": "hidden"')
    told = run(bare_project, "status")
    assert (told.returncode, str(path) in told.stderr, "hidden" in told.stderr) == (10, True, False)
    assert run(bare_project, "stop").returncode == 0
    assert not alive(record)


def test_a_server_that_does_not_answer_is_unreachable_and_can_be_stopped(bare_project: Project) -> None:
    run(bare_project, "start", "-d")
    path = bare_project.resolved().paths.connection_file
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        changed = json.loads(path.read_text()) | {"url": f"http://127.0.0.1:{port}/"}
        path.write_text(json.dumps(changed))
        told = run(bare_project, "status")
    assert (told.returncode, "unreachable" in told.stdout) == (6, True), told.stdout + told.stderr
    assert run(bare_project, "stop").returncode == 0


async def test_waiting_for_nothing_returns_at_once() -> None:
    assert await gone([], 60) == []
