"""The wheel and the sdist: what is in them, and that they work where nothing else is."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from trove_classifiers import classifiers

from tests.interpreters import look_for_python, make_installed
from tests.release.conftest import ROOT, Built

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
"""What the package says it runs on; those that this machine has are tried."""
HERE = [version for version in VERSIONS if look_for_python(version)]

pytestmark = [pytest.mark.timeout(900)]  # packages may have to come over a slow network


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def environment(folder: Path) -> dict[str, str]:
    """An environment in which nothing of this clone or of the user is found."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("JLAB_MCP_", "CLAUDE_", "PYTHON"))
    }
    return {**kept, "JLAB_MCP_DIR": str(folder / "state"), "JLAB_MCP_RUN_MODE": "local", "HOME": str(folder)}


def run(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_all_of_the_package_and_its_data(built: Built) -> None:
    inside = names_in(built.wheel)
    package = subprocess.run(
        ["git", "ls-files", "jlab_mcp", "profiles", "schemas"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.split()
    places = {name if name.startswith("jlab_mcp/") else f"jlab_mcp/_data/{name}" for name in package}
    assert places <= inside
    assert {"jlab_mcp/py.typed", "jlab_mcp/node/launch.py", "jlab_mcp/_data/profiles/raven.toml"} <= inside
    strangers = {name for name in inside - places if not name.startswith("jlab_mcp-")}
    assert not strangers


def test_the_wheel_of_the_sdist_is_the_wheel_of_the_clone(built: Built) -> None:
    assert names_in(built.wheel) == names_in(built.direct)
    with zipfile.ZipFile(built.wheel) as ours, zipfile.ZipFile(built.direct) as other:
        for name in ours.namelist():
            assert ours.read(name) == other.read(name), name


def test_the_sdist_holds_what_its_checks_need(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "Makefile",
        "constraints.txt",
        "LICENSE",
        "README.md",
        "tests/conftest.py",
        "bench/__main__.py",
    } <= inside
    assert not [
        name for name in inside if "__pycache__" in name or name.startswith((".venv", ".cache", "dist"))
    ]


def test_the_metadata_are_complete_and_promise_nothing_untried(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (place,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        told = email.message_from_bytes(archive.read(place))
        licence = archive.read(place.replace("METADATA", "licenses/LICENSE"))
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert (told["License-Expression"], told["Requires-Python"]) == ("MIT", ">=3.11")
    assert told["Description-Content-Type"] == "text/markdown"
    assert set(told.get_all("Provides-Extra", [])) == {"local", "svg"}
    said = told.get_all("Classifier", [])
    assert set(said) <= classifiers
    python = "Programming Language :: Python :: "
    assert tuple(line.removeprefix(python) for line in said if line.startswith(f"{python}3.")) == VERSIONS


@pytest.mark.live
@pytest.mark.parametrize("version", HERE)
def test_installed_in_an_empty_environment_it_shows_the_demo(
    built: Built, tmp_path: Path, version: str
) -> None:
    python = look_for_python(version)
    assert python
    venv = make_installed(tmp_path / "venv", python, built.wheel)
    command, project = venv / "bin/jlab-mcp", tmp_path / "project"
    project.mkdir()
    assert run(project, venv / "bin/python", "--version").startswith(f"Python {version}.")
    assert run(project, command, "--version").startswith("jlab-mcp ")
    assert "raven" in run(project, command, "profile", "list")
    assert '"$schema"' in run(project, command, "profile", "schema")
    assert "Everything worked." in run(project, command, "demo")
    assert (project / "notebooks" / "demo.ipynb").exists()


def test_uvx_runs_it_without_installing_it(built: Built, tmp_path: Path) -> None:
    uvx = [sys.executable, "-m", "uv", "tool", "run", "--python", sys.executable]
    assert run(tmp_path, *uvx, "--from", built.wheel, "jlab-mcp", "--version").startswith("jlab-mcp ")


def test_a_users_type_checker_sees_the_types(built: Built, tmp_path: Path) -> None:
    venv = make_installed(tmp_path / "venv", sys.executable, built.wheel)
    (tmp_path / "theirs.py").write_text(
        "from jlab_mcp.core.walltime import walltime_seconds\n"
        "from jlab_mcp.errors import JlabMcpError\n"
        "reveal_type(walltime_seconds)\n"
        "wrong: int = JlabMcpError.code\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", venv / "bin/python", "theirs.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    revealed, wrong, end = done.stdout.splitlines()
    assert 'Revealed type is "def (text: str) -> int"' in revealed.replace("builtins.", "")
    assert wrong.startswith("theirs.py:4: error: Incompatible types in assignment")
    assert end.startswith("Found 1 error")
