"""Which layer wins: every pair of them, for every shape of value."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jlab_mcp.config import environment
from jlab_mcp.core.profile import Settings
from jlab_mcp.core.resolver import PUBLISHED_SLURM, setting_paths, value_at
from tests.config.world import World

SETTINGS = {
    "slurm.time": ("1:11:11", "2:22:22", "JLAB_MCP_SLURM_TIME"),
    "slurm.cpus_per_task": (11, 22, "JLAB_MCP_SLURM_CPUS"),
    "slurm.exclusive": (True, "user", "JLAB_MCP_SLURM_EXCLUSIVE"),
    "env.modules": (("low/1", "low/2"), ("high",), "JLAB_MCP_ENV_MODULES"),
    "env.vars.HF_HOME": ("/low", "/high", "JLAB_MCP_ENV_VARS_HF_HOME"),
    "env.container.image": ("low.sif", "high.sif", "JLAB_MCP_ENV_CONTAINER_IMAGE"),
    "server.ready_timeout": (11.0, 22.0, "JLAB_MCP_SERVER_READY_TIMEOUT"),
    "output.text_chars": (1111, 2222, "JLAB_MCP_OUTPUT_TEXT_CHARS"),
    "mode": ("slurm", "local", "JLAB_MCP_RUN_MODE"),
}
"""Two values of each, and the variable; one setting for every shape of value there is."""

LAYERS = ["site", "user", "parent", "profile", "project", "variable", "flag"]
"""Lowest first."""


def _toml(path: str, value: object) -> str:
    section, _, key = path.rpartition(".")
    return (f"[{section}]\n" if section else "") + f"{key} = {json.dumps(value)}\n"


def _text(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _say(world: World, layer: str, path: str, value: object, variable: str) -> dict[str, str]:
    """Set a value in one layer; return what the flags have to say."""
    files: dict[str, Callable[[], Path]] = {
        "site": lambda: world.site / "config.toml",
        "user": lambda: world.user / "config.toml",
        "parent": lambda: world.user / "profiles/parent.toml",
        "profile": lambda: world.user / "profiles/p.toml",
        "project": lambda: world.project_file,
    }
    if layer in files:
        file = files[layer]()
        file.write_text((file.read_text() if file.exists() else "") + _toml(path, value))
    elif layer == "variable":
        world.env[variable] = _text(value)
    return {path: _text(value)} if layer == "flag" else {}


def _trust_project(world: World) -> None:
    import hashlib

    if world.project_file.exists():
        hash_ = hashlib.sha256(world.project_file.read_bytes()).hexdigest()
        (world.user / "trusted.toml").write_text(
            f"[files]\n{json.dumps(str(world.project_file))} = '{hash_}'\n"
        )


@pytest.mark.parametrize("path", SETTINGS)
@pytest.mark.parametrize(("low", "high"), list(itertools.combinations(LAYERS, 2)))
def test_the_higher_of_two_layers_wins_and_says_what_it_overrode(
    world: World, low: str, high: str, path: str
) -> None:
    below, above, variable = SETTINGS[path]
    world.profile("parent", "")
    world.profile("p", 'extends = "parent"\n')
    flags = _say(world, low, path, below, variable) | _say(world, high, path, above, variable)
    _trust_project(world)
    resolved = world.load("p", flags=flags)
    assert value_at(resolved.profile, path) == above
    kinds = {"parent": "profile"}
    assert resolved.origins[path].kind == kinds.get(high, high)
    assert [origin.kind for origin in resolved.overridden[path]] == [kinds.get(low, low)]


@pytest.mark.parametrize("path", SETTINGS)
@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_beats_what_is_built_in(world: World, layer: str, path: str) -> None:
    _, above, variable = SETTINGS[path]
    world.profile("parent", "")
    world.profile("p", 'extends = "parent"\n')
    flags = _say(world, layer, path, above, variable)
    _trust_project(world)
    resolved = world.load("p", flags=flags)
    assert value_at(resolved.profile, path) == above
    assert path not in resolved.overridden


def test_layers_add_up_where_they_set_different_things(world: World) -> None:
    world.profile("base", '[slurm]\npartition = "gpu"\nmem = "1G"\n[env.vars]\nA = "1"\nB = "1"\n')
    world.profile("mine", 'extends = "base"\n[slurm]\nmem = "2G"\n[env.vars]\nB = "2"\n')
    resolved = world.load("mine", JLAB_MCP_SLURM_QOS="short", JLAB_MCP_ENV_VARS_C="3")
    assert resolved.slurm.model_dump(exclude_none=True) == {"partition": "gpu", "mem": "2G", "qos": "short"}
    assert resolved.env.vars == {"A": "1", "B": "2", "C": "3"}


def test_every_setting_has_a_variable() -> None:
    reached = {environment.setting_of(name) for name in environment.variables()}
    assert reached == {*setting_paths(Settings)} - {"version", "env.vars"}
    assert environment.setting_of("JLAB_MCP_ENV_VARS_OMP_NUM_THREADS") == "env.vars.OMP_NUM_THREADS"


def test_the_word_none_takes_back_what_a_lower_layer_set(world: World) -> None:
    world.profile("base", '[slurm]\nmem = "1G"\ngres = "gpu:1"\n[env.container]\nimage = "x.sif"\n')
    world.profile(
        "mine", 'extends = "base"\nslurm.mem = "none"\nslurm.mem_per_cpu = "4G"\nenv.container = "none"\n'
    )
    resolved = world.load("mine", JLAB_MCP_SLURM_GRES="None")
    assert resolved.slurm.model_dump(exclude_none=True) == {"mem_per_cpu": "4G"}
    assert resolved.env.container is None


def test_nothing_of_a_section_that_was_taken_back_comes_again_with_a_new_one(world: World) -> None:
    world.profile("base", '[env.vars]\nOLD = "1"\n[env.container]\nimage = "old.sif"\nruntime = "pyxis"\n')
    world.profile("p", 'extends = "base"\n[env]\nvars = "none"\ncontainer = "none"\n')
    resolved = world.load("p", JLAB_MCP_ENV_VARS_NEW="2", JLAB_MCP_ENV_CONTAINER_IMAGE="new.sif")
    assert resolved.env.vars == {"NEW": "2"}
    assert resolved.env.container is not None
    assert (resolved.env.container.image, resolved.env.container.runtime) == ("new.sif", "apptainer")
    told = [resolved.origins["env.container.image"], *resolved.overridden["env.container.image"]]
    assert [origin.text for origin in told] == ["new.sif", "none", "old.sif"]


def test_sbatchs_own_none_is_a_value_of_export_alone(world: World) -> None:
    world.profile("p", '[slurm]\nexport = "NONE"\nmem = "NONE"\n')
    assert world.load("p").slurm.model_dump(exclude_none=True) == {"export": "NONE"}
    assert world.load("p", JLAB_MCP_SLURM_EXPORT="none").slurm.export is None


def test_the_published_defaults_hold_only_where_no_profile_is_chosen(world: World) -> None:
    world.profile("p", "")
    assert world.load("p").slurm.model_dump(exclude_none=True) == {}
    (world.user / "config.toml").write_text('profile = "p"\n')
    assert world.load().slurm.model_dump(exclude_none=True) == {}
    assert world.load("none").slurm.model_dump(exclude_none=True) == dict(PUBLISHED_SLURM)


@pytest.mark.parametrize(
    ("variable", "value", "gone"),
    [
        ("JLAB_MCP_SLURM_MEM_PER_CPU", "4G", "mem"),
        ("JLAB_MCP_SLURM_MEM_PER_GPU", "4G", "mem"),
        ("JLAB_MCP_SLURM_GPUS", "2", "gres"),
        ("JLAB_MCP_SLURM_GPUS_PER_NODE", "a100:2", "gres"),
        ("JLAB_MCP_SLURM_CPUS_PER_GPU", "8", "cpus_per_task"),
    ],
)
def test_a_published_default_gives_way_to_what_it_cannot_stand_beside(
    world: World, variable: str, value: str, gone: str
) -> None:
    slurm = world.load(flags=None, **{variable: value}).slurm.model_dump(exclude_none=True)
    assert slurm.keys() & PUBLISHED_SLURM.keys() == PUBLISHED_SLURM.keys() - {gone}
