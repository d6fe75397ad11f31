"""What is waited for, in terminals and in pipes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.cli import progress
from tests.cli.profiles import User
from tests.commands import COMMAND, LIMIT, until
from tests.conftest import Project
from tests.sites import put
from tests.tmux import Terminal

PROFILE = 'mode = "slurm"\n[slurm]\npartition = "gpu"\n'
ASKING = "asking SLURM whether it would run the job"
RUN = f"'{sys.executable}' -m jlab_mcp"


@pytest.fixture
def held(user: User, tmp_path: Path) -> tuple[User, Path]:
    """Give a user whose sbatch answers only once there is a file, however often it is asked; and that file.

    A second file, `asked`, is there once it has been asked.
    """
    user.profile("mine", PROFILE)
    gate = tmp_path / "gate"
    commands = tmp_path / "commands"
    waits = f": > '{tmp_path / 'asked'}'; until [ -e '{gate}' ]; do /bin/sleep 0.05; done"
    put(commands, "sbatch", f"{waits}; echo 'sbatch: Job 1 to start at soon' >&2")
    (commands / "bash").symlink_to("/bin/bash")
    env = user.env | {"PATH": f"{commands}:{os.environ['PATH']}", "TERM": "xterm"}
    env.pop("NO_COLOR", None)
    (tmp_path / "config.toml").write_text("")
    user.config.joinpath("config.toml").write_text("[server]\ncommand_timeout = 80\n")
    return User(user.home, user.project, env), gate


def _open(gate: Path) -> None:
    gate.write_text("go\n")


def test_a_pipe_gets_one_plain_line(held: tuple[User, Path]) -> None:
    user, gate = held
    with subprocess.Popen(
        [*COMMAND, "profile", "check", "mine"],
        cwd=user.project,
        env=user.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert process.stderr.readline() == f"{ASKING}\n"
        assert process.poll() is None
        _open(gate)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out.startswith("SLURM would run"), err) == (0, True, "")


def test_a_terminal_shows_the_seconds_and_keeps_nothing_of_it(held: tuple[User, Path]) -> None:
    user, gate = held
    with Terminal(user.project, user.env) as terminal:
        terminal.run(f"{RUN} profile check mine; echo ended")
        shown = terminal.see(f"{ASKING} 2 s")
        assert shown.count(ASKING) == 1
        assert terminal.asks("cursor_flag") == "1"
        terminal.see(f"{ASKING} 3 s")
        _open(gate)
        assert ASKING not in terminal.see("SLURM would run", "ended\n")


def test_ctrl_c_leaves_no_trace_of_it(held: tuple[User, Path]) -> None:
    user, _ = held
    with Terminal(user.project, user.env) as terminal:
        terminal.run(f"{RUN} profile check mine; echo status $?")
        terminal.see(f"{ASKING} ")
        terminal.type("C-c")
        assert ASKING not in terminal.see("interrupted", "status 130")


def test_it_is_cropped_to_a_narrow_terminal(held: tuple[User, Path]) -> None:
    user, gate = held
    with Terminal(user.project, user.env, 30, 10) as terminal:
        terminal.run("clear")
        terminal.run(f"{RUN} profile check mine 2>&1; echo status $?")
        shown = terminal.see("asking SLURM wheth", " 2 s")
        assert shown.count("asking") == 1
        terminal.see(" 3 s")
        assert terminal.screen().count("asking") == 1
        _open(gate)
        terminal.see("status 0")


def test_a_job_in_the_background_draws_nothing(held: tuple[User, Path]) -> None:
    user, gate = held
    with Terminal(user.project, user.env) as terminal:
        terminal.run(f"{RUN} profile check mine & sleep 2.5; echo now")
        assert ASKING not in terminal.see("now\n")
        _open(gate)
        terminal.see("SLURM would run")


def test_quiet_says_nothing_of_it(held: tuple[User, Path]) -> None:
    user, gate = held
    with subprocess.Popen(
        [*COMMAND, "profile", "check", "mine", "--quiet"],
        cwd=user.project,
        env=user.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(gate.with_name("asked").exists, "question to SLURM")
        until(lambda: _age(process.pid) > 2 * progress.AFTER, "wait")
        _open(gate)
        assert process.communicate(timeout=LIMIT)[1] == ""


def _age(pid: int) -> float:
    """Return for how many seconds a process has been there."""
    began = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return float(Path("/proc/uptime").read_text().split()[0]) - began / os.sysconf("SC_CLK_TCK")


@pytest.mark.live
def test_a_start_in_a_terminal_counts_the_seconds_in_one_line(bare_project: Project) -> None:
    with Terminal(bare_project.folder, bare_project.env, 100, 24) as terminal:
        terminal.run(f"{RUN} start --detach; echo ended")
        terminal.see("starting JupyterLab for", "waiting for JupyterLab 2 s")
        shown = terminal.see("JupyterLab is ready at", "ended\n")
        assert "waiting for JupyterLab" not in shown
        terminal.run(f"clear; {RUN} stop")
        terminal.see("has been stopped")


@pytest.mark.live
def test_lines_of_a_start_in_a_pipe_come_once(bare_project: Project) -> None:
    asyncio.run(bare_project.start())
    told = subprocess.run(
        [*COMMAND, "stop"],
        cwd=bare_project.folder,
        env=bare_project.env,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    lines = told.stderr.splitlines()
    assert len(lines) == len(set(lines))
    assert not any(line.startswith("waiting for its end") for line in lines), "an event has told it"


@pytest.mark.parametrize(
    ("event", "awaited"),
    [
        (LifecycleEvent("launched", "", {"pid": 3}), "waiting for JupyterLab"),
        (LifecycleEvent("launched", "", {"job_id": "3"}), "waiting for SLURM"),
        (LifecycleEvent("already_running", "", {"pid": 3, "job_id": None}), "waiting for JupyterLab"),
        (LifecycleEvent("waiting", "", {"job_state": "PENDING"}), "waiting in the queue"),
        (LifecycleEvent("waiting", "", {"job_state": "RUNNING"}), "waiting for JupyterLab"),
        (LifecycleEvent("waiting", "", {}), "waiting for SLURM"),
        (LifecycleEvent("waiting", "", {"elapsed_s": 10.0}), "waiting for JupyterLab"),
        (LifecycleEvent("waiting", "", {"elapsed_s": 10.0, "ending": True}), "waiting for its end"),
        (LifecycleEvent("stopping", ""), "waiting for its end"),
        (LifecycleEvent("ready", "", {"job_id": "3"}), None),
        (LifecycleEvent("stopped", ""), None),
    ],
)
def test_each_step_says_what_is_waited_for_next(event: LifecycleEvent, awaited: str | None) -> None:
    assert progress._awaited(event) == awaited
