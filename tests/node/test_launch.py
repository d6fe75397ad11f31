"""The launcher, against a real JupyterLab."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from .server import LIMIT, copy_node, node_server

pytestmark = pytest.mark.live


@contextmanager
def two_free_ports() -> Iterator[tuple[socket.socket, int]]:
    """Find two free ports in a row; the socket, not bound yet, is for the first."""
    for low in range(18_700, 18_900, 2):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", low))
                second.bind(("127.0.0.1", low + 1))
            except OSError:
                continue
        with socket.socket() as unbound:
            unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            yield unbound, low
            return
    pytest.fail("no two free ports in a row from 18700 to 18899")


def test_a_port_that_is_taken_after_it_was_found_free_means_the_next_one(tmp_path: Path) -> None:
    # JupyterLab reads the user's configuration after the launcher has looked for a port and before the
    # server binds it: there the test takes the port away.
    looked, taken, config = tmp_path / "looked", tmp_path / "taken", tmp_path / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(
        f"import os, pathlib, time\n"
        f"with open({str(looked)!r}, 'a') as file: print(os.getpid(), file=file)\n"
        f"while not pathlib.Path({str(taken)!r}).exists(): time.sleep(0.01)\n"
    )

    def take(thief: socket.socket, port: int) -> None:
        deadline = time.monotonic() + LIMIT
        while not looked.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        thief.bind(("127.0.0.1", port))
        thief.listen()
        taken.touch()

    runtime = tmp_path / "r"
    runtime.mkdir()
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(config)}
    with two_free_ports() as (thief, low), ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take, thief, low)
        with node_server(tmp_path, ports=(low, low + 1), env=env) as server:
            taking.result()
            assert server.connection["port"] == low + 1
            # The same process, started anew.
            assert looked.read_text().split() == [str(server.process.pid)] * 2
            session = server.new_session("moved")
            outputs = server.run(session["session_id"], code="6 * 7")["outputs"]
            assert outputs[0]["data"]["text/plain"] == "42"
        assert not server.connection_file.exists()


def test_a_long_runtime_folder_of_the_user_is_passed_over_for_a_short_one(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir(mode=0o700)
    with node_server(tmp_path / "s", env={**os.environ, "XDG_RUNTIME_DIR": str(long)}) as server:
        session = server.new_session("short")
        code = "import ipykernel.connect as c; print(c.get_connection_file())"
        outputs = server.run(session["session_id"], code=code)["outputs"]
    assert outputs[0]["text"].startswith("/tmp/jlab-mcp-run-")
    assert list(long.iterdir()) == []


def test_a_server_listens_on_the_address_of_its_interface(tmp_path: Path) -> None:
    with node_server(tmp_path, interface="lo") as server:
        assert server.connection["ip"] == "127.0.0.1"
        assert server.connection["url"].startswith("http://127.0.0.1:")
        assert server.get("info").status_code == 200


def test_an_interface_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    launcher = copy_node(tmp_path)
    ports = ["--port-min", "18000", "--port-max", "19000", "--profile", "local"]
    folders = ["--root-dir", str(tmp_path), "--notebook-dir", str(tmp_path)]
    told = subprocess.run(
        [
            sys.executable,
            launcher,
            "--connection-file",
            tmp_path / "c.json",
            "--interface=ib7",
            *ports,
            *folders,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout) == (5, "")
    assert told.stderr.startswith("jlab-mcp: the network interface ib7 is not there; ")
    assert "lo (127.0.0.1)" in told.stderr
    assert not (tmp_path / "c.json").exists()
