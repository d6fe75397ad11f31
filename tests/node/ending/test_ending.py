"""How a server ends: what is kept, and what it leaves word of. Real signals, real kernels."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jlab_mcp.runners.processes import started_at
from tests.node.server import LIMIT, NodeServer, copy_node, node_server
from tests.slowkernel import slow_kernel

pytestmark = pytest.mark.live

STUBBORN = """
import signal, time
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
while True:
    print("still here", flush=True)
    time.sleep(0.05)
"""


def stored_outputs(notebook: str, index: int = -1) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = json.loads(Path(notebook).read_text())["cells"][index]["outputs"]
    return outputs


def last_line(notebook: str, index: int = -1) -> tuple[str, str]:
    last = stored_outputs(notebook, index)[-1]
    return last["name"], last["text"][-1]


def ended_line(why: str) -> tuple[str, str]:
    return "stderr", f"jlab-mcp: the server ended ({why}) while this cell ran\n"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])
def test_a_signal_ends_the_server_in_order_and_is_noted(tmp_path: Path, name: str) -> None:
    with node_server(tmp_path, arguments=("--job-id", "77")) as server:
        server.process.send_signal(signal.Signals[name])
        assert server.process.wait(LIMIT) == 0
        assert not server.connection_file.exists()
        note = server.end_note()
        assert stat.S_IMODE(server.own_file("end").stat().st_mode) == 0o600
    told = {key: note[key] for key in ("job_id", "cause", "signal", "sessions")}
    assert told == {"job_id": "77", "cause": "signal", "signal": name, "sessions": []}


def test_a_running_cell_says_at_its_end_that_the_server_ended_and_whoever_waits_is_told(
    tmp_path: Path,
) -> None:
    bar = "import sys, time; print('begun', flush=True); print('50%|##', end='', file=sys.stderr, flush=True)"
    with node_server(tmp_path) as server, ThreadPoolExecutor(1) as pool:
        running, idle = server.new_session("running"), server.new_session("idle")
        server.run(idle["session_id"], code="'whole'")
        execution = server.begin(running["session_id"], f"{bar}; time.sleep(600)")
        queued = server.run(running["session_id"], wait=0, code="'never'")
        while len(server.execution(execution)["outputs"]) < 2:
            server.execution(execution, after=server.execution(execution)["seq"], wait=1)
        waiting = pool.submit(server.execution, queued["execution_id"], wait=600)
        server.get("info")
        server.process.send_signal(signal.SIGTERM)
        told = waiting.result(LIMIT)
        assert (told["state"], told["reason"]) == (
            "server_ended",
            "the server ended (SIGTERM) before it was run",
        )
        note = server.end_note()
    sessions = {each["session_id"]: each for each in note["sessions"]}
    cut, whole = sessions[running["session_id"]], sessions[idle["session_id"]]
    assert (cut["running"], cut["saved"], cut["notebook_path"]) == (execution, True, running["notebook_path"])
    assert (whole["running"], whole["saved"]) == (None, True)
    outputs = stored_outputs(running["notebook_path"], 0)
    # The kernel may still say something, such as that it was interrupted; a line of ours stays the last.
    assert "".join(outputs[0]["text"]) == "begun\n"
    assert "".join(outputs[1]["text"]).splitlines()[0] == "50%|##"
    assert last_line(running["notebook_path"], 0) == ended_line("SIGTERM")
    assert stored_outputs(running["notebook_path"], 1) == []
    assert "whole" in json.dumps(stored_outputs(idle["notebook_path"]))


def test_a_kernel_that_ignores_signals_is_killed_and_its_cell_is_saved_and_marked(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        session = server.new_session("stubborn")
        server.begin(session["session_id"], STUBBORN)
        pid = server.get("sessions/" + session["session_id"]).json()["kernel_pid"]
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(LIMIT) == 0
        assert not Path(f"/proc/{pid}").exists()
        assert "something hangs" not in server.log.read_text()
        assert server.end_note()["sessions"][0]["saved"] is True
    outputs = stored_outputs(session["notebook_path"])
    assert "".join(outputs[0]["text"]).startswith("still here\nstill here\n")
    assert last_line(session["notebook_path"]) == ended_line("SIGTERM")


def test_an_extension_that_hangs_at_the_end_delays_it_for_seconds_only(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(
        "import asyncio\n"
        "from jupyter_server.extension.manager import ExtensionManager\n"
        "async def hang(self):\n"
        "    await asyncio.sleep(3600)\n"
        "ExtensionManager.stop_all_extensions = hang\n"
    )
    with node_server(tmp_path, env={**os.environ, "JUPYTER_CONFIG_DIR": str(config)}) as server:
        session = server.new_session("hangs")
        server.begin(session["session_id"], STUBBORN)
        pid = server.get("sessions/" + session["session_id"]).json()["kernel_pid"]
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(LIMIT) == 0
        assert started_at(pid) is None
        assert "something hangs" in server.log.read_text()
        assert server.end_note()["sessions"][0]["saved"] is True
    assert last_line(session["notebook_path"]) == ended_line("SIGTERM")


def test_a_kernel_that_gets_the_signal_first_has_ended_with_the_server(tmp_path: Path) -> None:
    # SLURM signals every process of a job, in an order of its own.
    with node_server(tmp_path) as server:
        session = server.new_session("together")
        server.begin(session["session_id"], "print('begun', flush=True); import time; time.sleep(600)")
        pid = server.get("sessions/" + session["session_id"]).json()["kernel_pid"]
        server.process.send_signal(signal.SIGSTOP)
        os.kill(pid, signal.SIGTERM)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        assert server.end_note()["sessions"][0]["running"] is not None
    assert last_line(session["notebook_path"]) == ended_line("SIGTERM")


def test_a_kernel_that_gets_the_signal_first_is_not_replaced_while_notebooks_are_saved(
    tmp_path: Path,
) -> None:
    # A file system that writes slowly: saving goes on for longer than the restarter takes to notice.
    config = tmp_path / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(
        "import os, time\n"
        "replace = os.replace\n"
        "def slow(*paths, **folders):\n"
        f"    if os.path.exists({str(tmp_path / 'slow')!r}):\n"
        "        time.sleep(1.2)\n"
        "    replace(*paths, **folders)\n"
        "os.replace = slow\n"
    )
    with node_server(tmp_path, env={**os.environ, "JUPYTER_CONFIG_DIR": str(config)}) as server:
        session = server.new_session("slow")
        server.begin(session["session_id"], "print('begun', flush=True); import time; time.sleep(600)")
        pid = server.get("sessions/" + session["session_id"]).json()["kernel_pid"]
        (tmp_path / "slow").touch()
        server.process.send_signal(signal.SIGTERM)
        os.kill(pid, signal.SIGTERM)
        assert server.end_note()["sessions"][0]["saved"] is True
        log = server.log.read_text()
    assert "restarting kernel" not in log
    assert "Traceback" not in log
    assert last_line(session["notebook_path"]) == ended_line("SIGTERM")


@pytest.mark.parametrize("name", ["SIGTERM", None])
def test_a_kernel_that_is_just_starting_goes_without_a_traceback_in_the_log(
    tmp_path: Path, name: str | None
) -> None:
    env = {**os.environ, "JUPYTER_PATH": str(tmp_path / "jupyter")}
    with (
        slow_kernel(tmp_path / "jupyter") as kernel,
        node_server(tmp_path, env=env) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        opening = pool.submit(server.post, "sessions", name="never", mode="new", kernel=kernel.name)
        deadline = time.monotonic() + LIMIT
        while not kernel.begun.exists():
            assert time.monotonic() < deadline
            server.get("info")
        if name is None:
            server.http.post(server.connection["url"] + "api/shutdown")
        else:
            server.process.send_signal(signal.Signals[name])
        assert server.end_note()["sessions"] == []
        opening.exception(LIMIT)
        log = server.log.read_text()
    assert "Traceback" not in log
    assert "KeyboardInterrupt" not in log


def test_the_shut_down_of_jupyterlab_saves_marks_and_is_noted(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        session = server.new_session("shut-down")
        execution = server.begin(
            session["session_id"], "print('begun', flush=True); import time; time.sleep(600)"
        )
        server.http.post(server.connection["url"] + "api/shutdown")
        note = server.end_note()
    assert (note["cause"], note["signal"]) == ("shutdown", None)
    assert [(each["running"], each["saved"]) for each in note["sessions"]] == [(execution, True)]
    assert last_line(session["notebook_path"]) == ended_line("shutdown")


def test_a_notebook_that_could_not_be_saved_is_noted_so(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        session = server.new_session("broken")
        server.run(session["session_id"], code="1")
        server.saved(session["notebook_path"])
        Path(session["notebook_path"]).write_text("{ broken")
        server.run(session["session_id"], code="2")
        server.process.send_signal(signal.SIGTERM)
        assert [each["saved"] for each in server.end_note()["sessions"]] == [False]


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGUSR2"])
def test_a_warning_of_the_end_saves_and_is_told_once_in_each_session(tmp_path: Path, name: str) -> None:
    with node_server(tmp_path) as server:
        busy, idle = server.new_session("busy"), server.new_session("idle")
        flag = tmp_path / "flag"
        execution = server.begin(
            busy["session_id"],
            f"print('half', flush=True)\nimport os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.01)",
        )
        server.process.send_signal(signal.Signals[name])
        shown = server.execution(execution)
        while not shown["notice"]:
            shown = server.execution(execution, after=shown["seq"], wait=5)
        assert shown["notice"].startswith("the job's time is nearly over: it was told so at ")
        assert shown["state"] == "running"
        assert "half" in json.dumps(server.saved(busy["notebook_path"])["cells"])
        assert "nearly over" in server.get("sessions/" + idle["session_id"]).json()["notice"]
        first = server.post(
            f"sessions/{idle['session_id']}/cells", op="insert", cell_type="markdown", source="x"
        )
        assert "nearly over" in first.json()["notice"]
        assert server.run(idle["session_id"], code="1")["notice"] is None
        assert "nearly over" in server.run(server.new_session("later")["session_id"], code="1")["notice"]
        flag.touch()
        assert server.execution(execution, wait=60)["state"] == "ok"
        assert server.run(busy["session_id"], code="1 + 1")["notice"] is None
        assert "nearly over" in server.log.read_text()
        assert not server.own_file("end").exists()
        server.process.send_signal(signal.SIGTERM)
        assert server.end_note()["signal"] == "SIGTERM"


def launch_failing(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run a launcher that fails, where an earlier run has left its files; also returns the note of its end."""
    stale = folder / "c.connection.json"
    stale.write_text("{}")
    (folder / "c.end.json").write_text("{}")
    done = subprocess.run(
        [
            *(sys.executable, *options[:1]),
            *(copy_node(folder), f"--connection-file={stale}", f"--root-dir={folder}", "--profile=local"),
            *(f"--notebook-dir={folder}", "--server-id=0123456789abcdef", *options[1:]),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not stale.exists()
    return done, json.loads((folder / "c.end.json").read_text())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("-S", "--port-min=18000", "--port-max=19000"), 3),
        (("-B", "--port-min=18000", "--port-max=17999"), 4),
        (("-B", "--port-min=18000", "--port-max=18000", "--interface=ib7"), 5),
    ],
)
def test_a_launcher_that_fails_notes_what_it_says_and_leaves_no_stale_connection(
    tmp_path: Path, options: tuple[str, ...], code: int
) -> None:
    done, note = launch_failing(tmp_path, *options)
    assert done.returncode == code, done.stderr
    assert done.stderr == f"jlab-mcp: {note['message']}\n"
    assert (note["cause"], note["exit_code"], note["signal"], note["sessions"]) == ("crash", code, None, [])


