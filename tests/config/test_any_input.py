"""Whatever files, variables and flags hold: settings come of it, or sentences about it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jlab_mcp.config.environment import variables
from jlab_mcp.config.layers import put
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.remembered import remember
from jlab_mcp.core.resolver import setting_paths
from jlab_mcp.errors import ConfigError
from tests.config.world import World

_PATHS = sorted({*setting_paths(Profile), "profile", "slurm", "env", "env.container", "env.vars.A", "match"})
_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "none", "~", "~nobody/x", "~\0/x", "a\nb", "9" * 5_000, "a" * 5_000, "nan", "gpu:1", "${X}", "$HOME",
     ", ,", "`id`", "$(id)", "--chdir=/x", '--foo="', "99999999999-0", "٣", "fe80::1%lo", "/dev/null", "p"]
)  # fmt: skip
_VALUES = st.recursive(
    _TEXTS | st.integers() | st.booleans() | st.floats() | st.dates() | st.times() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
_LINES = st.lists(
    st.sampled_from(
        ["[slurm]", "[slurm.time]", "[[slurm]]", "[a", "time = 4:00:00", "account = 012", "= 3", "a = [", "]", "'''",
         "\0", "\r", "vars = 3", "profile = 3", 'extends = "p"', 'extends = "q"', 'match.hostname = "*"',
         "port = " + "9" * 5_000, "mem = 0x" + "f" * 5_000, "a = " + "[" * 3_000, "a." * 2_000 + "b = 1"]
    ),
    max_size=8,
).map("\n".join)  # fmt: skip


def _nested(items: list[tuple[str, object]]) -> str:
    values: dict[str, Any] = {}
    for path, value in items:
        put(values, path, value)
    return tomli_w.dumps(values)


_FILES = st.lists(
    st.tuples(st.sampled_from(_PATHS) | st.text(min_size=1, max_size=8), _VALUES), max_size=6
).map(_nested)
_NAMES = st.sampled_from(
    [*sorted(variables()), "JLAB_MCP_PROFILE", "JLAB_MCP_CONFIG", "JLAB_MCP_ENV_VARS_A.B", "JLAB_MCP_X\udcff",
     "JLAB_MCP_ENV_VARS_\udcff", "XDG_CONFIG_DIRS"]
)  # fmt: skip
_ENVIRONMENT_TEXTS = _TEXTS.map(lambda text: text.replace("\0", "")) | st.sampled_from(
    ["\udcff", "\udcff${x}"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("project", "user", "p", "q", "site"), _FILES | _LINES)
    ),
    environ=st.dictionaries(_NAMES, _ENVIRONMENT_TEXTS, max_size=4),
    flags=st.dictionaries(st.sampled_from(_PATHS), _TEXTS, max_size=3),
    profile=st.sampled_from([None, "p", "q", "none", "../p", "raven"]),
)
def test_any_input_gives_settings_or_sentences(
    files: dict[str, str], environ: dict[str, str], flags: dict[str, str], profile: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        places = {
            "project": world.project_file,
            "user": world.user / "config.toml",
            "p": world.user / "profiles/p.toml",
            "q": world.user / "profiles/q.toml",
            "site": world.site / "config.toml",
        }
        for name, text in files.items():
            places[name].write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            resolved = world.load(profile, flags=flags, **environ)
            told = [*resolved.warnings, *map(str, resolved.origins.values()), remember(resolved).mode]
            told += [origin.text for origin in resolved.origins.values()]
        except ConfigError as error:
            told = list(error.problems)
    assert told
    assert json.dumps(told, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mem = 0x" + "f" * 5_000, "64 bits"),
        ("mem = " + "9" * 5_000, "64 bits"),
        ("a." * 2_000 + "b = 1", "32 deep"),
        ("a = " + "[" * 3_000, "32 deep"),
    ],
)
def test_toml_beyond_all_measure_is_one_sentence(world: World, line: str, said: str) -> None:
    world.profile("p", line + "\n")
    (problem,) = world.problems("p")
    assert problem.startswith("p.toml")
    assert said in problem


@pytest.mark.parametrize("name", ["JLAB_MCP_CONFIG", "XDG_CONFIG_HOME", "HOME"])
@pytest.mark.parametrize("folder", ["/" + "a" * 5_000, "/tmp/\udcff"])
def test_a_users_folder_that_cannot_be_is_one_sentence(world: World, name: str, folder: str) -> None:
    world.env[name] = folder
    (problem,) = world.problems()
    assert problem.encode("utf-8")


def test_a_sites_folder_that_cannot_be_looked_into_is_left_out(world: World) -> None:
    (world.site / "config.toml").write_text('[slurm]\naccount = "ours"\n')
    dirs = f"/{'a' * 5_000}:/tmp/\udcff:{world.site.parent}"
    assert world.load(XDG_CONFIG_DIRS=dirs).slurm.account == "ours"


@pytest.mark.parametrize("text", ["hf_abc\nx", "hf_abc${x}", "hf_abc\udcff"])
def test_what_may_be_a_secret_is_in_no_sentence(world: World, text: str) -> None:
    (problem,) = world.problems(JLAB_MCP_ENV_VARS_HF_TOKEN=text)
    assert "HF_TOKEN" in problem
    assert "hf_abc" not in problem


def test_what_may_be_a_secret_is_not_told_of_a_line_with_a_mistake_either(world: World) -> None:
    world.profile("p", "[env]\nvars.HF_TOKEN = hf_abc\n")
    assert world.problems("p") == ['p.toml:2: vars.HF_TOKEN: text must be quoted: vars.HF_TOKEN = "***"']


def test_a_required_setting_that_does_not_exist_is_told(world: World) -> None:
    world.profile("p", 'required = ["slurm.acount", "env.vars.A", "slurm.qos"]\n')
    assert world.problems("p") == [
        "p.toml:1: required: there is no setting slurm.acount, did you mean `slurm.account`?"
    ]
