"""Several servers of one project, one for each profile: real commands, real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jlab_mcp.app import context
from jlab_mcp.app.servers import servers
from tests.commands import alive, files_of, kill, run
from tests.conftest import Project, make_project
from tests.profiles import LOCAL, paths_of, profile_file, record_of, with_profiles

pytestmark = pytest.mark.live


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with the local profiles `big` and `small`; whatever runs of it is stopped at the end."""
    made = with_profiles(make_project(tmp_path), big=LOCAL, small=LOCAL)
    yield made
    run(made, "stop", "--all")


def start(project: Project, profile: str) -> None:
    done = run(project, "start", "-d", "--profile", profile)
    assert done.returncode == 0, done.stderr


def profiles_shown(project: Project) -> dict[str, str]:
    told = run(project, "status", "--all", "--json")
    return {each["profile"]: each["state"] for each in json.loads(told.stdout)["servers"]}


def test_each_profile_has_a_server_and_one_that_is_stopped_leaves_the_other(project: Project) -> None:
    start(project, "big")
    start(project, "small")
    big, small = record_of(project, "big"), record_of(project, "small")
    assert profiles_shown(project) == {"big": "ready", "small": "ready"}

    for command in ("status", "stop", "wait"):
        told = run(project, command)
        assert told.returncode == 14, told.stderr
        assert "big (running), small (running)" in told.stderr
        assert "hint: name one with `--profile NAME`" in told.stderr
    assert run(project, "status", JLAB_MCP_PROFILE="big").returncode == 0

    assert run(project, "stop", "--profile", "big").returncode == 0
    assert (alive(big), alive(small)) == (False, True)
    assert profiles_shown(project) == {"small": "ready"}

    only = run(project, "status", "--json")
    assert (only.returncode, json.loads(only.stdout)["profile"]) == (0, "small")
    assert "warning: this is the server of profile small, the only one that runs" in only.stderr
    other = run(project, "status", "--profile", "big")
    assert (other.returncode, other.stderr.startswith("hint:")) == (4, True), other.stderr

    assert run(project, "stop").returncode == 0
    assert not alive(small)
    assert run(project, "status", "--all").returncode == 4
    assert files_of(project) == []


def test_all_servers_are_stopped_at_once(project: Project) -> None:
    start(project, "big")
    start(project, "small")
    kill(record_of(project, "big"))
    small = record_of(project, "small")
    told = run(project, "stop", "--all", "--json")
    stopped = {each["profile"]: each["state"] for each in json.loads(told.stdout)["servers"]}
    assert (told.returncode, stopped) == (0, {"big": "cleaned", "small": "stopped"})
    assert not alive(small)
    nothing = run(project, "stop", "--all", "--json")
    assert (nothing.returncode, json.loads(nothing.stdout)) == (0, {"servers": []})


def test_stopping_what_is_left_of_the_own_server_spares_the_other(project: Project) -> None:
    start(project, "big")
    start(project, "small")
    kill(record_of(project, "big"))
    told = run(project, "stop", JLAB_MCP_PROFILE="big")
    assert (told.returncode, "its record has been removed" in told.stderr) == (0, True), told.stderr
    assert alive(record_of(project, "small"))


@pytest.mark.parametrize("broken", [None, "mode = cloud\n"])
def test_a_server_outlives_its_profile(project: Project, broken: str | None) -> None:
    start(project, "big")
    record = record_of(project, "big")
    profile_file(project, "big").unlink()
    if broken:
        profile_file(project, "big").write_text(broken)
    told = run(project, "status", "--profile", "big", "--json")
    assert (told.returncode, json.loads(told.stdout)["state"]) == (0, "ready"), told.stderr
    assert "going by the record of its server" in told.stderr
    assert run(project, "wait", JLAB_MCP_PROFILE="big").returncode == 0
    stopped = run(project, "stop", "--profile", "big")
    assert (stopped.returncode, alive(record)) == (0, False), stopped.stderr
    assert run(project, "stop", "--profile", "big").returncode == 3


