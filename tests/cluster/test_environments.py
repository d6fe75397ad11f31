"""What a job's shell prepares on its node, and what is told where something of it is missing.

Apptainer is not packaged for every Debian, and pyxis needs enroot and a registry. So a script stands in for what they
are called with: it heeds where the program begins, and notes the rest.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.servers import ClusterProject, make_project, slurm_profile
from tests.commands import side_by_side, until
from tests.interpreters import NEWEST, find_python, make_lab_environment

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
EPILOGUE = 'epilogue = "echo cleaned up"\n'
SERVERS = ("prepared", "apptainer", "pyxis", "minute")
"""Profiles of a project on alpha; the server of the last one has a minute."""
STAND_IN = """#!/bin/bash
printf '%s\\n' "$0" "$@" >"$HOME/called-${0##*/}"
while [[ $1 != */bin/python ]]; do [[ $1 != --*=* || $1 == --container-* ]] || kept+=("$1"); shift; done
export INSIDE=${0##*/}
"""
"""It runs the program of its command line; `kept` are the other options of srun."""


@pytest.fixture(scope="module")
def venv(quiet_lab: Lab) -> Path:
    """A virtual environment with JupyterLab on the disk that all hosts share."""
    folder = quiet_lab.home() / "venvs" / "it's one"
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier run
    return make_lab_environment(folder, sys.executable)


@pytest.fixture(scope="module")
def projects(quiet_lab: Lab, venv: Path) -> dict[str, ClusterProject]:
    """A project on alpha with a `.venv` of its own, with each of its profiles in use."""
    made = make_project(quiet_lab, "environments")
    make_lab_environment(made.folder / ".venv", sys.executable, own_files=True)
    programs = quiet_lab.home() / "stand-ins"
    programs.mkdir(exist_ok=True)
    for name, last in (("apptainer", 'exec "$@"'), ("srun", 'exec /usr/bin/srun --quiet "${kept[@]}" "$@"')):
        (programs / name).write_text(f"{STAND_IN}{last}\n")
        (programs / name).chmod(0o755)
    (made.folder / "lab.sif").touch()
    prologue = f"prologue = 'export PROLOGUE=seen; PATH={programs}:$PATH'\n"
    named = f'venv = "{venv}"\n'
    prepared = f'[env]\n{prologue}{EPILOGUE}modules = ["cuda/12.4"]\nvars = {{ GREETING = "it\'s $HOME" }}\n'
    quiet_lab.run(made.host, "chown", "--recursive", "alice:", str(made.folder), user="root")
    prepared = f'[env]\n{prologue}{EPILOGUE}modules = ["cuda/12.4"]\nvars = {{ GREETING = "it\'s $HOME" }}\n'
    pyxis = '[env.container]\nruntime = "pyxis"\nimage = "nvcr.io#nvidia/pytorch:25.01-py3"\n'
    texts = (
        slurm_profile(prepared),
        slurm_profile(f'[env]\n{prologue}{named}[env.container]\nimage = "lab.sif"\n'),
        slurm_profile(f"[env]\n{prologue}{named}{pyxis}"),
        slurm_profile(f"[env]\n{EPILOGUE}", time="1"),
    )
    return {name: made.with_profile(name, text) for name, text in zip(SERVERS, texts, strict=True)}


@pytest.fixture(scope="module")
def lmod(quiet_lab: Lab, venv: Path) -> ClusterProject:
    """A project on beta, where `module` is Lmod's; its profile names a virtual environment."""
    env = f'[env]\nmodules = ["cuda/12.4", "python/3.12"]\nvenv = "{venv}"\n'
    return make_project(quiet_lab, "lmod", host="beta-login", more=env)


@pytest.fixture(scope="module")
def servers(projects: dict[str, ClusterProject], lmod: ClusterProject) -> Iterator[None]:
    """Their servers, started at once; the one that has a minute may be over when this is done."""
    try:
        side_by_side(_start, [*projects.values(), lmod])
        yield
    finally:
        side_by_side(lambda project: project.ok("stop", "--all"), [projects["prepared"], lmod])


def _start(project: ClusterProject) -> None:
    project.run("start", "--detach", exits=None if project.profile == "minute" else 0)


async def _seen(project: ClusterProject, *expressions: str) -> str:
    """Return what a kernel of a server says to expressions."""
    async with project.agent() as agent:
        code = f"import os, sys; print([str(each) for each in ({', '.join(expressions)},)])"
        return await agent.execute(await agent.open(), code)


@pytest.mark.usefixtures("servers")
async def test_a_kernel_has_modules_variables_and_the_projects_environment(
    projects: dict[str, ClusterProject],
) -> None:
    project = projects["prepared"]
    told = await _seen(
        project,
        "os.environ['LAB_MODULE_CUDA']",
        "os.environ['PROLOGUE']",
        "os.environ['GREETING']",
        "sys.prefix",
    )
    assert f"""['cuda/12.4', 'seen', "it's $HOME", '{project.folder}/.venv']""" in told


@pytest.mark.usefixtures("servers")
async def test_lmods_modules_and_a_named_environment_are_seen_too(lmod: ClusterProject, venv: Path) -> None:
    names = ("LAB_MODULE_CUDA", "LAB_MODULE_PYTHON", "LMOD_VERSION")
    told = await _seen(lmod, "sys.prefix", *(f"os.environ[{name!r}]" for name in names))
    assert f"""["{venv}", 'cuda/12.4', 'python/3.12', '""" in told


@pytest.mark.parametrize(
    ("runtime", "called"),
    [
        ("apptainer", ("exec", "--nv", "--bind", "lab.sif")),
        ("srun", ("--ntasks=1", "--container-image=nvcr.io#nvidia/pytorch:25.01-py3")),
    ],
    ids=["apptainer", "pyxis"],
)
@pytest.mark.usefixtures("servers")
async def test_a_server_runs_in_what_its_container_is_called_with(
    projects: dict[str, ClusterProject], venv: Path, runtime: str, called: tuple[str, ...]
) -> None:
    project = projects["pyxis" if runtime == "srun" else runtime]
    told = await _seen(project, "os.environ['INSIDE']", "sys.prefix")
    assert f"""['{runtime}', "{venv}"]""" in told
    words = (project.lab.home() / f"called-{runtime}").read_text().splitlines()
    assert {str(project.folder / each) if each == "lab.sif" else each for each in called} <= set(words)


@pytest.mark.usefixtures("servers")
def test_all_servers_of_a_version_run_one_copy_of_the_node(projects: dict[str, ClusterProject]) -> None:
    (copy,) = (projects["prepared"].state / "node").iterdir()
    for profile in ("prepared", "apptainer", "pyxis"):
        project = projects[profile]
        found = project.status(exits=0)
        told = project.lab.run(found["hostname"], "cat", f"/proc/{found['info']['pid']}/cmdline", user="root")
        assert any(word.startswith(f"{copy}/") for word in told.stdout.split("\0"))


def test_an_environment_like_condas_is_used_by_its_path(quiet_lab: Lab) -> None:
    """conda's own packages are not to be had from the usual registries; its environments are Pythons in a folder."""
    python = find_python("3.9")
    conda = quiet_lab.home() / "conda" / "my env"
    if not conda.exists():
        shutil.copytree(
            python.parents[1], conda, symlinks=True, ignore=shutil.ignore_patterns("test", "__pycache__")
        )
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(conda / "bin/python")]
    done = subprocess.run([*install, *NEWEST], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"`uv pip` failed, so there is no such environment: {done.stderr.strip()[-300:]}")
    # A Python that was not made to be copied looks for its library where it was installed.
    library = f'vars = {{ LD_LIBRARY_PATH = "{conda}/lib" }}\n'
    project = make_project(quiet_lab, "conda", more=f'[env]\nconda = "~/conda/my env"\n{library}')
    project.ok("start", "--detach")
    try:
        info = project.status(exits=0)["info"]
        assert info["python"].startswith("3.9.")
        told = project.lab.run(info["hostname"], "cat", f"/proc/{info['pid']}/environ").stdout.split("\0")
        assert f"CONDA_PREFIX={conda}" in told
    finally:
        project.ok("stop")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ('venv = "~/venvs/none"', "there is no virtual environment "),
        ('venv = "~/venvs/empty"', "/venvs/empty has no jupyterlab and ipykernel"),
        ('container = { image = "none.sif" }', "there is no image "),
    ],
    ids=["venv", "jupyterlab", "image"],
)
def test_what_is_missing_in_a_users_folders_is_told_before_a_job_is_submitted(
    quiet_lab: Lab, env: str, said: str
) -> None:
    subprocess.run(
        [sys.executable, "-m", "uv", "venv", "--quiet", "--clear", str(quiet_lab.home() / "venvs" / "empty")],
        check=True,
    )
    project = make_project(quiet_lab, "missing here", more=f"[env]\n{env}\n")
    told = project.run("start", "--detach", exits=8 if "empty" in env else 3).stderr
    assert said in told
    assert "submitted" not in told
    assert project.left() == []


