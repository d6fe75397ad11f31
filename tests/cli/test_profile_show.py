"""`jlab-mcp profile list` and `jlab-mcp profile show`."""

from __future__ import annotations

import json
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.cli.profiles import User
from tests.commands import COMMAND, LIMIT

BASE = 'mode = "slurm"\n[slurm]\ngres = "gpu:a100:2"\ntime = "4:00:00"\n[env]\nmodules = "cuda anaconda"\n'
CHILD = """\
extends = "base"
description = 'Say "hi" # not a comment'
[slurm]
gres = "none"
gpus = 1
[env]
prologue = '''
echo "a"
echo b'''
[env.vars]
HF_TOKEN = "hf_abc"
OMP_NUM_THREADS = 4
"""


def _two_profiles(user: User) -> None:
    user.profile("base", BASE)
    user.profile("child", CHILD)


def test_the_list_marks_the_chosen_profile_and_says_why(user: User) -> None:
    user.profile("mine", 'mode = "slurm"\ndescription = "Mine"\n[slurm]\ngpus = "a100:2"\ntime = 90\n')
    told = user.run("profile", "list", JLAB_MCP_PROFILE="mine")
    assert told.returncode == 0
    (marked,) = [line.split() for line in told.stdout.splitlines() if line.startswith("*")]
    assert marked == ["*", "mine", "user", "slurm", "2x", "a100", "90", "Mine"]
    assert told.stderr == "* mine is used here, chosen by JLAB_MCP_PROFILE\n"


def test_a_profile_that_fits_this_machine_is_its_own_reason(user: User) -> None:
    user.profile("mine", f'[match]\nhostname = ["{socket.gethostname()}"]\n')
    assert "* mine is used here, because this host is " in user.run("profile", "list").stderr
    assert (
        "# mine (local), because this host is "
        in user.run("profile", "show", JLAB_MCP_RUN_MODE="local").stdout
    )
    assert "mine is used, because this host is " in user.run("profile", "mcp-config").stderr


def test_a_broken_profile_does_not_break_the_list(user: User) -> None:
    path = user.profile("bad", "[slurm]\ntime = 4:00:00\n")
    told = user.run("profile", "list", "--json")
    assert (told.returncode, told.stderr) == (0, "")
    listed = {entry["name"]: entry for entry in json.loads(told.stdout)["profiles"]}
    assert listed["bad"]["path"] == str(path)
    assert 'bad.toml:2: time: a duration must be quoted: time = "4:00:00"' in listed["bad"]["problem"]
    assert listed["local"]["problem"] is None
    assert "bad.toml:2: " in user.run("profile", "list").stdout


@pytest.mark.parametrize(
    ("environ", "said"), [({}, ""), ({"JLAB_MCP_PROFILE": "none"}, ", chosen by JLAB_MCP_PROFILE")]
)
def test_where_no_profile_is_used_none_is_named(user: User, environ: dict[str, str], said: str) -> None:
    told = user.run("profile", "show", **environ, JLAB_MCP_RUN_MODE="local")
    assert told.stdout.splitlines()[0] == f"# no profile (local){said}"
    assert json.loads(user.run("profile", "show", "--json", **environ).stdout)["is_profile"] is False


def test_data_that_a_full_disk_swallows_is_a_failure(user: User) -> None:
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [*COMMAND, "profile", "list"],
            cwd=user.project,
            env=user.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    assert told.returncode == 13
    assert told.stderr.endswith("error[JLM-CANNOT-WRITE]: cannot write the output: No space left on device\n")


def test_every_value_says_where_it_was_set_and_what_it_overrode(user: User) -> None:
    _two_profiles(user)
    told = user.run("profile", "show", "child", "--origin", JLAB_MCP_SLURM_TIME="1:00:00")
    assert (told.returncode, told.stderr) == (0, "")
    lines = {line.partition(" ")[0]: line.partition("#")[2].strip() for line in told.stdout.splitlines()}
    at = "~/.config/jlab-mcp/profiles"
    assert lines["time"] == f"JLAB_MCP_SLURM_TIME, overrides 4:00:00 from {at}/base.toml:4"
    assert lines["gres"] == f"{at}/child.toml:4, overrides gpu:a100:2 from {at}/base.toml:3"
    assert lines["gpus"] == f"{at}/child.toml:5"
    assert lines["modules"] == f"{at}/base.toml:6"
    assert lines["port_min"] == "built-in"
    assert "account" not in lines


