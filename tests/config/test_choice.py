"""Which profile is used, and which folders are looked at."""

from __future__ import annotations

import itertools
import os

import pytest

from tests.config.world import World

CHOOSERS = ["match", "site", "user", "project", "variable", "flag"]
"""What can choose a profile, lowest first."""


def _choose(world: World, by: str, name: str) -> str | None:
    """Let something choose a profile; return what the flag says."""
    files = {
        "site": world.site / "config.toml",
        "user": world.user / "config.toml",
        "project": world.project_file,
    }
    if by == "match":
        world.profile(name, f'[match]\nhostname = ["{os.uname().nodename}"]\n')
    else:
        world.profile(name, "")
    if by in files:
        files[by].write_text(f'profile = "{name}"\n')
    if by == "variable":
        world.env["JLAB_MCP_PROFILE"] = name
    return name if by == "flag" else None


@pytest.mark.parametrize(("low", "high"), list(itertools.combinations(CHOOSERS, 2)))
def test_the_higher_of_two_choices_wins(world: World, low: str, high: str) -> None:
    flag = _choose(world, low, "lower")
    flag = _choose(world, high, "higher") or flag
    assert world.load(flag).name == "higher"


@pytest.mark.parametrize("by", CHOOSERS)
def test_a_choice_says_who_made_it(world: World, by: str) -> None:
    resolved = world.load(_choose(world, by, "only"))
    assert resolved.name == "only"
    where = {
        "match": f"this host is {os.uname().nodename.lower()}",
        "site": str(world.site / "config.toml"),
        "user": str(world.user / "config.toml"),
        "project": str(world.project_file),
        "variable": "JLAB_MCP_PROFILE",
        "flag": "--profile",
    }
    assert resolved.chosen_by.where == where[by]


def test_nothing_is_chosen_where_several_profiles_fit_and_they_are_named(world: World) -> None:
    for name in ("one", "two"):
        _choose(world, "match", name)
    resolved = world.load()
    assert resolved.name == "local"
    assert resolved.warnings == (
        "several profiles fit this machine (one, two), so none is used; choose with `--profile`",
    )


def test_a_users_profile_that_fits_goes_before_a_sites(world: World) -> None:
    match = f'[match]\nhostname = ["{os.uname().nodename}"]\n'
    world.profile("sites", match, level="site")
    assert world.load().name == "sites"
    world.profile("mine", f'extends = "sites"\n{match}')
    assert world.load().name == "mine"


def test_a_users_profile_that_extends_the_one_of_its_name_is_found_by_that_ones_match(world: World) -> None:
    world.profile("gpu", f'[match]\nhostname = ["{os.uname().nodename}"]\n', level="site")
    world.profile("gpu", 'extends = "gpu"\n[slurm]\naccount = "me"\n')
    resolved = world.load()
    assert (resolved.name, resolved.slurm.account) == ("gpu", "me")


def test_a_profile_fits_by_the_name_of_its_cluster(world: World) -> None:
    conf = world.root / "slurm.conf"
    conf.write_text("# ours\nclustername = Raven  # name\nSlurmctldHost=x\n")
    world.profile("raven-own", '[match]\ncluster = ["rav*n"]\nhostname = ["nowhere.example.org"]\n')
    assert world.load(SLURM_CONF=str(conf)).name == "raven-own"
    assert world.load(SLURM_CLUSTER_NAME="raven").name == "raven-own"
    assert world.load(SLURM_CLUSTER_NAME="other").name != "raven-own"


def test_match_is_not_inherited(world: World) -> None:
    world.profile("base", f'[match]\nhostname = ["{os.uname().nodename}"]\n[slurm]\nmem = "1G"\n')
    world.profile("child", 'extends = "base"\n')
    assert world.load().name == "base"
    assert world.load("child").profile.match is None
    assert world.load("child").slurm.mem == "1G"