def test_the_record_of_another_project_is_none_of_this_one(project: Project, tmp_path: Path) -> None:
    start(project, "big")
    (tmp_path / "elsewhere").mkdir()
    namesake = Project(tmp_path / "elsewhere" / project.folder.name, project.env)
    namesake.folder.mkdir()
    assert run(namesake, "status", "--all").returncode == 4
    copied = paths_of(project, "big").record_file
    (copied.parent / f"{copied.name.partition('.')[0]}0.record.json").write_bytes(copied.read_bytes())
    assert profiles_shown(project) == {"big": "ready"}


def test_what_changed_since_the_start_is_shown_until_a_restart(project: Project) -> None:
    profile_file(project, "big").write_text(
        LOCAL + '[server]\nport_max = 18500\n[env.vars]\nKEY = "hunter2"\n'
    )
    start(project, "big")
    assert "hunter2" not in paths_of(project, "big").record_file.read_text()
    same = json.loads(run(project, "status", "--profile", "big", "--json").stdout)
    assert (same["changes"], same["settings"]["server.port_max"]) == ([], 18500)

    profile_file(project, "big").write_text(LOCAL + "[server]\nport_max = 18600\n[output]\ntext_chars = 5\n")
    told = run(project, "status", "--profile", "big")
    assert "big (local), chosen by --profile" in told.stdout
    restart = "server.port_max was 18500 when the server started and is 18600 now; restart it to apply"
    shown = [
        line.partition("changed")[2].strip()
        for line in told.stdout.splitlines()
        if line.startswith("changed")
    ]
    assert shown == ["env.vars.KEY has changed since the server started; restart it to apply", restart]
    again = run(project, "start", "-d", "--profile", "big")
    assert (again.returncode, f"warning: {restart}" in again.stderr) == (0, True), again.stderr
    run(project, "stop", "--profile", "big")
    start(project, "big")
    assert "\nchanged" not in run(project, "status", "--profile", "big").stdout


def test_a_server_that_an_older_version_wrote_down_is_used_as_before(project: Project) -> None:
    start(project, "big")
    path = paths_of(project, "big").record_file
    values = json.loads(path.read_bytes())
    del values["started_with"]
    path.write_text(json.dumps(values))
    told = run(project, "status", "--profile", "big", "--json")
    status = json.loads(told.stdout)
    assert (told.returncode, status["state"], status["changes"]) == (0, "ready", [])
    assert run(project, "stop").returncode == 0


def test_a_record_of_a_newer_version_can_be_read(project: Project) -> None:
    start(project, "big")
    path = paths_of(project, "big").record_file
    values = json.loads(path.read_bytes())
    values["started_with"] |= {"weather": "fine"}
    path.write_text(json.dumps(values | {"colour": "blue"}))
    assert run(project, "status", "--profile", "big").returncode == 0


def test_a_broken_connection_file_hides_no_server_from_the_list(project: Project) -> None:
    start(project, "big")
    start(project, "small")
    paths_of(project, "big").connection_file.write_text("{")
    assert profiles_shown(project) == {"big": "unreachable", "small": "ready"}
    found = servers(context.load("small", project_dir=project.folder, environ=project.env))
    assert [each.state for each in found] == ["starting", "running"]
    assert run(project, "stop", "--all").returncode == 0
    assert files_of(project) == []


def test_a_broken_record_of_the_server_in_use_is_shown_and_cleared_with_all(project: Project) -> None:
    start(project, "big")
    record = record_of(project, "big")
    paths_of(project, "big").record_file.write_text("{")
    told = run(project, "status", "--all", JLAB_MCP_PROFILE="big")
    assert (told.returncode, "is broken" in told.stdout) == (6, True), told.stdout + told.stderr
    stopped = run(project, "stop", "--all", JLAB_MCP_PROFILE="big")
    assert (stopped.returncode, alive(record), files_of(project)) == (0, False, []), stopped.stderr


def test_all_and_a_profile_at_once_is_a_wrong_command(project: Project) -> None:
    for command in ("status", "stop"):
        told = run(project, command, "--all", "--profile", "big")
        assert (told.returncode, "not both" in told.stderr) == (2, True)
