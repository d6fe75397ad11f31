"""A spare kernel: nobody waits for its start, and nobody can tell it from a fresh one."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.node.server import LIMIT, NodeServer, node_server

pytestmark = pytest.mark.live
_SEEN = """
import json, os
from ipykernel.connect import get_connection_file
shell = get_ipython()
seen = {"folder": os.getcwd(), "went": [str(each) for each in _dh], "kinds": [type(each).__name__ for each in _dh],
    "session": [globals().get("__session__"), os.environ.get("JPY_SESSION_NAME")], "count": shell.execution_count,
    "history": [In[:-1], list(_ih[:-1]), _i, _, Out], "start": shell.starting_dir,
    "names": sorted(set(globals()) - {"json", "os", "get_connection_file", "shell"}),
    "env": sorted(os.environ), "file": json.load(open(get_connection_file())).get("jupyter_session")}
print(json.dumps(seen, default=str))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    folder = tmp_path_factory.mktemp("spare")
    specs = folder / "data" / "kernels" / "python3"
    specs.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (specs / "kernel.json").write_text(json.dumps(spec))
    env = {**os.environ, "JUPYTER_PATH": str(folder / "data"), "IPYTHONDIR": str(folder / "ipython")}
    with node_server(folder / "server", env=env, spare_kernels=1) as running:
        yield running


def until(server: NodeServer, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline, server.log.read_text()
        time.sleep(0.05)  # asking on and on would slow the start of the kernel that is waited for


def children(server: NodeServer) -> set[int]:
    """Processes of kernels, whether the server lists them or not."""
    found = psutil.Process(server.process.pid).children(recursive=True)
    return {each.pid for each in found if "ipykernel_launcher" in " ".join(each.cmdline())}


def spare(server: NodeServer) -> int:
    """The process of the spare kernel, once it is ready."""
    until(server, lambda: server.get("info").json()["spare_kernels"] == 1)
    used = {session["kernel_pid"] for session in server.get("sessions").json()["sessions"]}
    (pid,) = children(server) - used
    return pid


def scratch(server: NodeServer, code: str) -> dict[str, Any]:
    answer: dict[str, Any] = server.post(
        "scratch", execution_id=os.urandom(8).hex(), code=code, wait=60
    ).json()
    assert answer["state"] == "ok", answer
    return answer


def printed(execution: dict[str, Any]) -> Any:
    return json.loads(execution["outputs"][0]["text"])


def test_a_session_gets_the_spare_which_is_as_a_fresh_kernel_to_its_user_and_is_replaced(
    server: NodeServer,
) -> None:
    waiting = spare(server)
    before = server.get("info").json()
    assert (before["kernels"], before["sessions"]) == (0, 0)
    assert before["idle_s"] > 0.9  # it was made after a second of quiet, and that was no activity
    assert server.kernels() == []
    session = server.new_session("deep/first")
    assert session["kernel_pid"] == waiting
    (listed,) = server.http.get(server.connection["url"] + "api/sessions").json()
    assert (listed["path"], listed["kernel"]["id"]) == ("notebooks/deep/first.ipynb", session["kernel_id"])
    ran = server.run(session["session_id"], code=_SEEN)
    assert ran["execution_count"] == 1
    given = printed(ran)
    assert given["folder"] == str(server.notebooks / "deep")
    assert given["session"] == [session["notebook_path"]] * 2
    # A kernel that is restarted is started anew, and must be told the same.
    server.post(f"sessions/{session['session_id']}/restart")
    assert printed(server.run(session["session_id"], code=_SEEN)) == given
    assert spare(server) not in {waiting, server.get("sessions").json()["sessions"][0]["kernel_pid"]}


def test_scratch_code_gets_the_spare_in_the_notebooks_folder_and_without_a_notebook(
    server: NodeServer,
) -> None:
    waiting = spare(server)
    code = (
        "import json, os\nprint(json.dumps([os.getpid(), os.getcwd(), os.environ.get('JPY_SESSION_NAME')]))"
    )
    ran = scratch(server, code)
    assert ran["execution_count"] == 1
    assert printed(ran) == [waiting, str(server.notebooks), None]
    assert not psutil.pid_exists(waiting) or spare(server) != waiting
    assert printed(scratch(server, "print('__session__' in globals() and 1 or 0)")) == 0


def test_of_two_sessions_at_once_one_gets_the_spare(server: NodeServer) -> None:
    waiting = spare(server)
    with ThreadPoolExecutor(2) as pool:
        pids = [each["kernel_pid"] for each in pool.map(server.new_session, ["one", "other"])]
    assert len(set(pids)) == 2
    assert waiting in pids


def test_a_session_opened_while_the_spare_is_made_gets_that_one_and_another_is_made(
    server: NodeServer,
) -> None:
    waiting, used = spare(server), children(server)
    server.new_session("uses it up")
    until(server, lambda: len(children(server)) > len(used))
    (made,) = children(server) - used
    assert server.new_session("in time")["kernel_pid"] == made
    assert spare(server) not in {waiting, made}


def test_a_spare_that_died_is_not_handed_out_and_is_replaced(server: NodeServer) -> None:
    waiting = spare(server)
    os.kill(waiting, signal.SIGKILL)
    session = server.new_session("after a death")
    assert session["kernel_pid"] != waiting
    assert server.run(session["session_id"], code="1 + 1")["state"] == "ok"
    assert spare(server) != waiting


def test_a_spare_is_not_handed_out_once_its_kernel_spec_or_packages_changed(server: NodeServer) -> None:
    waiting, new = spare(server), os.urandom(4).hex()  # in a second try, too
    file = server.notebooks.parents[2] / "data" / "kernels" / "python3" / "kernel.json"
    spec = json.loads(file.read_text())
    file.write_text(json.dumps({**spec, "env": {"ADDED": new}}))
    session = server.new_session("changed")
    ran = server.run(session["session_id"], code="import os; os.environ['ADDED']")
    assert ran["outputs"][0]["data"]["text/plain"] == repr(new)
    assert not psutil.pid_exists(waiting)
    waiting = spare(server)
    startup = server.notebooks.parents[2] / "ipython" / "profile_default" / "startup"
    (startup / f"{new}.txt").write_text("a change of what a kernel reads at its start")
    assert server.new_session("changed")["kernel_pid"] != waiting


def test_the_spare_ends_with_the_server(tmp_path: Path) -> None:
    with node_server(tmp_path, spare_kernels=1) as server:
        waiting = spare(server)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert not psutil.pid_exists(waiting)


def test_a_kernel_that_runs_code_of_the_user_at_its_start_is_never_spare(tmp_path: Path) -> None:
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("mine = 1")
    env = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")}
    with node_server(tmp_path, env=env, spare_kernels=1) as server:
        until(server, lambda: "no spare kernel is kept" in server.log.read_text())
        assert "runs more than ipykernel at its start: ['mine.py']" in server.log.read_text()
        assert (server.get("info").json()["spare_kernels"], children(server)) == (0, set())
        session = server.new_session("own")["session_id"]
        assert server.run(session, code="mine")["outputs"][0]["data"]["text/plain"] == "1"


def test_without_the_setting_none_is_kept(node: NodeServer) -> None:
    session = node.new_session("none to spare")
    assert node.run(session["session_id"], code="import time; time.sleep(2)")["state"] == "ok"
    used = {each["kernel_pid"] for each in node.get("sessions").json()["sessions"]}
    assert session["kernel_pid"] in used
    assert children(node) == used