def test_a_chain_of_profiles_is_followed_and_the_nearest_wins(world: World) -> None:
    world.profile("a", 'extends = "b"\n[slurm]\ntime = "1"\n')
    world.profile("b", 'extends = "c"\n[slurm]\ntime = "2"\nmem = "2G"\n', level="site")
    world.profile("c", '[slurm]\ntime = "3"\nmem = "3G"\nqos = "3"\n')
    assert world.load("a").slurm.model_dump(exclude_none=True) == {"time": "1", "mem": "2G", "qos": "3"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": "a"}, "a.toml:2: extends: there is no other profile of the name a"),
        ({"a": "b", "b": "a"}, "b.toml:2: extends: a → b → a goes round in a circle"),
        ({"a": "b", "b": "c", "c": "b"}, "c.toml:2: extends: a → b → c → b goes round in a circle"),
        ({"a": "nope"}, 'a.toml:2: extends: there is no profile "nope"'),
        ({"a": "locla.toml"}, 'a.toml:2: extends: there is no profile "locla.toml", did you mean `local`?'),
        ({"a": "../x"}, "a.toml:2: extends: expected a name"),
        (
            {"a": r"\u001b[2J"},
            r'a.toml:2: extends: expected a name of letters, digits, dots, dashes and underscores, at most 64, that begins with a letter or digit, got "\u001b[2J"',
        ),
    ],
)
def test_a_chain_that_does_not_end_well_is_refused_with_its_line(
    world: World, files: dict[str, str], said: str
) -> None:
    for name, parent in files.items():
        world.profile(name, f'# {name}\nextends = "{parent}"\n')
    problems = world.problems("a")
    assert any(problem.startswith(said) for problem in problems), problems


def test_a_users_profile_may_extend_the_sites_of_the_same_name(world: World) -> None:
    world.profile("gpu", '[slurm]\npartition = "gpu"\n', level="site")
    world.profile("gpu", 'extends = "gpu"\n[slurm]\naccount = "me"\n')
    assert world.load("gpu").slurm.model_dump(exclude_none=True) == {"partition": "gpu", "account": "me"}


def test_another_folder_may_hold_the_users_settings(world: World) -> None:
    other = world.root / "other"
    (other / "profiles").mkdir(parents=True)
    (other / "profiles/elsewhere.toml").write_text("")
    (other / "config.toml").write_text('profile = "elsewhere"\n')
    (world.user / "config.toml").write_text('profile = "nope"\n')
    assert world.load(JLAB_MCP_CONFIG=str(other)).name == "elsewhere"
    assert world.load(JLAB_MCP_CONFIG="~/../other").name == "elsewhere"
    gone = world.load(JLAB_MCP_CONFIG=str(world.root / "gone"))
    assert gone.warnings == (f"JLAB_MCP_CONFIG names `{world.root / 'gone'}`, which is not there",)


def test_xdg_folders_are_looked_at_in_their_order(world: World) -> None:
    (world.root / "xdg/jlab-mcp/profiles").mkdir(parents=True)
    (world.root / "xdg/jlab-mcp/profiles/mine.toml").write_text("")
    first, second = world.root / "first/jlab-mcp", world.root / "second/jlab-mcp"
    for folder, time in ((first, "1"), (second, "2")):
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(f'[slurm]\ntime = "{time}"\n')
    env = {
        "XDG_CONFIG_HOME": str(world.root / "xdg"),
        "XDG_CONFIG_DIRS": f"{first.parent}:{second.parent}:rel",
    }
    resolved = world.load("mine", flags=None, **env)
    assert resolved.slurm.time == "1"
    assert [origin.text for origin in resolved.overridden["slurm.time"]] == ["2"]


def test_a_setting_that_must_be_filled_in_is_missing_until_it_is(world: World) -> None:
    world.profile("base", 'mode = "slurm"\nrequired = ["slurm.account"]\n')
    world.profile("mine", 'extends = "base"\n')
    assert world.load("mine").missing == ("slurm.account",)
    assert world.load("mine", JLAB_MCP_RUN_MODE="local").missing == ()
    assert world.load("mine", JLAB_MCP_SLURM_ACCOUNT="me").missing == ()