def test_signals_before_jupyterlab_is_up_end_it_or_are_kept_for_it(tmp_path: Path) -> None:
    # JupyterLab reads the user's configuration while it comes up: there it is held.
    held, go, config = tmp_path / "held", tmp_path / "go", tmp_path / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(
        f"import pathlib, time\n"
        f"pathlib.Path({str(held)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    )
    connection = tmp_path / "c.connection.json"
    command = [
        sys.executable, str(copy_node(tmp_path)), f"--connection-file={connection}", f"--root-dir={tmp_path}",
        f"--notebook-dir={tmp_path}", "--port-min=18000", "--port-max=19000", "--profile=local",
    ]  # fmt: skip
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(config)}

    def until_there(path: Path) -> None:
        deadline = time.monotonic() + LIMIT
        while not path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def launched() -> subprocess.Popen[bytes]:
        held.unlink(missing_ok=True)
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        until_there(held)
        return process

    with (tmp_path / "log").open("wb") as log:
        with launched() as ended:
            ended.send_signal(signal.SIGTERM)
            assert ended.wait(LIMIT) == 0
        note = json.loads((tmp_path / "c.end.json").read_text())
        assert (note["cause"], note["signal"], note["sessions"]) == ("signal", "SIGTERM", [])
        with launched() as warned:
            warned.send_signal(signal.SIGUSR1)
            go.touch()
            until_there(connection)
            warned.terminate()
            assert warned.wait(LIMIT) == 0
    assert "the job's time is nearly over" in (tmp_path / "log").read_text()


