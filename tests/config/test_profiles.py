"""Profile files."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.app.context import load
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config/jlab-mcp/profiles").mkdir(parents=True)
    return tmp_path


def _write(home: Path, name: str, text: str) -> Path:
    path = home / f".config/jlab-mcp/profiles/{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _load(home: Path, profile: str | None = None, **environ: str) -> ResolvedProfile:
    return load(profile, project_dir=home, environ={"HOME": str(home), **environ})


def test_a_profile_is_chosen_by_flag_or_else_by_variable(home: Path) -> None:
    _write(home, "one", 'mode = "local"\n')
    _write(home, "two", 'mode = "slurm"\n')
    assert _load(home, JLAB_MCP_PROFILE="two").name == "two"
    assert _load(home, "one", JLAB_MCP_PROFILE="two").name == "one"


def test_a_variable_beats_the_profile_and_each_value_knows_its_origin(home: Path) -> None:
    path = _write(home, "big", 'mode = "slurm"\n[slurm]\ngres = "gpu:4"\nmem = "1G"\n')
    resolved = _load(home, "big", JLAB_MCP_SLURM_MEM="2G")
    assert (resolved.slurm.gres, resolved.slurm.mem) == ("gpu:4", "2G")
    assert resolved.origins["slurm.gres"].where == str(path)
    assert resolved.origins["slurm.mem"].where == "JLAB_MCP_SLURM_MEM"


def test_the_published_defaults_do_not_leak_into_a_chosen_profile(home: Path) -> None:
    _write(home, "bare", 'mode = "slurm"\n')
    assert _load(home, "bare").slurm.model_dump(exclude_none=True) == {}


@pytest.mark.parametrize("name", ["local", "slurm-generic"])
def test_the_shipped_profiles_load(home: Path, name: str) -> None:
    assert _load(home, name).profile.description


def test_all_problems_of_a_file_are_told_at_once_with_their_lines(home: Path) -> None:
    path = _write(home, "bad", 'mode = "slurm"\n\n[slurm]\ncpus_per_task = "lots"\npartitoin = "gpu"\n')
    with pytest.raises(ConfigError) as raised:
        _load(home, "bad")
    assert {
        problem.removeprefix(f"~/{path.parent.relative_to(home)}/") for problem in raised.value.problems
    } == {
        'bad.toml:4: slurm.cpus_per_task: expected a whole number of at least 1, got "lots"',
        "bad.toml:5: slurm.partitoin: there is no such setting, did you mean `slurm.partition`?",
    }


def test_a_file_that_is_not_toml_is_named(home: Path) -> None:
    path = _write(home, "broken", "mode = \n")
    with pytest.raises(ConfigError, match="is not TOML") as raised:
        _load(home, "broken")
    assert raised.value.message.startswith(f"~/{path.relative_to(home)}:1: ")


def test_an_unknown_profile_lists_those_there_are(home: Path) -> None:
    _write(home, "mine", "")
    with pytest.raises(
        ConfigError,
        match=r'--profile: there is no profile "other"; there are: .*local, .*mine, .*slurm-generic',
    ):
        _load(home, "other")
    with pytest.raises(ConfigError, match="expected a name"):
        _load(home, "../../etc/passwd")
