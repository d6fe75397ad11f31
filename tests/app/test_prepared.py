"""What a profile's `[env]` and `[server]` do to a server on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent import agent
from tests.commands import alive, run
from tests.conftest import Project, make_project
from tests.interpreters import make_lab_environment
from tests.profiles import LOCAL, paths_of, profile_file, record_of, with_profiles

pytestmark = pytest.mark.live
SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), sys.prefix]))"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project whose profile `lab` is in use; whatever runs is stopped at the end."""
    made = with_profiles(make_project(tmp_path), lab=LOCAL)
    made.env["JLAB_MCP_PROFILE"] = "lab"
    yield made
    run(made, "stop", "--all")


async def _kernel(project: Project, profile: str) -> tuple[dict[str, str], str]:
    """Start the server with a profile's text; return a kernel's environment and its Python's prefix."""
    profile_file(project, "lab").write_text(LOCAL + profile)
    started = run(project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert "warning" not in started.stderr
    async with agent(project) as me:
        said = (await me.ok("execute_scratch", code=SHOW))["text"].splitlines()[0]
    environ, prefix = json.loads(said)
    return environ, prefix


async def test_variables_reach_the_kernels_and_nobody_sees_them_in_the_record(project: Project) -> None:
    environ, _ = await _kernel(project, '[env.vars]\nMY_DATA = "/data/it\'s ö"\nEMPTY = ""\n')
    assert (environ["MY_DATA"], environ["EMPTY"]) == ("/data/it's ö", "")
    assert "/data/it" not in paths_of(project, "lab").record_file.read_text()
    assert not paths_of(project, "lab").log_file.with_suffix(".sh").exists(), "no shell was needed"


async def test_a_named_environment_runs_jupyterlab(project: Project, tmp_path: Path) -> None:
    venv = make_lab_environment(tmp_path / "my venv", sys.executable)
    environ, prefix = await _kernel(project, f'[env]\nvenv = "{venv}"\n')
    assert (environ["VIRTUAL_ENV"], prefix) == (str(venv), str(venv))
    assert record_of(project, "lab").python == venv / "bin/python"


async def test_the_shell_prepares_the_server_and_cleans_up_after_it(project: Project, tmp_path: Path) -> None:
    venv, left = make_lab_environment(tmp_path / "my venv", sys.executable), tmp_path / "left"
    text = f"""
[env]
venv = "{venv}"
prologue = "export MADE='by the prologue'"
epilogue = 'echo "$MADE" >> "{left}"'
[env.vars]
MINE = "a 'quoted' $HOME"
"""
    environ, prefix = await _kernel(project, text)
    assert (environ["MADE"], environ["MINE"]) == ("by the prologue", "a 'quoted' $HOME")
    assert prefix == str(venv)
    assert not [name for name in environ if name.startswith("JLAB_MCP")]
    script = paths_of(project, "lab").log_file.with_suffix(".sh")
    assert script.stat().st_mode & 0o777 == 0o600
    assert not left.exists()
    record = record_of(project, "lab")
    assert run(project, "stop").returncode == 0
    assert not alive(record)
    assert left.read_text() == "by the prologue\n"


async def test_a_prologue_without_an_environment_keeps_the_usual_python(project: Project) -> None:
    environ, prefix = await _kernel(project, '[env]\nprologue = "export MADE=1"\n')
    assert (environ["MADE"], prefix) == ("1", sys.prefix)
    assert run(project, "status", "--json").returncode == 0


async def test_the_server_listens_on_the_address_of_the_named_interface(project: Project) -> None:
    await _kernel(project, '[server]\ninterface = "lo"\n')
    address = json.loads(run(project, "status", "--json").stdout)["address"]
    assert address.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ('[env]\nvenv = "nowhere"\n', 3, "lab.toml:3: env.venv: there is no virtual environment"),
        ('[env]\nvenv = "."\n', 3, "its `bin/python` is missing"),
        ('[env]\nprologue = "if true"\n', 3, "env.prologue: bash cannot read it"),
        ('[env]\nprologue = "echo gone >&2; exit 3"\n', 8, "| gone"),
        ('[env]\nmodules = "cuda"\n', 8, "| jlab-mcp: cannot load "),
        ('[env]\nconda = "nowhere/env"\n', 8, "cannot run bin/python of the conda environment nowhere/env"),
        ('[env]\ncontainer = { image = "none.sif" }\n', 3, "cannot be bound: a colon, comma, quote"),
        ('[env]\nprologue = "true"\n[env.vars]\nMY_API_KEY = "hunter2"\n', 3, "env.vars.MY_API_KEY"),
        ('required = ["env.vars.DATA"]\n', 3, "the profile lab needs env.vars.DATA"),
    ],
)
def test_what_cannot_be_prepared_is_told_and_leaves_nothing_behind(
    project: Project, text: str, code: int, says: str
) -> None:
    profile_file(project, "lab").write_text(LOCAL + text)
    started = run(project, "start", "-d", PATH="/usr/bin:/bin")
    assert (started.returncode, says in started.stderr) == (code, True), started.stderr
    assert "hunter2" not in started.stderr
    assert "Traceback" not in started.stderr
    assert not paths_of(project, "lab").record_file.exists()


def test_what_a_local_server_does_not_heed_is_said(project: Project) -> None:
    file = profile_file(project, "lab")
    file.with_name("lab.sh").write_text("#!/bin/bash\n{{directives}}\n{{prepare}}\n{{launch}}\n")
    file.write_text(LOCAL + 'template = "lab.sh"\n[server]\nidle_timeout = 3600\n')
    started = run(project, "start", "-d")
    assert started.returncode == 0, started.stderr
    assert "warning: template has no effect on a local server" in started.stderr
    assert "idle_timeout" not in started.stderr
    info = json.loads(run(project, "status", "--json").stdout)["info"]
    assert (info["idle_timeout"], info["restarts"]) == (3600, 0)
    assert 0 < info["idle_ends_in_s"] <= 3600
