"""Which Python runs JupyterLab, in projects as people have them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.agent import agent
from tests.commands import record_of, run
from tests.conftest import Project
from tests.interpreters import find_python, make_lab_environment

pytestmark = pytest.mark.live

HIDE = """
import sys


class WithoutJupyter:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        hidden = name in ("jupyterlab", "ipykernel")
        return None if hidden else self.finder.find_spec(name, path, target)


sys.meta_path[:] = [WithoutJupyter(finder) for finder in sys.meta_path]
"""


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lab_environment(tmp_path_factory.mktemp("own") / "venv", sys.executable)


@pytest.fixture(scope="module")
def old_lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lab_environment(tmp_path_factory.mktemp("old") / "venv", find_python("3.9"))


async def _works_in(project: Project, venv: Path) -> str:
    """Work with `.venv` in the project, check who runs the cells, and return the interpreter's version."""
    (project.folder / ".venv").symlink_to(venv)
    started = run(project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert "warning" not in started.stderr
    record = record_of(project)
    assert record
    assert record.python == project.folder / ".venv/bin/python"
    status = json.loads(run(project, "status", "--json").stdout)
    assert (status["state"], status["resources"] is None) == ("ready", False)
    async with agent(project) as me:
        opened = await me.ok("start_new_session", experiment_name="own Python")
        own = {"session_id": opened["session_id"]}
        await me.ok("execute_code", **own, code="import sys; n = 6")
        ran = await me.ok("execute_code", **own, code="print(sys.prefix, sys.version.split()[0]); n * 7")
        assert ran["text"].splitlines()[:2] == [
            f"{project.folder / '.venv'} {status['info']['python']}",
            "42",
        ]
        failed = await me.ok("edit_cell", **own, cell_index=0, code="1/0")
        assert failed["error"]["ename"] == "ZeroDivisionError"
        await me.ok("add_markdown", **own, markdown="# näive")
        assert (await me.ok("execute_scratch", code="print('scratch')"))["text"].startswith("scratch")
        missing = await me.ok("execute_code", **own, code="import jlab_mcp")
        assert missing["error"]["ename"] == "ModuleNotFoundError"
        busy = await me.ok(
            "execute_code", **own, code="import time\nwhile True: time.sleep(0.01)", wait_seconds=0
        )
        assert (await me.ok("interrupt_kernel", **own))["interrupted"]
        stopped = await me.ok("get_output", execution_id=busy["execution_id"], wait_seconds=60)
        assert stopped["state"] == "interrupted"
        died = await me.ok("execute_code", **own, code="import os; os._exit(1)")
        assert died["state"] == "kernel_died"
        await me.ok("restart_kernel", **own)
        ended = await me.ok("shutdown_session", **own)
    nbformat.validate(nbformat.read(ended["notebook_path"], as_version=4))
    assert run(project, "stop").returncode == 0
    version: str = status["info"]["python"]
    return version


async def test_the_projects_environment_needs_no_jlab_mcp(bare_project: Project, own_lab: Path) -> None:
    ask = [str(own_lab / "bin/python"), "-c", "import jlab_mcp"]
    missing = subprocess.run(ask, cwd=own_lab, capture_output=True, check=False)
    assert missing.returncode
    await _works_in(bare_project, own_lab)


async def test_the_projects_environment_may_be_python_39(bare_project: Project, old_lab: Path) -> None:
    assert (await _works_in(bare_project, old_lab)).startswith("3.9")


def test_the_launchers_environment_is_the_venvs_and_holds_nothing_of_ours(
    bare_project: Project, own_lab: Path
) -> None:
    (bare_project.folder / ".venv").symlink_to(own_lab)
    run(bare_project, "start", "-d", JUPYTER_TOKEN="not-this-one", JLAB_MCP_SERVER_STOP_TIMEOUT="9")
    record = record_of(bare_project)
    assert record
    raw = Path(f"/proc/{record.pid}/environ").read_bytes().decode().split("\0")
    environ = dict(line.split("=", 1) for line in raw if "=" in line)
    assert not [name for name in environ if name.startswith(("JLAB_MCP_", "JUPYTER_TOKEN"))]
    venv = bare_project.folder / ".venv"
    assert environ["VIRTUAL_ENV"] == str(venv)
    assert environ["PATH"].split(":")[0] == str(venv / "bin")
    token = json.loads(bare_project.resolved().paths.connection_file.read_text())["token"]
    assert token not in Path(f"/proc/{record.pid}/cmdline").read_bytes().decode()


def test_an_environment_without_jupyterlab_is_passed_over_with_a_word(bare_project: Project) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare_project.folder / ".venv"], check=True)
    started = run(bare_project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert (
        f".venv has no jupyterlab and ipykernel; JupyterLab runs in {sys.executable} instead"
        in started.stderr
    )


def test_an_environment_whose_interpreter_is_gone_is_said_plainly(bare_project: Project) -> None:
    folder = bare_project.folder / ".venv/bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to("/nowhere/python3.8")
    started = run(bare_project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert "is broken: its `bin/python` leads to /nowhere/python3.8, which does not exist" in started.stderr


def test_an_environment_whose_interpreter_fails_is_not_said_to_lack_packages(bare_project: Project) -> None:
    folder = bare_project.folder / ".venv/bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text("#!/bin/sh\nexit 3\n")
    (folder / "python").chmod(0o755)
    started = run(bare_project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert "is broken: its interpreter does not run, it ends with status 3; JupyterLab runs" in started.stderr


def test_an_environment_that_is_a_file_is_passed_over_with_a_word(bare_project: Project) -> None:
    (bare_project.folder / ".venv").write_text("")
    started = run(bare_project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert ".venv is no folder, so no virtual environment; JupyterLab runs in" in started.stderr


def test_an_environment_that_shares_the_systems_packages_is_asked(bare_project: Project) -> None:
    venv = bare_project.folder / ".venv"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", venv], check=True
    )
    asked = subprocess.run(
        [venv / "bin/python", "-c", "import jupyterlab, ipykernel"], capture_output=True, check=False
    )
    started = run(bare_project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert ("warning" in started.stderr) is bool(asked.returncode)


def test_no_jupyterlab_anywhere_is_an_error_with_the_command_that_mends_it(
    bare_project: Project, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    started = run(bare_project, "start", "-d", PYTHONPATH=str(tmp_path))
    assert started.returncode == 8
    assert "no JupyterLab was found" in started.stderr
    assert "hint: install it with `" in started.stderr
    assert "jupyterlab ipykernel`" in started.stderr
    assert "Traceback" not in started.stderr
