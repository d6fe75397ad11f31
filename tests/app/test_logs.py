"""`jlab-mcp logs` on a server of this machine."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from jlab_mcp.storage.logs import prepare_log
from tests.commands import finish, kill, record_of, run, spawn
from tests.conftest import Project

pytestmark = pytest.mark.live


def log_of(project: Project) -> Path:
    return project.resolved().paths.log_file


def move_log(project: Project) -> None:
    """Begin a log into which the server, which says something now and then, does not write: it keeps the old one."""
    log = log_of(project)
    log.rename(log.with_name(f"{log.name}.moved"))
    log.touch()


def add(project: Project, text: str) -> None:
    """Add to the log as a server does."""
    with log_of(project).open("a", encoding="utf-8") as file:
        file.write(text)


def test_the_log_is_shown_while_the_server_runs_and_after_it(bare_project: Project) -> None:
    assert run(bare_project, "logs").returncode == 4
    asyncio.run(bare_project.start())
    whole = run(bare_project, "logs", "-n", "0")
    assert "jupyterlab | extension was successfully loaded" in whole.stdout
    assert whole.stderr == f"{log_of(bare_project)}:\n"
    move_log(bare_project)
    add(bare_project, "one\ntwo\nunfin")
    assert run(bare_project, "logs", "-n", "2").stdout == "two\nunfin\n"
    asyncio.run(bare_project.stop())
    assert "unfin" in run(bare_project, "logs", "-n", "0").stdout


def test_following_goes_on_in_a_log_begun_anew_and_ends_with_the_server(bare_project: Project) -> None:
    asyncio.run(bare_project.start())
    move_log(bare_project)
    add(bare_project, "before\nunfin")
    following = spawn(bare_project, "logs", "--follow", "--lines", "1")
    try:
        assert following.stdout is not None
        assert following.stdout.readline() == "before\n"
        add(bare_project, "ished\n")
        assert following.stdout.readline() == "unfinished\n"
        prepare_log(log_of(bare_project))  # as a start does
        add(bare_project, "anew\n")
        assert following.stdout.readline() == "anew\n"
        record = record_of(bare_project)
        assert record is not None
        kill(record)
        add(bare_project, "the last line has no end")
        code, out, _ = finish(following)
    finally:
        following.kill()
        following.communicate()
    assert (code, out) == (0, "the last line has no end\n")


def test_ctrl_c_ends_following_and_leaves_the_server(bare_project: Project) -> None:
    asyncio.run(bare_project.start())
    move_log(bare_project)
    add(bare_project, "shown\n")
    following = spawn(bare_project, "logs", "--follow", "--lines", "1")
    assert following.stdout is not None
    assert following.stdout.readline() == "shown\n"
    following.send_signal(signal.SIGINT)
    code, _, err = finish(following)
    assert (code, "Traceback" in err) == (130, False)
    assert run(bare_project, "status").returncode == 0