def test_what_is_shown_is_a_profile_that_says_the_same(user: User) -> None:
    user.profile("base", BASE)
    user.profile("child", CHILD.replace("HF_TOKEN", "HF_HOME"))
    for options in ((), ("--origin",)):
        shown = user.run("profile", "show", "child", *options).stdout
        user.profile("pasted", shown)
        again = user.run("profile", "show", "pasted").stdout
        assert tomllib.loads(again) == tomllib.loads(shown)
        assert tomllib.loads(shown)["env"]["prologue"] == 'echo "a"\necho b'


def test_secrets_are_masked_wherever_they_were_set(user: User) -> None:
    _two_profiles(user)
    for options in ((), ("--origin",), ("--json",)):
        told = user.run("profile", "show", "child", *options, JLAB_MCP_ENV_VARS_HF_TOKEN="hf_def")
        assert "HF_TOKEN" in told.stdout
        assert "hf_" not in told.stdout + told.stderr
    assert "4" in user.run("profile", "show", "child").stdout.partition("OMP_NUM_THREADS")[2]


def test_json_has_the_origin_with_its_line_and_all_that_was_overridden(user: User) -> None:
    _two_profiles(user)
    (user.project / ".jlab-mcp.toml").write_text('profile = "child"\n[slurm]\ntime = 30\n')
    told = json.loads(user.run("profile", "show", "--json", JLAB_MCP_SLURM_TIME="60").stdout)
    assert (told["name"], told["chosen_by"]) == ("child", f"{user.project}/.jlab-mcp.toml:1")
    settings = {setting["key"]: setting for setting in told["settings"]}
    time = settings["slurm.time"]
    assert (time["value"], time["origin"]["kind"], time["origin"]["where"]) == (
        "60",
        "variable",
        "JLAB_MCP_SLURM_TIME",
    )
    assert [(other["kind"], other["line"], other["text"]) for other in time["overrides"]] == [
        ("project", 3, "30"),
        ("profile", 4, "4:00:00"),
    ]
    assert settings["slurm.gres"]["value"] is None
    assert "extends" not in settings


def test_a_wrong_name_is_one_sentence_with_the_nearest(user: User) -> None:
    told = user.run("profile", "show", "locla")
    assert (told.returncode, told.stdout) == (3, "")
    assert told.stderr == 'error[JLM-CONFIG]: NAME: there is no profile "locla", did you mean `local`?\n'


def test_a_setting_that_must_be_filled_in_is_pointed_out(user: User) -> None:
    user.profile("site", 'mode = "slurm"\nrequired = ["slurm.account"]\n')
    told = user.run("profile", "show", "site")
    assert told.returncode == 0
    assert "hint: slurm.account has to be filled in" in told.stderr
    assert json.loads(user.run("profile", "show", "site", "--json").stdout)["missing"] == ["slurm.account"]


@pytest.mark.parametrize(
    "command",
    [
        *("list", "show", "init", "validate", "use", "copy", "path", "schema", "check", "mcp-config"),
    ],
)
def test_every_command_on_profiles_explains_itself(user: User, command: str) -> None:
    told = user.run("profile", command, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert f"Usage: jlab-mcp profile {command}" in told.stdout
    assert "Examples:" in told.stdout
    assert f"\n  {command} " in user.run("profile", "--help").stdout


@pytest.mark.parametrize(
    "command", [["profile", "show"], ["profile", "validate"], ["profile", "path"], ["start"]]
)
def test_the_usage_puts_what_may_be_left_out_into_one_pair_of_brackets(
    user: User, command: list[str]
) -> None:
    assert "[[" not in user.run(*command, "--help").stdout
