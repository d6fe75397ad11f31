"""A server that nobody uses says so, and ends by itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.node.server import LIMIT, node_server

pytestmark = pytest.mark.live


def test_a_server_whose_cell_outlasts_the_timeout_ends_only_when_nothing_runs(tmp_path: Path) -> None:
    with node_server(tmp_path, arguments=("--idle-timeout", "3")) as server:
        session = server.new_session("long")["session_id"]
        # Alive when this is answered, and idle for less than the timeout since.
        first = server.run(session, wait=0, code="import time; time.sleep(4)")["execution_id"]
        queued = server.run(session, wait=0, code="time.sleep(4); 'done'")["execution_id"]
        info = server.get("info").json()
        assert (info["idle_s"], info["idle_timeout"], info["idle_ends_in_s"]) == (0, 3, 3)
        assert server.execution(queued, wait=60)["state"] == "ok"
        assert server.execution(first)["state"] == "ok"
        note = server.end_note()
        assert (note["cause"], note["signal"]) == ("idle", None)
        assert [(each["running"], each["saved"]) for each in note["sessions"]] == [(None, True)]
        assert server.process.returncode == 0
        assert not server.connection_file.exists()
        assert "no cell has run for 3 s (server.idle_timeout)" in server.log.read_text()


def test_a_persons_cell_in_jupyterlab_keeps_the_server_up(tmp_path: Path) -> None:
    with node_server(tmp_path, arguments=("--idle-timeout", "10")) as server:
        token, url = server.connection["token"], server.connection["url"]
        kernel = server.http.post(url + "api/kernels", json={}).json()["id"]
        channels = f"{url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?session_id=lab&token={token}"
        header = {"msg_id": "long", "msg_type": "execute_request", "session": "lab", "username": "me"}
        content = {"code": "import time; time.sleep(13)", "silent": False, "allow_stdin": False}
        request = {"channel": "shell", "header": {**header, "version": "5.3"}, "content": content}
        with connect(channels, open_timeout=LIMIT, max_size=None) as socket:
            socket.send(json.dumps({**request, "parent_header": {}, "metadata": {}}))
            while True:
                message = json.loads(socket.recv(LIMIT))
                if message["header"]["msg_type"] == "execute_reply":
                    break
        assert message["content"]["status"] == "ok"
        assert server.end_note()["cause"] == "idle"


def test_the_end_is_told_of_before_once_in_each_session_and_is_off_when_a_cell_runs(tmp_path: Path) -> None:
    with node_server(tmp_path, arguments=("--idle-timeout", "20")) as server:
        one, other = (f"sessions/{server.new_session(name)['session_id']}" for name in ("one", "other"))
        while not (notice := server.get(one).json()["notice"]):
            assert server.process.poll() is None
        assert notice.startswith("the server ends in ")
        assert notice.endswith(" s unless a cell runs (server.idle_timeout)")
        text = {"op": "insert", "cell_type": "markdown", "source": "x"}
        assert "unless a cell runs" in server.post(f"{one}/cells", **text).json()["notice"]
        assert server.post(f"{one}/cells", **text).json()["notice"] is None
        assert "unless a cell runs" in server.get(other).json()["notice"]
        before = server.get("info").json()
        assert before["idle_ends_in_s"] <= 10
        assert before["idle_s"] >= 10
        ran = server.run(one.partition("/")[2], code="1")
        assert (ran["state"], ran["notice"]) == ("ok", None)
        assert server.get(other).json()["notice"] is None
        assert server.get("info").json()["idle_ends_in_s"] > before["idle_ends_in_s"]
        assert "unless a cell runs" in server.log.read_text()


def test_without_a_timeout_a_server_says_only_how_long_nothing_ran(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        info = server.get("info").json()
        assert (info["idle_timeout"], info["idle_ends_in_s"], info["restarts"]) == (None, None, 0)
        while server.get("info").json()["idle_s"] <= info["idle_s"]:
            assert server.process.poll() is None
        scratch = server.post("scratch", execution_id=os.urandom(8).hex(), code="input", wait=0)
        assert scratch.status_code == 200
        assert server.get("info").json()["idle_s"] == 0
