"""Kernels that no session has, a person's or those a server left; and the end of kernels, seen by their processes."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jlab_mcp.runners.processes import started_at
from tests.commands import until
from tests.node.server import LIMIT, NodeServer, node_server

pytestmark = pytest.mark.live


def persons_kernel(node: NodeServer, name: str) -> tuple[Path, dict[str, Any]]:
    """Open a notebook with a kernel as JupyterLab does for a person; returns its path and the kernel."""
    node.notebooks.mkdir(parents=True, exist_ok=True)
    path = node.notebooks / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("ran_again = True")]), path)
    body = {
        "path": f"notebooks/{name}.ipynb",
        "name": path.name,
        "type": "notebook",
        "kernel": {"name": "python3"},
    }
    made = node.http.post(node.connection["url"] + "api/sessions", json=body).json()
    return path, made["kernel"]


def others(node: NodeServer) -> dict[str, dict[str, Any]]:
    return {each["kernel_id"]: each for each in node.get("sessions").json()["others"]}


def test_a_persons_kernel_is_listed_and_taken_up_as_it_is_even_by_another_path(node: NodeServer) -> None:
    path, kernel = persons_kernel(node, "of a person")
    listed = others(node)[kernel["id"]]
    assert (listed["kernel_name"], listed["notebook_path"]) == ("python3", str(path))
    assert listed["last_activity"] > time.time() - 600
    link = path.with_name("linked.ipynb")
    link.symlink_to(path.name)
    opened = node.post("sessions", name="p", mode="resume", notebook_path=link.name).json()
    assert (opened["attached"], opened["already_open"], opened["executions"]) == (True, False, [])
    session = opened["session"]
    assert session["kernel_id"] == kernel["id"]
    assert kernel["id"] not in others(node)
    first = node.run(session["session_id"], code="'ran_again' in globals()")
    assert first["outputs"][0]["data"]["text/plain"] == "False"
    again = node.post("sessions", name="p", mode="resume", notebook_path=path.name).json()
    assert (again["already_open"], again["session"]["session_id"]) == (True, session["session_id"])
    assert node.http.delete("sessions/" + session["session_id"]).json()["processes"] == []


def test_a_persons_kernel_that_is_at_work_is_taken_up_and_runs_what_comes_next(
    node: NodeServer, tmp_path: Path
) -> None:
    path, kernel = persons_kernel(node, "busy")
    go, busy = tmp_path / "go", tmp_path / "busy"
    url = node.connection["url"] + f"api/kernels/{kernel['id']}"
    code = f"import os, time\nopen({str(busy)!r}, 'w')\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nx = 7"
    run_as_a_person(node, kernel["id"], code)
    until(busy.exists, "the person's code")
    opened = node.post("sessions", name="b", mode="resume", notebook_path=path.name).json()
    assert opened["attached"] is True
    assert node.get("sessions/" + opened["session"]["session_id"]).json()["kernel_state"] == "busy"
    queued = node.run(opened["session"]["session_id"], wait=0, code="x")
    go.touch()
    ended = node.execution(queued["execution_id"], wait=60)
    assert ended["outputs"][0]["data"]["text/plain"] == "7"
    assert node.http.get(url).json()["id"] == kernel["id"]
    node.http.delete("sessions/" + opened["session"]["session_id"])


def run_as_a_person(node: NodeServer, kernel_id: str, code: str) -> None:
    """Run code over the kernel's websocket, as JupyterLab does."""
    from websockets.sync.client import connect

    url = f"{node.connection['url'].replace('http', 'ws')}api/kernels/{kernel_id}/channels"
    headers = {"Authorization": f"token {node.connection['token']}"}
    header = {"msg_id": "m1", "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "allow_stdin": False,
        "user_expressions": {},
    }
    with connect(url, additional_headers=headers, proxy=None) as socket:
        body = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        socket.send(json.dumps({**body, "buffers": []}))
        while json.loads(socket.recv(timeout=LIMIT))["header"]["msg_type"] != "execute_input":
            pass


HOLDS_ON = """
import os, signal, subprocess, sys, threading, time
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); "
    "held = bytearray(50_000_000); print('held', flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
child.stdout.readline()
own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(os.getpid(), child.pid, own.pid, flush=True)
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass
"""


def test_a_session_is_ended_when_its_kernel_and_what_that_had_started_are_gone(node: NodeServer) -> None:
    session = node.new_session("holds-on")
    execution = node.begin(session["session_id"], HOLDS_ON)
    kernel, child, own = map(int, node.execution(execution)["outputs"][0]["text"].split())
    try:
        closed = node.http.delete("sessions/" + session["session_id"]).json()
        assert [started_at(pid) for pid in (kernel, child)] == [None, None]
        assert (closed["processes"], closed["detached"]) == ([], [own])
        assert started_at(own) is not None
    finally:
        os.kill(own, signal.SIGKILL)


def test_a_kernel_that_a_killed_server_has_left_is_listed_and_ended_on_request(tmp_path: Path) -> None:
    with node_server(tmp_path) as first:
        session = first.new_session("left")
        # A thread of ipykernel watches for the end of its parent; other kernels have none.
        unwatched = (
            "import os, ipykernel.parentpoller as poller\nparent = os.getppid()\n"
            "poller.os = type('Os', (), {'getppid': staticmethod(lambda: parent)})\n"
        )
        execution = first.begin(session["session_id"], unwatched + HOLDS_ON)
        kernel, child, own = map(int, first.execution(execution)["outputs"][0]["text"].split())
        assert all(each["pid"] != kernel for each in first.get("sessions").json()["left"])
        first.process.kill()
        first.process.wait(LIMIT)
        first.connection_file.unlink()
    try:
        with node_server(tmp_path) as second:
            (left,) = [each for each in second.get("sessions").json()["left"] if each["pid"] == kernel]
            assert left["notebook_path"] == session["notebook_path"]
            assert (left["processes"], left["age_s"] > 0) == (2, True)
            assert left["rss"] > 100_000_000
            assert second.get("sessions/" + left["left_id"]).json()["kernel_state"] == "left"
            ended = second.http.delete("sessions/" + left["left_id"])
            assert (ended.status_code, ended.json()["processes"]) == (200, [])
            assert [started_at(pid) for pid in (kernel, child)] == [None, None]
            assert all(each["pid"] != kernel for each in second.get("sessions").json()["left"])
            assert second.http.delete("sessions/" + left["left_id"]).status_code == 404
    finally:
        for pid in (kernel, child, own):
            if started_at(pid) is not None:
                os.kill(pid, signal.SIGKILL)
