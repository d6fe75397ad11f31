"""Settings that cannot get into a job's script, secrets above all."""

from __future__ import annotations

import pytest

from jlab_mcp.core.resolver import Origin
from jlab_mcp.core.script import script_problems
from jlab_mcp.core.scripting.template import BUILT_IN
from jlab_mcp.core.scripting.written_secrets import is_secret, secrets_in_bash
from jlab_mcp.errors import ConfigError
from tests.core.golden_scripts import resolved, script


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, "x")
            for name in ("HF_TOKEN", "token", "DB_PASSWORD", "SSHPASSWD", "MY_SECRET", "WANDB_API_KEY")
        ),
        *(
            (name, "x")
            for name in ("APIKEY", "AWS_SECRET_ACCESS_KEY", "GPG_PASSPHRASE", "DB_PASS", "GITHUB_PAT")
        ),
        ("http_proxy", "http://me:pw@proxy:3128"),
        ("ANYTHING", "hf_abcdefghijklmnopqrst"),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_value(name: str, value: str) -> None:
    assert is_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_TOKEN", ""),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("SSH_AUTH_SOCK", "/tmp/x"),
        ("MAX_TOKENS", "100"),
        ("OLDPWD", "/x"),
        ("SORT_KEY", "name"),
        ("http_proxy", "http://proxy:3128"),
        ("DB_PASSWORD_FILE", "/home/me/.pw"),
        ("COMPASS", "north"),
    ],
)
def test_what_only_looks_like_a_secret_is_none(name: str, value: str) -> None:
    assert not is_secret(name, value)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("echo\nexport HF_TOKEN=abc", [(2, "HF_TOKEN")]),
        ("A=1 DB_PASSWORD='$x' run", [(1, "DB_PASSWORD")]),
        ('API_KEY="abc def"', [(1, "API_KEY")]),
        ('export HF_TOKEN="$(< ~/.hf_token)"', []),
        ("HF_TOKEN=$OTHER", []),
        ("HF_TOKEN=`cat x`", []),
        ("HF_TOKEN=", []),
        ("# HF_TOKEN=abc", []),
        ("run --token=abc", []),
    ],
)
def test_a_secret_that_is_written_out_in_bash_is_found(lines: str, found: list[tuple[int, str]]) -> None:
    assert list(secrets_in_bash(lines)) == found


@pytest.mark.parametrize(
    ("sections", "template", "place"),
    [
        ({"env": {"vars": {"HF_TOKEN": "abc"}}}, None, "env.vars.HF_TOKEN: "),
        ({"slurm": {"export": "ALL,HF_TOKEN=abc"}}, None, "slurm.export: "),
        ({"env": {"prologue": "true\nexport HF_TOKEN=abc"}}, None, "env.prologue: line 2 sets HF_TOKEN: "),
        ({"env": {"epilogue": "HF_TOKEN=abc x"}}, None, "env.epilogue: line 1 sets HF_TOKEN: "),
        ({}, BUILT_IN.replace("{{prepare}}", "HF_TOKEN=a\n{{prepare}}"), "template: line 4 sets HF_TOKEN: "),
    ],
)
def test_a_secret_is_refused_with_what_to_do_instead(
    sections: dict[str, object], template: str | None, place: str
) -> None:
    of = resolved("/data/p", template, **sections)
    problem = next(iter(script_problems(of)))
    assert problem.startswith(f"{place}a secret does not belong")
    assert 'such as `export HF_TOKEN="$(< ~/.hf_token)"`' in problem
    assert "abc" not in problem
    with pytest.raises(ConfigError):
        script(of)


def test_the_place_of_a_problem_can_be_worded_by_the_caller() -> None:
    def place(origin: Origin, path: str) -> str:
        return f"<{origin}> {path}"

    of = resolved(env={"vars": {"HF_TOKEN": "abc"}})
    assert script_problems(of, place=place)[0].startswith("<built-in> env.vars.HF_TOKEN: ")


@pytest.mark.parametrize("name", ["UID", "RANDOM", "IFS", "_", "jlab_mcp_child"])
def test_a_name_of_the_shells_own_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"env.vars.{name}: this name is the shell's own"):
        script(resolved(env={"vars": {name: "1"}}))


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        (
            {"conda": "torch", "container": {"image": "x"}},
            "env.conda: in a container an environment has no name",
        ),
        ({"conda": "-x"}, "env.conda: an environment cannot begin with `-`"),
        ({"container": {"image": "-x"}}, "env.container.image: an image cannot begin with `-`"),
        ({"container": {"image": "x", "binds": ["a,b"]}}, "env.container.binds: expected SOURCE"),
        ({"container": {"image": "x"}, "venv": "/a:b"}, "env.container: /a:b cannot be bound"),
    ],
)
def test_what_cannot_work_together_is_refused(env: dict[str, object], problem: str) -> None:
    assert [told.startswith(problem) for told in script_problems(resolved(env=env))] == [True]


def test_a_log_whose_path_slurm_would_change_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"paths\.log_dir: SLURM drops a backslash"):
        script(resolved(paths={"log_dir": "/a\\b"}))
