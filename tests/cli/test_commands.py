"""Commands that start nothing."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from jlab_mcp import __version__
from tests.commands import COMMAND, files_of, run
from tests.conftest import Project


def test_the_version_is_the_packages(bare_project: Project) -> None:
    assert run(bare_project, "--version").stdout == f"jlab-mcp {__version__}\n"
    assert version("jlab-mcp") == __version__


@pytest.mark.parametrize("command", ["start", "stop", "wait", "status", "demo", "serve"])
def test_every_command_explains_itself(bare_project: Project, command: str) -> None:
    told = run(bare_project, command, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert f"Usage: jlab-mcp {command}" in told.stdout


def test_help_lists_examples_and_exit_codes(bare_project: Project) -> None:
    told = run(bare_project, "--help").stdout
    assert "jlab-mcp start --detach" in told
    assert "  8  the server did not start" in told


def test_a_dry_run_prints_the_job_and_touches_nothing(bare_project: Project) -> None:
    told = run(bare_project, "start", "1:00:00", "--dry-run", JLAB_MCP_SLURM_PARTITION="a100")
    assert told.returncode == 0
    assert "the profile local starts a local process; this script is what SLURM would get\n" in told.stderr
    assert "#SBATCH --partition=a100\n" in told.stdout
    assert "#SBATCH --time=1:00:00\n" in told.stdout
    subprocess.run(["bash", "-n"], input=told.stdout.encode(), check=True)
    assert list(bare_project.folder.iterdir()) == []
    assert not Path(bare_project.env["JLAB_MCP_DIR"]).exists()


def test_a_dry_run_in_slurm_mode_has_nothing_to_add(bare_project: Project) -> None:
    told = run(bare_project, "start", "--dry-run", JLAB_MCP_RUN_MODE="slurm")
    assert told.returncode == 0
    assert "local" not in told.stderr
    assert "--ip=0.0.0.0" in told.stdout


def test_a_name_that_the_terminal_cannot_show_is_escaped(bare_project: Project) -> None:
    told = run(bare_project, "status", PYTHONIOENCODING="ascii")
    assert told.returncode == 4
    assert r"n\xe4ive" in told.stdout
    assert "Traceback" not in told.stderr


def test_slurm_mode_without_slurm_says_so_and_leaves_nothing(bare_project: Project, tmp_path: Path) -> None:
    told = run(bare_project, "start", "--detach", JLAB_MCP_RUN_MODE="slurm", PATH=str(tmp_path))
    assert (told.returncode, told.stdout) == (15, "")
    assert "error[JLM-NO-SLURM]: `sbatch` is not on PATH" in told.stderr
    assert "JLAB_MCP_RUN_MODE=local" in told.stderr
    assert "--dry-run" in told.stderr
    assert files_of(bare_project) == []
    assert not bare_project.resolved().log_dir.exists()


def test_the_mode_follows_sbatch_where_nobody_chose_one(bare_project: Project, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "bin/sbatch").chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{bare_project.env['PATH']}"
    told = run(bare_project, "status", "--json", PATH=path, JLAB_MCP_RUN_MODE="")
    assert json.loads(told.stdout)["mode"] == "slurm"


def test_bad_settings_are_told_without_a_traceback(bare_project: Project) -> None:
    told = run(bare_project, "start", "soon", JLAB_MCP_PORT_MIN="x", JLAB_MCP_PORTMAX="1")
    assert (told.returncode, told.stdout) == (3, "")
    assert 'JLAB_MCP_PORT_MIN: expected a whole number from 1 to 65535, got "x"' in told.stderr
    assert "TIME: expected minutes" in told.stderr
    assert 'got "soon"' in told.stderr
    assert "Traceback" not in told.stderr


def test_an_unknown_variable_is_a_warning_on_stderr(bare_project: Project) -> None:
    told = run(bare_project, "status", "--json", JLAB_MCP_PORTMAX="1")
    assert "warning: JLAB_MCP_PORTMAX is not a variable" in told.stderr
    assert json.loads(told.stdout)["state"] == "stopped"


def test_a_folder_that_cannot_be_made_is_one_sentence(bare_project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = run(bare_project, "start", "-d", JLAB_MCP_DIR=str(tmp_path / "file/state"))
    assert (told.returncode, "cannot write" in told.stderr) == (13, True), told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("variable", ["JLAB_MCP_DIR", "JLAB_MCP_LOG_DIR", "JLAB_MCP_CONNECTION_DIR"])
def test_the_hint_names_the_variable_of_the_folder_that_cannot_be_made(
    bare_project: Project, tmp_path: Path, variable: str
) -> None:
    (tmp_path / "file").write_text("")
    told = run(bare_project, "start", "-d", **{variable: str(tmp_path / "file/folder")})
    assert told.returncode == 13, told.stderr
    assert f"hint: name a folder you can write to in `{variable}`\n" in told.stderr


def test_shell_completion_is_offered(bare_project: Project) -> None:
    told = run(bare_project, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (told.returncode, told.stderr) == (0, "")
    subprocess.run(["bash", "-n"], input=told.stdout.encode(), check=True)
    assert "complete -o default -F _jlab_mcp_completion jlab-mcp" in told.stdout
    done = subprocess.run(
        COMMAND,
        env=bare_project.env
        | {"_JLAB_MCP_COMPLETE": "complete_bash", "COMP_WORDS": "jlab-mcp st", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.split() == ["start", "stop", "status"]
