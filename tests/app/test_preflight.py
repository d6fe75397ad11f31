"""What is told of a job's environment before the job is submitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jlab_mcp.app import context
from jlab_mcp.app.preflight import job_interpreter, job_notes
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.errors import ConfigError, Remedy, StartFailed
from tests.commands import run
from tests.conftest import Project, make_project
from tests.profiles import profile_file, with_profiles
from tests.sites import put

JOB = 'mode = "slurm"\n'
Settings = Callable[[str], ResolvedProfile]
MODULES = 'module() { [ "$1" = is-avail ] && [ "$2" = there/1.0 ]; }\n'
"""A login shell's `module`, which knows one module."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, which has nothing in it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path, home: Path) -> Project:
    """A project outside that home, which uses the profile `job`."""
    made = with_profiles(make_project(tmp_path), job=JOB)
    made.env.update(HOME=str(home), JLAB_MCP_PROFILE="job")
    return made


@pytest.fixture
def settings(project: Project) -> Settings:
    """Return the settings that hold with more text in the profile."""

    def of(text: str) -> ResolvedProfile:
        profile_file(project, "job").write_text(JOB + text)
        return context.load(project_dir=project.folder, environ=project.env)

    return of


def make_environment(folder: Path, *packages: str) -> Path:
    """Make the files by which a virtual environment is known; its Python does not run."""
    for package in packages:
        place = folder / "lib/python3.12/site-packages" / package
        place.mkdir(parents=True)
        (place / "__init__.py").touch()
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").touch()
    (folder / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    return folder


def test_an_environment_missing_in_the_users_folders_is_refused(
    settings: Settings, home: Path, project: Project
) -> None:
    for named, venv in ((f"{home}/lab", home / "lab"), ("lab", project.folder / "lab")):
        with pytest.raises(ConfigError) as refused:
            job_interpreter(settings(f'[env]\nvenv = "{named}"\n'))
        file = profile_file(project, "job")
        assert refused.value.message == f"{file}:3: env.venv: there is no virtual environment {venv}"


def test_a_refusal_comes_before_the_job_is_submitted(project: Project, home: Path, tmp_path: Path) -> None:
    profile_file(project, "job").write_text(f'{JOB}[env]\nvenv = "{home}/lab"\n')
    put(tmp_path / "bin", "sbatch", f'echo called >> "{tmp_path}/submitted"; echo 1')
    put(tmp_path / "bin", "squeue", "")
    started = run(project, "start", "--detach", PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    assert started.returncode == 3, started.stderr
    assert f"there is no virtual environment {home}/lab" in started.stderr
    assert not (tmp_path / "submitted").exists()
    assert not project.resolved().paths.record_file.exists()


def test_an_environment_missing_elsewhere_may_be_on_the_node(settings: Settings, tmp_path: Path) -> None:
    venv = tmp_path / "scratch/lab"
    found = job_interpreter(settings(f'[env]\nvenv = "{venv}"\n'))
    assert (found.path, found.venv) == (venv / "bin/python", venv)
    assert found.note.endswith(f":3: env.venv: {venv} is not on this host, so it was not looked at")


def test_an_environment_without_jupyterlab_is_refused_with_what_mends_it(
    settings: Settings, tmp_path: Path
) -> None:
    lacking = make_environment(tmp_path / "lacking", "ipykernel", "pip")
    with pytest.raises(StartFailed, match=r"lacking has no jupyterlab$") as refused:
        job_interpreter(settings(f'[env]\nvenv = "{lacking}"\n'))
    assert refused.value.remedy is Remedy.INSTALL_JUPYTERLAB
    command = f"{lacking}/bin/python -m pip install jupyterlab ipykernel"
    assert refused.value.details["command"] == command


def test_an_environment_for_another_machine_is_taken_by_its_files(settings: Settings, tmp_path: Path) -> None:
    whole = make_environment(tmp_path / "whole", "jupyterlab", "ipykernel")
    found = job_interpreter(settings(f'[env]\nvenv = "{whole}"\n'))
    assert (found.path, found.note) == (whole / "bin/python", "")
    dangling = tmp_path / "whole/bin/python"
    dangling.unlink()
    dangling.symlink_to("/on/the/node/only")
    assert job_interpreter(settings(f'[env]\nvenv = "{whole}"\n')).path == dangling


def test_a_conda_environment_is_left_to_the_node(settings: Settings) -> None:
    assert job_interpreter(settings('[env]\nconda = "lab"\n')).path == Path("python3")


@pytest.mark.parametrize(
    ("image", "refused"),
    [
        ("~/lab.sif", True), ("lab.sif", True), ("/nowhere/lab.sif", False), ("docker://jupyter/lab", False),
    ],
)  # fmt: skip
def test_an_image_missing_in_the_users_folders_is_refused(
    settings: Settings, home: Path, project: Project, image: str, refused: bool
) -> None:
    resolved = settings(f'[env.container]\nruntime = "apptainer"\nimage = "{image}"\n')
    if not refused:
        assert job_interpreter(resolved).path == Path("python3")
        return
    file = home / "lab.sif" if image.startswith("~") else project.folder / "lab.sif"
    with pytest.raises(ConfigError, match=r":4: env\.container\.image: there is no image") as told:
        job_interpreter(resolved)
    assert str(file) in told.value.message
    file.touch()
    assert job_interpreter(resolved).path == Path("python3")


async def test_a_module_that_this_host_lacks_is_told_and_others_are_not(
    settings: Settings, home: Path, project: Project
) -> None:
    (home / ".bash_profile").write_text(MODULES)
    notes = await job_notes(settings('[env]\nmodules = ["there/1.0", "lacking/2"]\n'), project.env)
    assert [note.partition(": env.modules: ")[2] for note in notes] == [
        "there is no module lacking/2 on this host; where the node has none either, the job ends"
    ]


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        (MODULES, '[env]\nmodules = "lacking/2"\nprologue = "module use /somewhere"\n'),
        ("unset -f module\n", '[env]\nmodules = "lacking/2"\n'),
        ("exec false\n", '[env]\nmodules = "lacking/2"\n'),
        (MODULES, ""),
    ],
    ids=["a prologue may add some", "no command module", "no login shell", "none wanted"],
)
async def test_nothing_is_told_of_modules_that_cannot_be_known_here(
    settings: Settings, home: Path, project: Project, profile: str, text: str
) -> None:
    (home / ".bash_profile").write_text(profile)
    assert await job_notes(settings(text), project.env) == []
