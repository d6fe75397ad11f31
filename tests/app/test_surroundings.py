"""What a server takes from where it is started, and what it keeps to itself."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.agent import agent
from tests.commands import LIMIT, finish, record_of, run, spawn, until
from tests.conftest import Project, make_project
from tests.interpreters import make_installed

pytestmark = pytest.mark.live
NOBODY = 65534


async def test_a_kernel_gets_the_users_environment_and_nothing_of_ours_or_the_token(
    bare_project: Project,
) -> None:
    theirs = {"MY_DATA": "/data/ö", "JUPYTER_TOKEN": "chosen by the user"}
    ours = {"JLAB_MCP_SERVER_STOP_TIMEOUT": "9", "JLAB_MCP_PORT_MIN": "18000"}
    started = run(bare_project, "start", "-d", **theirs, **ours)
    assert started.returncode == 0, started.stderr
    code = "import json, os, sys; print(json.dumps([dict(os.environ), sys.path, sys.argv]))"
    async with agent(bare_project) as me:  # which itself sees to it that no answer has the token
        session_id = await me.open()
        said = (await me.ok("execute_code", session_id=session_id, code=code))["text"].splitlines()[0]
        await me.ok("ping")
        await me.ok("execute_scratch", code="1")
        environment, path, argv = json.loads(said)
        token = json.loads(bare_project.connection_file.read_text())["token"]
        record = record_of(bare_project)
        assert record
        lines = [shown for process in psutil.process_iter() if (shown := command_line(process))]
        below = psutil.Process(record.pid).children()
        with socket.create_connection(("127.0.0.1", port_of(started.stdout)), 10) as open_port:
            open_port.sendall(
                b"GET /jlab-mcp/v1/info HTTP/1.0\r\nAuthorization: token chosen by the user\r\n\r\n"
            )
            refused = open_port.recv(100)
    assert environment["MY_DATA"] == "/data/ö"
    assert not [name for name in environment if "JLAB_MCP" in name or name in {"JUPYTER_TOKEN", "PYTHONPATH"}]
    assert token not in said
    assert not [entry for entry in [*path, *argv] if "jlab_mcp_node" in entry or "jlab-mcp/node" in entry]
    assert below, "a kernel runs"
    assert any("jlab_mcp_node" in line for line in lines), "the launcher is among the command lines"
    assert not [line for line in lines if token in line]
    assert token not in record.log_file.read_text()
    assert b" 401 " in refused or b" 403 " in refused
    folders = [bare_project.folder, Path(bare_project.env["JLAB_MCP_DIR"])]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if token.encode() in path.read_bytes()] == [bare_project.connection_file]


def command_line(process: psutil.Process) -> str:
    """Return a process's command line; nothing where it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def port_of(address: str) -> int:
    return int(address.strip().rstrip("/").rpartition(":")[2])


def test_it_listens_on_the_address_it_was_told_and_on_no_other(bare_project: Project) -> None:
    started = run(bare_project, "start", "-d", JLAB_MCP_LOCAL_BIND_IP="127.0.0.2")
    assert started.returncode == 0, started.stderr
    assert started.stdout.startswith("http://127.0.0.2:")
    assert run(bare_project, "status").returncode == 0
    record = record_of(bare_project)
    assert record
    # Not its children: each kernel of ipykernel's listens on the loopback interface for what its own forks print.
    links = psutil.Process(record.pid).net_connections("inet")
    heard = {link.laddr for link in links if link.status == psutil.CONN_LISTEN}
    assert heard == {("127.0.0.2", port_of(started.stdout))}


