"""`jlab-mcp profile check`; sbatch's answers are recorded ones here, `tests/cluster` asks a real one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.profiles import User
from tests.commands import said
from tests.sites import install, put, put_failing, put_slow

PROFILE = 'mode = "slurm"\n[slurm]\npartition = "gpu"\ntime = "400-0"\n'
STARTS = "sbatch: Job 1 to start at 2026-11-23T05:21:48 using 1 processors on nodes alpha-a1 in partition gpu"


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder for PATH that holds nothing but what a test puts there, and bash, which reads lines of bash."""
    folder = tmp_path / "commands"
    folder.mkdir()
    (folder / "bash").symlink_to("/bin/bash")
    return folder


def _check(user: User, commands: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return user.run("profile", "check", "mine", *options, PATH=str(commands), **environ)


def test_a_job_that_would_run_is_told_with_its_start(user: User, commands: Path) -> None:
    user.profile("mine", PROFILE)
    put(commands, "sbatch", f"echo '{STARTS}' >&2")
    told = _check(user, commands)
    assert (told.returncode, said(told)) == (0, "")
    assert told.stdout == (
        "SLURM would run the profile mine, from 2026-11-23T05:21:48 on alpha-a1 in partition gpu\n"
    )


def test_sbatch_gets_the_script_and_an_environment_without_its_own_variables(
    user: User, commands: Path, tmp_path: Path
) -> None:
    user.profile("mine", PROFILE)
    seen = tmp_path / "seen"
    put(
        commands,
        "sbatch",
        f"[ \"$1\" = --test-only ] || exit; /bin/cat \"$2\" > '{seen}'; /usr/bin/env >> '{seen}'; echo \"$1\" >> '{seen}'; echo '{STARTS}'",
    )
    told = _check(user, commands, SBATCH_ACCOUNT="other", SLURM_JOB_ID="7")
    text = seen.read_text()
    assert told.returncode == 0
    assert "#SBATCH --time=400-0\n" in text
    assert text.endswith("--test-only\n")
    assert "SBATCH_ACCOUNT=" not in text
    assert "SLURM_JOB_ID=" not in text
    assert "SBATCH_ACCOUNT=other in your environment is not used" in told.stderr
    assert not any(user.project.iterdir())


def test_a_refusal_names_the_setting_and_where_it_was_set(user: User, commands: Path) -> None:
    user.profile("mine", PROFILE)
    put_failing(
        commands,
        "sbatch",
        "allocation failure: Requested time limit is invalid (missing or exceeds some limit)",
    )
    told = _check(user, commands)
    assert (told.returncode, told.stdout) == (16, "")
    assert (
        "error[JLM-JOB-REFUSED]: SLURM refuses the job of the profile mine: Requested time limit is invalid"
        in told.stderr
    )
    assert (
        'hint: ~/.config/jlab-mcp/profiles/mine.toml:4: slurm.time is "400-0":'
        " the time limit is missing, or longer than the partition or QOS allows\n"
    ) in told.stderr
    by_variable = json.loads(_check(user, commands, "--json", JLAB_MCP_SLURM_TIME="399-0").stdout)
    assert (by_variable["state"], by_variable["faults"]) == (
        "refused",
        [{"key": "slurm.time", "value": "399-0", "where": "JLAB_MCP_SLURM_TIME"}],
    )


def test_a_refusal_comes_with_what_the_cluster_would_take(user: User, commands: Path) -> None:
    user.profile("mine", PROFILE.replace('"gpu"', '"gpuu"'))
    install(commands, "alpha")
    put(commands, "bash", 'exec /bin/bash "$@"')
    refuse = "/bin/cat >&2 <<'EOF'\nallocation failure: Invalid partition name specified\nEOF\nexit 1"
    put(commands, "sbatch", f'if [ "$1" = --version ]; then echo slurm 22.05.8; exit; fi\n{refuse}')
    told = _check(user, commands, USER="alice")
    assert said(told) == (
        "error[JLM-JOB-REFUSED]: SLURM refuses the job of the profile mine: Invalid partition name specified\n"
        'hint: ~/.config/jlab-mcp/profiles/mine.toml:3: slurm.partition is "gpuu": there is no such partition for you;'
        " did you mean `gpu`? there are gpu, hopper, short, closed (down), drained (down) and vip (closed to your accounts)\n"
    )


def test_a_cluster_that_cannot_be_asked_for_it_is_said(user: User, commands: Path) -> None:
    user.profile("mine", PROFILE)
    put_failing(commands, "sbatch", "allocation failure: Invalid partition name specified")
    told = _check(user, commands)
    assert 'slurm.partition is "gpu": there is no such partition\n' in told.stderr
    assert "hint: what there is to choose from is not known: no SLURM was found here: " in told.stderr


def test_a_setting_that_is_asked_for_and_unset_is_named(user: User, commands: Path) -> None:
    user.profile("mine", 'mode = "slurm"\nrequired = ["slurm.account"]\n')
    put_failing(commands, "sbatch", "sbatch: error: You must specify an account")
    told = _check(user, commands)
    assert told.returncode == 16
    assert "hint: slurm.account is not set\n" in told.stderr
    assert "note: slurm.account has to be filled in" in told.stderr


def test_without_sbatch_that_is_said_with_a_code_of_its_own(user: User, commands: Path) -> None:
    user.profile("mine", PROFILE)
    told = _check(user, commands)
    assert (told.returncode, told.stdout) == (15, "")
    assert said(told) == (
        "error[JLM-NO-SLURM]: SLURM cannot be asked: `sbatch` is not on PATH; run this where jobs are submitted\n"
    )
    assert json.loads(_check(user, commands, "--json").stdout)["state"] == "not_asked"


def test_an_sbatch_that_does_not_answer_is_given_up(user: User, commands: Path) -> None:
    user.profile("mine", PROFILE + "[server]\ncommand_timeout = 0.2\n")
    put_slow(commands, "sbatch")
    told = _check(user, commands)
    assert told.returncode == 15
    assert "did not answer in 0.2 s" in told.stderr


def test_a_local_profile_needs_nobody_to_be_asked(user: User) -> None:
    told = user.run("profile", "check", "local")
    assert (told.returncode, told.stdout) == (
        0,
        "the profile local starts a local process; SLURM has no part in it\n",
    )


def test_a_profile_of_which_no_script_can_be_made_is_not_sent(user: User, commands: Path) -> None:
    user.profile("mine", 'mode = "slurm"\n[env.vars]\nHF_TOKEN = "abc"\n')
    put(commands, "sbatch", "exit 99")
    told = _check(user, commands)
    assert (told.returncode, "env.vars.HF_TOKEN" in told.stderr) == (3, True)
