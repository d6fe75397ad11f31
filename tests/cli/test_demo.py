"""The demo command, as a person runs it."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.conftest import Project

pytestmark = pytest.mark.live


def run_demo(project: Project, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "jlab_mcp", "demo"],
        cwd=project.folder,
        env=env or project.env,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_it_leaves_an_executed_notebook_and_stops_what_it_started(bare_project: Project):
    done = run_demo(bare_project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    path = bare_project.notebooks / "demo.ipynb"
    assert str(path) in done.stdout.splitlines()
    for seen in ("42", "[picture 5", "ZeroDivisionError", "Everything worked."):
        assert seen in done.stdout
    nbformat.validate(nbformat.read(path, as_version=4))
    assert not list((Path(bare_project.env["JLAB_MCP_DIR"]) / "connections").glob("*.record.json"))


def test_on_a_cluster_it_runs_on_the_machine_at_hand(bare_project: Project):
    folder = bare_project.folder.parent / "commands"
    folder.mkdir()
    (folder / "sbatch").write_text("#!/bin/sh\nexit 1\n")  # there, as on a login node; never to be called
    (folder / "sbatch").chmod(0o700)
    env = {key: value for key, value in bare_project.env.items() if key != "JLAB_MCP_RUN_MODE"}
    done = run_demo(bare_project, {**env, "PATH": f"{folder}:{env['PATH']}"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the demo runs here" in done.stdout
    assert "Everything worked." in done.stdout


def test_a_running_server_is_used_and_left_running(live_project: Project):
    done = run_demo(live_project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "leaves it running" in done.stdout
    again = subprocess.run(
        [sys.executable, "-m", "jlab_mcp", "status"],
        cwd=live_project.folder,
        env=live_project.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 0, again.stderr


def test_a_missing_library_is_named_with_the_command_that_mends_it(bare_project: Project):
    blocked = bare_project.folder / "matplotlib.py"
    blocked.write_text("raise ModuleNotFoundError('no matplotlib here', name='matplotlib')\n")
    bare_project.notebooks.mkdir()
    blocked.rename(bare_project.notebooks / "matplotlib.py")
    done = run_demo(bare_project)
    assert done.returncode == 1
    assert "has no matplotlib" in done.stderr
    assert "-m pip install matplotlib" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((Path(bare_project.env["JLAB_MCP_DIR"]) / "connections").glob("*.record.json"))


def test_it_ends_with_the_exit_code_of_the_step_that_failed(bare_project: Project):
    done = run_demo(bare_project, bare_project.env | {"JLAB_MCP_PORT_MIN": "many"})
    assert done.returncode == 3
    assert "JLAB_MCP_PORT_MIN: expected a whole number" in done.stderr
    assert "the demo failed at `start --detach`" in done.stderr
