"""The list of profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.app.profiles.listing import ListedProfile, ProfileList, list_profiles


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config/jlab-mcp/profiles").mkdir(parents=True)
    return tmp_path


def _write(home: Path, name: str, text: str) -> Path:
    path = home / f".config/jlab-mcp/profiles/{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _list(home: Path, profile: str | None = None, **environ: str) -> ProfileList:
    return list_profiles(profile, project_dir=home, environ={"HOME": str(home), **environ})


def _entry(listed: ProfileList, name: str) -> ListedProfile:
    return next(entry for entry in listed.profiles if entry.name == name)


def test_a_profile_is_listed_as_it_would_be_used_here(home: Path) -> None:
    path = _write(
        home, "big", 'description = "Two"\nmode = "slurm"\n[slurm]\ngres = "gpu:a100:2"\ntime = 90\n'
    )
    big = _entry(_list(home, JLAB_MCP_SLURM_TIME="2:00:00"), "big")
    assert (big.level, big.path, big.mode, big.gpus, big.time) == (
        "user",
        path,
        "slurm",
        "2x a100",
        "2:00:00",
    )
    assert (big.description, big.chosen, big.problem) == ("Two", False, None)


def test_shipped_profiles_are_listed_and_a_users_own_of_the_same_name_hides_one(home: Path) -> None:
    assert _entry(_list(home), "local").level == "shipped"
    shipped = _entry(_list(home), "slurm-generic").path
    _write(home, "slurm-generic", 'mode = "local"\n')
    mine = _entry(_list(home), "slurm-generic")
    assert (mine.level, mine.mode, mine.hides) == ("user", "local", (shipped,))


def test_the_chosen_one_is_marked_with_what_chose_it(home: Path) -> None:
    _write(home, "mine", "")
    by_variable = _list(home, JLAB_MCP_PROFILE="mine")
    assert (by_variable.chosen, by_variable.chosen_by) == ("mine", "JLAB_MCP_PROFILE")
    assert [entry.name for entry in by_variable.profiles if entry.chosen] == ["mine"]
    assert _list(home, "local", JLAB_MCP_PROFILE="mine").chosen_by == "--profile"
    (home / ".config/jlab-mcp/config.toml").write_text('# mine\nprofile = "mine"\n')
    assert _list(home).chosen_by == "~/.config/jlab-mcp/config.toml:2"


def test_a_broken_profile_shows_its_first_problem_beside_the_others(home: Path) -> None:
    _write(home, "bad", '[slurm]\ngpus = "lots"\ncpus_per_task = "x"\n')
    listed = _list(home)
    problem = _entry(listed, "bad").problem
    assert problem
    assert problem.startswith("~/.config/jlab-mcp/profiles/bad.toml:2: slurm.gpus: ")
    assert _entry(listed, "local").problem is None
    assert listed.problems == ()


def test_a_broken_variable_is_told_once_and_no_profile_is_blamed(home: Path) -> None:
    _write(home, "mine", 'mode = "slurm"\n[slurm]\ngpus = 1\n')
    listed = _list(home, JLAB_MCP_PORT_MIN="x")
    assert len(listed.problems) == 1
    assert "JLAB_MCP_PORT_MIN" in listed.problems[0]
    assert (_entry(listed, "mine").problem, _entry(listed, "mine").gpus) == (None, "1 GPU")


def test_a_chosen_profile_that_is_not_there_is_named(home: Path) -> None:
    listed = _list(home, JLAB_MCP_PROFILE="gone")
    assert listed.chosen == "gone"
    assert 'JLAB_MCP_PROFILE: there is no profile "gone"' in listed.problems[0]
