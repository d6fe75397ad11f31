"""The published variables, and what is said when one is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jlab_mcp.app.context import load
from jlab_mcp.core.resolver import Origin, ResolvedProfile
from jlab_mcp.core.walltime import ALLOWED_WALLTIME
from jlab_mcp.errors import ConfigError

PUBLISHED = [
    ("JLAB_MCP_DIR", "/s", "state_dir", Path("/s")),
    ("JLAB_MCP_NOTEBOOK_DIR", "nb", "notebook_dir", Path("{project}/nb")),
    ("JLAB_MCP_LOG_DIR", "/l", "log_dir", Path("/l")),
    ("JLAB_MCP_CONNECTION_DIR", "/c", "connection_dir", Path("/c")),
    ("JLAB_MCP_PORT_MIN", "18001", "port_min", 18001),
    ("JLAB_MCP_PORT_MAX", "18001", "port_max", 18001),
    ("JLAB_MCP_RUN_MODE", "slurm", "mode", "slurm"),
    ("JLAB_MCP_LOCAL_BIND_IP", "0.0.0.0", "bind_ip", "0.0.0.0"),  # noqa: S104 - a value like any other here
    ("JLAB_MCP_SLURM_PARTITION", "a100", "slurm.partition", "a100"),
    ("JLAB_MCP_SLURM_GRES", "gpu:a100:2", "slurm.gres", "gpu:a100:2"),
    ("JLAB_MCP_SLURM_CPUS", "16", "slurm.cpus_per_task", 16),
    ("JLAB_MCP_SLURM_MEM", "64G", "slurm.mem", "64G"),
    ("JLAB_MCP_SLURM_TIME", "1-0", "slurm.time", "1-0"),
    ("JLAB_MCP_SLURM_MODULES", "cuda/12, anaconda", "env.modules", ("cuda/12", "anaconda")),
    ("JLAB_MCP_SERVER_READY_TIMEOUT", "5", "ready_timeout", 5.0),
    ("JLAB_MCP_SERVER_SPARE_KERNELS", "0", "profile.server.spare_kernels", 0),
]


def _load(project: Path, **environ: str) -> ResolvedProfile:
    return load(project_dir=project, environ={"HOME": str(project), **environ})


def _value(resolved: object, path: str) -> object:
    for name in path.split("."):
        resolved = getattr(resolved, name)
    return resolved


def _problems(project: Path, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        _load(project, **environ)
    return raised.value.problems


@pytest.mark.parametrize(("name", "text", "path", "expected"), PUBLISHED)
def test_each_published_variable_sets_its_value(
    tmp_path: Path, name: str, text: str, path: str, expected: object
) -> None:
    if isinstance(expected, Path):
        expected = Path(str(expected).format(project=tmp_path))
    resolved = _load(tmp_path, **{name: text})
    assert _value(resolved, path) == expected
    assert resolved.warnings == ()


@pytest.mark.parametrize(("name", "text", "path", "expected"), PUBLISHED)
def test_an_empty_variable_counts_as_unset(
    tmp_path: Path, name: str, text: str, path: str, expected: object
) -> None:
    assert _load(tmp_path, **{name: ""}) == _load(tmp_path)


def test_the_published_defaults_hold_where_nothing_is_set(tmp_path: Path) -> None:
    resolved = _load(tmp_path)
    assert resolved.slurm.model_dump(exclude_none=True) == {
        "partition": "gpu",
        "gres": "gpu:1",
        "cpus_per_task": 4,
        "mem": "32000",
        "time": "4:00:00",
    }
    assert resolved.state_dir == tmp_path / ".jlab-mcp"


def test_nothing_is_created_by_looking(tmp_path: Path) -> None:
    _load(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_word_none_drops_a_default(tmp_path: Path) -> None:
    resolved = _load(tmp_path, JLAB_MCP_SLURM_GRES="none", JLAB_MCP_SLURM_PARTITION="None")
    assert (resolved.slurm.gres, resolved.slurm.partition) == (None, None)


def test_every_bad_value_is_told_at_once_with_variable_value_and_what_is_allowed(tmp_path: Path) -> None:
    problems = _problems(
        tmp_path,
        JLAB_MCP_PORT_MIN="lots",
        JLAB_MCP_RUN_MODE="cloud",
        JLAB_MCP_LOCAL_BIND_IP="localhost",
        JLAB_MCP_SLURM_TIME="4h",
        JLAB_MCP_SLURM_CPUS="0",
        JLAB_MCP_SLURM_GRES="gpu:1\n#SBATCH --uid=0",
    )
    assert set(problems) == {
        'JLAB_MCP_PORT_MIN: expected a whole number from 1 to 65535, got "lots"',
        'JLAB_MCP_RUN_MODE: expected local, slurm or auto, got "cloud"',
        'JLAB_MCP_LOCAL_BIND_IP: expected an IP address, such as 127.0.0.1 or 0.0.0.0, got "localhost"',
        f'JLAB_MCP_SLURM_TIME: expected {ALLOWED_WALLTIME}, got "4h"',
        'JLAB_MCP_SLURM_CPUS: expected a whole number of at least 1, got "0"',
        (
            "JLAB_MCP_SLURM_GRES: expected NAME[:TYPE][:COUNT], several with commas, such as gpu:1 or gpu:a100:2,"
            r' got "gpu:1\n#SBATCH --uid=0"'
        ),
    }


def test_a_port_range_upside_down_names_both_ends(tmp_path: Path) -> None:
    assert _problems(tmp_path, JLAB_MCP_PORT_MIN="19001") == (
        'JLAB_MCP_PORT_MIN: server.port_min "19001" is above server.port_max (19000, the default)',
    )
    assert _problems(tmp_path, JLAB_MCP_PORT_MIN="3", JLAB_MCP_PORT_MAX="2") == (
        'JLAB_MCP_PORT_MIN: server.port_min "3" is above server.port_max "2" (JLAB_MCP_PORT_MAX)',
    )


def test_an_unexpanded_reference_is_named_as_that(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, JLAB_MCP_NOTEBOOK_DIR="${NOTEBOOKS}/x")
    assert problem.startswith('JLAB_MCP_NOTEBOOK_DIR: got the literal text "${NOTEBOOKS}/x"')
    assert "`${NOTEBOOKS}`" in problem


def test_an_unknown_variable_is_warned_about_with_the_nearest_name(tmp_path: Path) -> None:
    resolved = _load(tmp_path, JLAB_MCP_PORTMIN="1", JLAB_MCP_XYZZY="1", OTHER="1")
    assert resolved.warnings == (
        "JLAB_MCP_PORTMIN is not a variable of jlab-mcp and has no effect, did you mean `JLAB_MCP_PORT_MIN`?",
        "JLAB_MCP_XYZZY is not a variable of jlab-mcp and has no effect",
    )


def test_a_flag_beats_a_variable_and_is_named_when_wrong(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "JLAB_MCP_SLURM_TIME": "9:00:00"}
    resolved = load(project_dir=tmp_path, environ=environ, flags={"slurm.time": Origin("flag", "TIME", "10")})
    assert (resolved.slurm.time, resolved.origins["slurm.time"].where) == ("10", "TIME")
    with pytest.raises(ConfigError, match=r"^TIME: expected minutes"):
        load(project_dir=tmp_path, environ=environ, flags={"slurm.time": Origin("flag", "TIME", "soon")})


def test_a_path_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    undecodable = os.fsdecode(b"/n\xff")
    assert _problems(tmp_path, JLAB_MCP_NOTEBOOK_DIR=undecodable) == (
        (
            "JLAB_MCP_NOTEBOOK_DIR: expected a path in UTF-8 without `$NAME`, which is not expanded,"
            r' got "/n\udcff"'
        ),
    )
    with pytest.raises(ConfigError, match="expected a path in UTF-8"):
        load(
            project_dir=tmp_path,
            environ={"HOME": "/h"},
            flags={"notebook.dir": Origin("flag", "--set notebook.dir", "a\0b")},
        )


def test_another_users_home_is_put_in_and_an_unknown_user_is_refused(tmp_path: Path) -> None:
    root = os.path.expanduser("~root")  # noqa: PTH111 - as the shell does
    assert _load(tmp_path, JLAB_MCP_NOTEBOOK_DIR="~root/nb").notebook_dir == Path(root) / "nb"
    assert _load(tmp_path, JLAB_MCP_LOG_DIR="~/logs").log_dir == tmp_path / "logs"
    (problem,) = _problems(tmp_path, JLAB_MCP_DIR="~nobodyx/y")
    assert problem.startswith("JLAB_MCP_DIR: there is no user nobodyx")
    assert _load(tmp_path, JLAB_MCP_DIR="./~nobodyx/y").state_dir == tmp_path / "~nobodyx/y"


def test_a_home_folder_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^HOME is .*expected a path in UTF-8"):
        load(project_dir=tmp_path, environ={"HOME": os.fsdecode(b"/h\xff")})


def test_a_user_without_a_home_folder_is_told_to_set_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)  # nobody has it
    with pytest.raises(ConfigError, match="HOME is not set"):
        load(project_dir=tmp_path, environ={})


def test_a_missing_project_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gone` does not exist"):
        load(project_dir=tmp_path / "gone", environ={})