def test_how_often_the_job_was_started_again_is_told(tmp_path: Path) -> None:
    with node_server(tmp_path, arguments=("--restarts", "2")) as server:
        assert server.get("info").json()["restarts"] == 2


def session_fault(server: NodeServer, session_id: str) -> dict[str, Any]:
    answer = server.get("sessions/" + session_id)
    assert answer.status_code == 404
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == "session_not_found"
    return error


def test_a_later_server_knows_the_sessions_of_one_that_was_killed(tmp_path: Path) -> None:
    with node_server(tmp_path) as first:
        kept, gone, closed = (first.new_session(name) for name in ("kept", "gone", "closed"))
        first.run(kept["session_id"], code="1")
        first.saved(kept["notebook_path"])
        assert first.http.delete("sessions/" + closed["session_id"]).status_code == 200
        assert "earlier" not in session_fault(first, closed["session_id"])["message"]
        assert stat.S_IMODE(first.own_file("sessions").stat().st_mode) == 0o600
        first.process.kill()
        first.process.wait(LIMIT)
    first.connection_file.unlink()
    Path(gone["notebook_path"]).unlink()
    with node_server(tmp_path) as second:
        lost = session_fault(second, kept["session_id"])
        assert lost["message"] == (
            f"session {kept['session_id']} (notebooks/kept.ipynb) belonged to an earlier run of this server,"
            " whose kernels are gone; its notebook is kept"
        )
        assert lost["data"]["notebook_path"] == kept["notebook_path"]
        vanished = session_fault(second, gone["session_id"])
        assert vanished["message"].endswith(
            "belonged to an earlier run of this server, and its notebook is gone too"
        )
        assert "notebook_path" not in vanished["data"]
        for other in (closed["session_id"], "00000000"):
            assert session_fault(second, other)["message"] == f"there is no session {other}"
        new = second.new_session("new", session_id="0badcafe")
    with node_server(tmp_path) as third:
        for session in (kept, new):
            assert (
                session_fault(third, session["session_id"])["data"]["notebook_path"]
                == session["notebook_path"]
            )
        reopened = third.post(
            "sessions", name="kept", mode="resume", notebook_path="kept.ipynb", session_id=kept["session_id"]
        )
        assert reopened.status_code == 201
        assert third.get("sessions/" + kept["session_id"]).status_code == 200


def test_a_broken_list_of_earlier_sessions_is_none(tmp_path: Path) -> None:
    (tmp_path / "connections").mkdir()
    (tmp_path / "connections" / "test.sessions.json").write_text('{"sessions": {"abcd": 3}}')
    with node_server(tmp_path) as server:
        assert session_fault(server, "abcd")["message"] == "there is no session abcd"
        server.new_session("fine")
        assert len(json.loads(server.own_file("sessions").read_text())["sessions"]) == 1
