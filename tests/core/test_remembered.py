"""What a server remembers of its settings, and what counts as a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jlab_mcp.core.profile import Profile
from jlab_mcp.core.record import StartedWith
from jlab_mcp.core.remembered import Change, changes, remember
from jlab_mcp.core.resolver import Facts, Origin, Origins, resolve

FACTS = Facts(Path("/p"), Path("/home/me"), profile="a100", chosen_by=Origin("flag", "--profile", "a100"))


def started(values: dict[str, Any], origins: dict[str, Origin] | None = None, **facts: Any) -> StartedWith:
    known = Facts(**{name: getattr(FACTS, name) for name in FACTS.__slots__} | facts)
    return remember(resolve(Profile.model_validate(values), known, origins=Origins(origins or {}, {})))


def sentences(then: StartedWith, now: StartedWith) -> list[str]:
    return [change.sentence for change in changes(then, now)]


def test_what_is_set_is_remembered_by_its_dotted_path() -> None:
    found = started(
        {"mode": "slurm", "slurm": {"time": "4:00:00", "gpus": "a100:2"}, "env": {"modules": "cuda gcc", "venv": "~/v"}}
    )  # fmt: skip
    assert (found.mode, found.chosen_by) == ("slurm", "--profile")
    assert found.settings["slurm.time"] == "4:00:00"
    assert found.settings["env.modules"] == ["cuda", "gcc"]
    assert found.settings["env.venv"] == "/home/me/v"
    assert found.settings["notebook.dir"] == "/p/notebooks"
    assert "slurm.account" not in found.settings
    assert not [path for path in found.settings if path.startswith("output.")]
    assert StartedWith.model_validate_json(found.model_dump_json()) == found


def test_nothing_that_may_hold_a_secret_is_written_down() -> None:
    values = {"env": {"vars": {"KEY": "hunter2"}, "prologue": "export A=hunter2", "epilogue": "echo hunter2"}}
    found = started(values, template="#!/bin/bash\n# hunter2\n")
    assert "hunter2" not in found.model_dump_json()
    assert sorted(found.hidden) == ["env.epilogue", "env.prologue", "env.vars.KEY", "template"]


def test_a_change_of_a_secret_is_noticed_and_not_shown() -> None:
    then = started({"mode": "slurm", "env": {"vars": {"KEY": "hunter2"}}})
    now = started({"mode": "slurm", "env": {"vars": {"KEY": "hunter3"}}})
    assert sentences(then, now) == ["env.vars.KEY has changed since the server started; restart it to apply"]
    assert sentences(then, then) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"time": "4:00:00"}, {"time": "8:00:00"}, "slurm.time was 4:00:00 when the server started and is 8:00:00 now"),
        ({}, {"qos": "high"}, "slurm.qos was unset when the server started and is high now"),
        ({"exclusive": True}, {}, "slurm.exclusive was true when the server started and is unset now"),
    ],
)  # fmt: skip
def test_a_change_says_what_was_and_what_is(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    then, now = (started({"mode": "slurm", "slurm": values}) for values in (before, after))
    assert sentences(then, now) == [f"{said}; restart it to apply"]


def test_how_much_is_shown_needs_no_restart() -> None:
    other = {"output": {"text_chars": 5}, "server": {"ready_timeout": 5}, "description": "other"}
    assert changes(started({}), started(other)) == []


def test_what_was_said_for_one_start_is_no_change() -> None:
    by_flag = {"slurm.time": Origin("flag", "TIME", "1:00:00")}
    then = started({"mode": "slurm", "slurm": {"time": "1:00:00"}}, by_flag)
    assert changes(then, started({"mode": "slurm", "slurm": {"time": "4:00:00"}})) == []


def test_a_local_server_heeds_nothing_of_slurm() -> None:
    then = started({"mode": "local", "slurm": {"time": "1:00:00"}})
    assert changes(then, started({"mode": "local", "slurm": {"time": "4:00:00"}})) == []


def test_another_mode_is_the_one_change_that_counts() -> None:
    then, now = started({"mode": "local"}), started({"mode": "slurm", "slurm": {"time": "1"}})
    assert changes(then, now) == [Change(setting="mode", then="local", now="slurm")]