def test_each_profile_of_a_project_has_a_server_of_its_own(bare_project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "config/jlab-mcp/profiles"
    folder.mkdir(parents=True)
    (folder / "second.toml").write_text('version = 1\nmode = "local"\n')
    both = [
        run(bare_project, "start", "-d", *named, XDG_CONFIG_HOME=str(tmp_path / "config"))
        for named in ((), ("--profile", "second"))
    ]
    try:
        assert [each.returncode for each in both] == [0, 0], both
        assert both[0].stdout != both[1].stdout
    finally:
        stopped = run(bare_project, "stop", "--profile", "second", XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert stopped.returncode == 0, stopped.stderr
    assert run(bare_project, "status").returncode == 0


@pytest.fixture
def users_project() -> Iterator[Project]:
    """A project of an ordinary user: of `nobody` where the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="jlab-mcp-user-"))  # where that user can get at it
    try:
        project = make_project(folder)
        home = folder / "home"
        home.mkdir()
        if not os.geteuid():
            for path in (folder, project.folder, home):
                os.chown(path, NOBODY, NOBODY)
        yield Project(project.folder, {**project.env, "HOME": str(home)})
        asyncio.run(project.stop())
    finally:
        shutil.rmtree(folder)


def as_user(project: Project, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as an ordinary user."""
    drop = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run(
        [*drop, "env", *command],  # `env`, because setpriv itself may still execute what the user may not
        cwd=project.folder,
        env=project.env,
        capture_output=True,
        text=True,
        timeout=2 * LIMIT,
        check=False,
    )


def users_python(project: Project) -> str:
    """Find a Python that an ordinary user may run, or skip the test."""
    names = [f"python3.{minor}" for minor in range(11, 15)]
    found = [str(Path(sys.executable).resolve()), *(shutil.which(name, path=os.defpath) for name in names)]
    for python in filter(None, found):
        if not as_user(project, python, "-c", "import venv").returncode:
            return python
    pytest.skip("no Python 3.11 or newer on this machine may be run by an ordinary user")


def test_an_ordinary_user_runs_the_demo_of_the_installed_package(users_project: Project) -> None:
    venv = make_installed(users_project.folder.parent / "venv", users_python(users_project))
    command = str(venv / "bin/jlab-mcp")
    done = as_user(users_project, command, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    notebook = users_project.notebooks / "demo.ipynb"
    assert str(notebook) in done.stdout.splitlines()
    assert notebook.stat().st_uid == (os.geteuid() or NOBODY)
    nbformat.validate(nbformat.read(notebook, as_version=4))
    assert "no server is running" in as_user(users_project, command, "status").stdout


async def test_a_server_that_is_starting_is_told_as_that_and_waited_for(
    bare_project: Project, tmp_path: Path
) -> None:
    # The user's own configuration file holds the start up for as long as the test wants.
    looked, go = tmp_path / "looked", tmp_path / "go"
    config = tmp_path / "jupyter"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(
        f"import pathlib, time\npathlib.Path({str(looked)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    )
    starting = spawn(bare_project, "start", "-d", JUPYTER_CONFIG_DIR=str(config))
    until(looked.exists, "look at the configuration")
    record = record_of(bare_project)
    assert record
    told = run(bare_project, "status", "--json")
    assert (told.returncode, json.loads(told.stdout)["state"]) == (5, "starting")
    waited = run(bare_project, "wait", JLAB_MCP_SERVER_READY_TIMEOUT="0.2")
    assert (waited.returncode, waited.stdout, "hint: " in waited.stderr) == (5, "", True), waited.stderr
    again = spawn(bare_project, "start", "-d")
    assert again.stderr
    assert "2 settings come from the environment" in again.stderr.readline()
    assert "is being started already" in again.stderr.readline()
    async with agent(bare_project) as me:
        assert (await me.ok("ping"))["state"] == "starting"
        assert "`wait_for_server`" in await me.refused("list_sessions")
        waiting = asyncio.create_task(me.ok("wait_for_server"))
        go.touch()
        assert (await waiting)["state"] == "ready"
    first, second = finish(starting), finish(again)
    assert (first[0], second[0], first[1]) == (0, 0, second[1]), (first, second)
    assert record_of(bare_project) == record