MISSING_THERE = {
    "module": ("alpha-login", 'modules = ["no/such"]', "cannot load the module no/such"),
    "lmod": ("beta-login", 'modules = ["no/such"]', "cannot load the module no/such"),
    "venv": ("alpha-login", 'venv = "/opt/none"', "/opt/none: there is no bin/activate in it"),
    "conda": (
        "alpha-login",
        'conda = "~/none"',
        "bin/python of the conda environment ~/none: it is not there",
    ),
    "no conda": ("alpha-login", 'conda = "torch"', "there is no working conda on PATH"),
    "apptainer": (
        "alpha-login",
        'container = { image = "docker://x" }',
        "neither `apptainer` nor `singularity`",
    ),
    "jupyterlab": ("alpha-login", 'conda = "~/bare"', "no module named 'jupyter"),
}


def test_what_is_missing_on_the_node_is_told_as_itself_by_the_start(quiet_lab: Lab) -> None:
    bare = quiet_lab.home() / "bare" / "bin"
    bare.mkdir(parents=True, exist_ok=True)
    (bare / "python").unlink(missing_ok=True)
    (bare / "python").symlink_to("/usr/bin/python3")
    projects = [
        make_project(quiet_lab, f"missing {name}", host=host, more=f"[env]\n{env}\n")
        for name, (host, env, _) in MISSING_THERE.items()
    ]

    done = side_by_side(lambda project: project.run("start", "--detach", exits=8), projects)

    for each, (_, _, expected) in zip(done, MISSING_THERE.values(), strict=True):
        (error,) = [line for line in each.stderr.splitlines() if line.startswith("error[")]
        assert "did not start" in error
        assert expected.lower() in error.lower()
        assert "Traceback" not in error


@pytest.mark.usefixtures("servers")
def test_the_epilogue_runs_when_a_server_is_stopped_and_when_its_time_is_over(
    projects: dict[str, ClusterProject],
) -> None:
    # The last test here: the minute goes by while the others run.
    stopped, over = projects["prepared"], projects["minute"]
    assert "cleaned up" not in stopped.files.log_file.read_text()
    stopped.ok("stop")
    assert "cleaned up\n" in stopped.files.log_file.read_text()
    assert "time limit" in over.becomes("stale")["reason"]
    until(lambda: "cleaned up\n" in over.files.log_file.read_text(), "epilogue")
