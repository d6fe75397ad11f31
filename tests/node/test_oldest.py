"""The node service in the oldest environment that it supports."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp import __version__
from tests.interpreters import OLDEST, find_python, make_lab_environment

from .server import node_server

pytestmark = pytest.mark.live


def test_python_39_with_the_first_jupyterlab_4_runs_cells_and_survives_a_dead_kernel(tmp_path: Path) -> None:
    venv = make_lab_environment(tmp_path / "venv", find_python("3.9"), OLDEST)
    with node_server(tmp_path / "server", python=str(venv / "bin/python")) as server:
        info = server.get("info").json()
        assert (info["jupyterlab"], info["jupyter_server"], info["python"][:4]) == ("4.0.0", "2.4.0", "3.9.")
        assert info["node_version"] == __version__
        session = server.new_session("oldest")["session_id"]
        assert server.run(session, code="6 * 7")["outputs"][0]["data"]["text/plain"] == "42"
        assert server.run(session, code="import os; os._exit(3)")["state"] == "kernel_died"
        assert "all variables and imports are gone" in server.run(session, code="1")["notice"]
        listed = server.kernels()
        assert [kernel["execution_state"] for kernel in listed] == ["idle"]
