"""A real JupyterLab with the node service, started by its launcher as a runner would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests import second_try

NODE = Path(__file__).parents[2] / "jlab_mcp" / "node"
LIMIT = 120.0  # seconds that a slow machine may take to bring JupyterLab up


@dataclass
class NodeServer:
    """A running server and a client of its API."""

    process: subprocess.Popen[bytes]
    connection: dict[str, Any]
    connection_file: Path
    notebooks: Path
    log: Path
    http: httpx.Client

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.http.post(path, json=body)

    def new_session(self, name: str, **body: Any) -> dict[str, Any]:
        answer = self.post("sessions", name=name, mode="new", **body)
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()["session"]
        return session

    def run(
        self, session_id: str, wait: float = 60, execution_id: str | None = None, **body: Any
    ) -> dict[str, Any]:
        execution_id = execution_id or os.urandom(8).hex()
        answer = self.post(f"sessions/{session_id}/executions", execution_id=execution_id, wait=wait, **body)
        assert answer.status_code == 200, answer.text
        execution: dict[str, Any] = answer.json()
        return execution

    def execution(self, execution_id: str, **params: Any) -> dict[str, Any]:
        answer = self.get(f"executions/{execution_id}", **params)
        assert answer.status_code == 200, answer.text
        execution: dict[str, Any] = answer.json()
        return execution

    def cells(self, session_id: str) -> list[dict[str, Any]]:
        cells: list[dict[str, Any]] = self.get(f"sessions/{session_id}/cells", limit=1000).json()["cells"]
        return cells

    def close_sessions(self, notebooks: set[Path]) -> None:
        """Close the sessions of some notebooks."""
        for session in self.get("sessions").json()["sessions"]:
            if Path(session["notebook_path"]) in notebooks:
                self.http.delete(f"sessions/{session['session_id']}")

    def kernels(self) -> list[dict[str, Any]]:
        """The kernels as JupyterLab lists them; while one is being started it may fail to, and is asked again."""
        deadline = time.monotonic() + LIMIT
        while (answer := self.http.get(self.connection["url"] + "api/kernels")).status_code == 500:
            assert time.monotonic() < deadline, answer.text
        kernels: list[dict[str, Any]] = answer.json()
        return kernels

    def own_file(self, kind: str) -> Path:
        """One of the files beside the connection file."""
        return self.connection_file.with_name(f"test.{kind}.json")

    def end_note(self) -> dict[str, Any]:
        """Why the server ended, as it noted it, once its process has gone."""
        self.process.wait(LIMIT)
        note: dict[str, Any] = json.loads(self.own_file("end").read_text())
        assert (note["version"], note["server_id"]) == (1, "0123456789abcdef")
        return note

    def begin(self, session_id: str, code: str) -> str:
        """Run code, and return its execution's id once it has printed something."""
        execution_id = str(self.run(session_id, wait=0, code=code)["execution_id"])
        seq = 0
        while not (shown := self.execution(execution_id, after=seq, wait=5))["outputs"]:
            seq = shown["seq"]
        return execution_id

    def saved(self, path: str) -> dict[str, Any]:
        """The notebook as the file has it, once nothing waits to be saved (at most 30 s)."""
        deadline = time.monotonic() + 30
        session = next(s for s in self.get("sessions").json()["sessions"] if s["notebook_path"] == path)
        while True:
            notebook: dict[str, Any] = json.loads(Path(path).read_text())
            if self._same(notebook, session["session_id"]) or time.monotonic() > deadline:
                return notebook
            self.get("info")  # a turn of the server's loop

    def saved_again(self, path: Path) -> dict[str, Any]:
        """The notebook of a file that is to appear anew (at most 30 s)."""
        deadline = time.monotonic() + 30
        while not path.exists():
            assert time.monotonic() < deadline
            self.get("info")
        return self.saved(str(path))

    def _same(self, notebook: dict[str, Any], session_id: str) -> bool:
        shown = [(c["source"], c["execution_count"], len(c["outputs"])) for c in self.cells(session_id)]
        stored = [
            ("".join(c["source"]), c.get("execution_count"), len(c.get("outputs", [])))
            for c in notebook["cells"]
        ]
        return shown == stored


def copy_node(folder: Path) -> Path:
    """Copy the node code as runners do; returns the launcher."""
    target = folder / "jlab_mcp_node"
    if not target.exists():
        shutil.copytree(NODE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target / "launch.py"


@contextmanager
def node_server(
    folder: Path,
    *,
    python: str = sys.executable,
    ports: tuple[int, int] = (18000, 19000),
    ip: str = "127.0.0.1",
    interface: str | None = None,
    env: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    spare_kernels: int = 0,
) -> Iterator[NodeServer]:
    """Run a server in `folder`; it is ended when the context is left."""
    project = folder / "project"
    notebooks = project / "notebooks"
    project.mkdir(parents=True, exist_ok=True)
    connection_file = folder / "connections" / "test.connection.json"
    log = folder / "server.log"
    command = [
        python, str(copy_node(folder)), "--connection-file", str(connection_file), "--root-dir", str(project),
        "--notebook-dir", str(notebooks), "--port-min", str(ports[0]), "--port-max", str(ports[1]), "--profile", "local",
        "--server-id", "0123456789abcdef", "--spare-kernels", str(spare_kernels), *(["--interface", interface] if interface else ["--ip", ip]),
        *arguments,
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=project, stdout=output, stderr=output, env=env, start_new_session=True
        )
    try:
        connection = wait_for_connection(process, connection_file, log)
        headers = {"Authorization": f"token {connection['token']}"}
        base = connection["url"] + "jlab-mcp/v1/"
        with httpx.Client(base_url=base, headers=headers, timeout=120, trust_env=False) as http:
            server = NodeServer(process, connection, connection_file, notebooks, log, http)
            second_try.SHARED[project] = server.close_sessions
            yield server
    finally:
        second_try.SHARED.pop(project, None)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def wait_for_connection(process: subprocess.Popen[bytes], path: Path, log: Path) -> dict[str, Any]:
    """Wait for the connection file, or fail with the log when the process has ended."""
    deadline = time.monotonic() + LIMIT
    while not path.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
    connection: dict[str, Any] = json.loads(path.read_text())
    return connection
