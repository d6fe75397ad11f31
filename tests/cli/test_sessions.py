"""`jlab-mcp sessions`."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.sessions import close_all, listed, session, waiting_for
from tests.commands import finish, run, spawn
from tests.conftest import Project, make_project
from tests.profiles import LOCAL, paths_of, with_profiles


@pytest.mark.live
def test_sessions_are_listed_with_what_they_run(live_project: Project, tmp_path: Path) -> None:
    close_all(live_project)
    none = run(live_project, "sessions")
    assert (none.returncode, none.stdout) == (0, "")
    assert "no session is open" in none.stderr
    with session(live_project, "idle one") as idle, session(live_project, "busy one") as busy:
        code = f"print('epoch 3', flush=True)\n{waiting_for(tmp_path / 'go')}"
        running = spawn(live_project, "exec", "-s", busy, code)
        assert running.stdout is not None
        assert running.stdout.readline() == "epoch 3\n"
        told = run(live_project, "sessions").stdout.splitlines()
        found = {each["session_id"]: each for each in listed(live_project)}
        (tmp_path / "go").touch()
        assert finish(running)[0] == 0
    assert told[0].split() == ["ID", "NAME", "KERNEL", "STATE", "RUNNING", "ACTIVE", "NOTEBOOK"]
    rows = {line.split()[0]: line for line in told[1:]}
    assert rows.keys() == {idle, busy} == found.keys()
    assert "idle one  python3  idle   -" in rows[idle]
    assert "busy one  python3  busy   cell 0 for" in rows[busy]
    assert ": epoch 3" in rows[busy]
    assert rows[busy].endswith(" notebooks/busy one.ipynb") or rows[busy].endswith("notebooks/busy_one.ipynb")
    cell = found[busy]["running_cell"]
    assert (cell["cell_index"], cell["latest_line"]) == (0, "epoch 3")
    assert found[idle]["running_cell"] is None
    assert found[idle]["profile"] == "local"


@pytest.mark.live
def test_all_projects_are_asked_where_that_is_wanted(live_project: Project, tmp_path: Path) -> None:
    elsewhere = Project(make_project(tmp_path).folder, live_project.env)
    with session(live_project, "far") as far:
        here = run(elsewhere, "sessions")
        assert here.returncode == 4
        everywhere = run(elsewhere, "sessions", "--all")
        assert everywhere.returncode == 0
        assert far in everywhere.stdout
        told = json.loads(run(elsewhere, "sessions", "--all", "--json").stdout)
        assert str(live_project.folder) in {each["project_dir"] for each in told["sessions"]}


@pytest.mark.live
def test_a_server_that_does_not_answer_holds_nothing_up_and_is_named(bare_project: Project) -> None:
    project = with_profiles(bare_project, big=LOCAL, small=LOCAL)
    for profile in ("big", "small"):
        assert run(project, "start", "-d", "--profile", profile).returncode == 0
    pid = json.loads(paths_of(project, "small").connection_file.read_bytes())["pid"]
    try:
        assert run(project, "exec", "--profile", "big", "--new", "near", "x = 41").returncode == 0
        (near,) = listed(project)
        os.kill(pid, signal.SIGSTOP)
        told = run(project, "sessions")
        ran = run(project, "exec", "x + 1")
        alone = run(project, "sessions", "--profile", "small")
        offered = completed(project, "exec", "--session", near["session_id"][:2])
    finally:
        os.kill(pid, signal.SIGCONT)
        run(project, "stop", "--all")
    silent = f"the server of `{project.folder}` (profile small) did not answer within 10 s"
    assert told.returncode == 0
    assert near["session_id"] in told.stdout
    assert f"warning: {silent}" in told.stderr
    assert (ran.returncode, ran.stdout) == (0, "42\n")
    assert f"warning: {silent}" in ran.stderr
    assert "(near), the only one that is known to be open" in ran.stderr
    assert (alone.returncode, alone.stdout) == (6, "")
    assert f"error[JLM-SERVER-UNREACHABLE]: {silent}" in alone.stderr
    assert offered == [near["session_id"]]


def completed(project: Project, *typed: str) -> list[str]:
    """What bash offers for the last word."""
    asked = {
        "_JLAB_MCP_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["jlab-mcp", *typed]),
        "COMP_CWORD": str(len(typed)),
    }
    return run(project, **asked).stdout.split()


def test_without_a_server_the_remedy_is_told(bare_project: Project) -> None:
    for arguments in ([], ["--all"]):
        told = run(bare_project, "sessions", *arguments)
        assert (told.returncode, told.stdout) == (4, "")
        assert "hint: start it with `jlab-mcp start`" in told.stderr
