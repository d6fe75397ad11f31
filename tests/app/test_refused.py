"""Errors for jobs that SLURM does not take or can never start; the cluster is a recorded one here."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.app.context import load
from jlab_mcp.app.refused import refused, stuck
from jlab_mcp.cli.wording import hints
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.core.slurm.reasons import pending_reason
from jlab_mcp.errors import ExitCode, JobRefused
from jlab_mcp.mcpserver.wording import error_words
from tests.sites import environment, install, put_slow


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Alice's environment on the recorded cluster alpha."""
    return install(tmp_path / "commands", "alpha") | {"HOME": str(tmp_path)}


def _resolved(home: Path, environ: dict[str, str], text: str) -> ResolvedProfile:
    """Load a profile of these lines, which begin in its third line."""
    path = home / ".config/jlab-mcp/profiles/mine.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'mode = "slurm"\n[slurm]\n{text}\n')
    project = home / "project"
    project.mkdir(exist_ok=True)
    return load("mine", project_dir=project, environ=environ)


async def test_a_refusal_names_the_setting_its_place_and_the_nearest_valid_value(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    resolved = _resolved(tmp_path, environ, 'partition = "gpuu"')
    error = await refused(resolved, "Invalid partition name specified", environ)
    where = "~/.config/jlab-mcp/profiles/mine.toml:3"
    assert error.message == "SLURM refuses the job: Invalid partition name specified"
    assert error.details["faults"] == [
        {"key": "slurm.partition", "value": "gpuu", "where": f"{where}: slurm.partition"}
    ]
    (hint,) = error.details["hints"]
    assert hint.startswith(
        f'{where}: slurm.partition is "gpuu": there is no such partition for you; did you mean `gpu`?'
    )
    assert hints(error, None) == [hint], "on the command line"
    assert error_words(error) == (
        f"SLURM refuses the job: Invalid partition name specified. {hint}."
        " Correct that setting, then call the tool again."
    )


async def test_of_many_settings_the_one_that_the_cluster_cannot_meet_comes_first(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    resolved = _resolved(tmp_path, environ, 'gres = "gpu:a100:1"\ncpus_per_task = 2\nmem = "900G"')
    error = await refused(resolved, "Requested node configuration is not available", environ)
    assert [fault["key"] for fault in error.details["faults"]] == [
        "slurm.mem",
        "slurm.gres",
        "slurm.cpus_per_task",
    ]
    (hint,) = error.details["hints"]
    assert hint.endswith('mine.toml:5: slurm.mem is "900G": no node of gpu has more than 64000M')


async def test_where_the_cluster_finds_nothing_wrong_slurms_words_are_explained(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    resolved = _resolved(tmp_path, environ, 'partition = "gpu"')
    error = await refused(
        resolved, "sbatch: error: User's group not permitted to use this partition", environ, notes=["a note"]
    )
    explained, note = error.details["hints"]
    assert explained.endswith('slurm.partition is "gpu": none of your groups may use it')
    assert note == "a note"


async def test_a_refusal_that_nobody_knows_is_passed_on_whole(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    resolved = _resolved(tmp_path, environ, 'partition = "gpu"')
    said = "sbatch: error: lua: hello\nsbatch: error: site rule 7: no jobs on Sundays\n"
    error = await refused(resolved, said, environ)
    assert {"hello", "site rule 7: no jobs on Sundays"} == {
        error.message.removeprefix("SLURM refuses the job: "),
        error.details["hints"][0].removeprefix("SLURM also says: "),
    }
    assert error.details["faults"] == []


async def test_a_cluster_that_does_not_answer_proposes_nothing_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "commands"
    for command in ("scontrol", "sinfo", "sacctmgr", "sshare", "sbatch"):
        put_slow(folder, command)
    environ = environment(folder) | {"HOME": str(tmp_path)}
    resolved = _resolved(tmp_path, environ, 'partition = "gpuu"\n[server]\ncommand_timeout = 0.5')
    error = await refused(resolved, "Invalid partition name specified", environ)
    explained, unknown = error.details["hints"]
    assert explained.endswith('slurm.partition is "gpuu": there is no such partition')
    assert unknown.endswith("no SLURM was found here: `sbatch --version` did not answer in 0.5 s")


@pytest.mark.parametrize("elsewhere", ['clusters = "other"', 'extra_directives = ["--clusters=other"]'])
async def test_nothing_is_proposed_for_another_cluster(
    tmp_path: Path, environ: dict[str, str], elsewhere: str
) -> None:
    resolved = _resolved(tmp_path, environ, f'partition = "gpuu"\n{elsewhere}')
    error = await refused(resolved, "Invalid partition name specified", environ)
    explained, unknown = error.details["hints"]
    assert explained.endswith('slurm.partition is "gpuu": there is no such partition')
    assert unknown == "what the other cluster has is not asked from here"


async def test_what_extra_directives_choose_counts(tmp_path: Path, environ: dict[str, str]) -> None:
    resolved = _resolved(tmp_path, environ, 'gres = "gpu:h100:4"\nextra_directives = ["--partition=hopper"]')
    error = await refused(resolved, "Requested node configuration is not available", environ)
    assert not any("h100; a node" in hint for hint in error.details["hints"])


async def test_a_job_that_can_never_start_says_why_and_what_the_partition_allows(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    resolved = _resolved(tmp_path, environ, 'time = "9-0"')
    error = await stuck(resolved, pending_reason("PartitionTimeLimit"), environ, job_id="12")
    assert isinstance(error, JobRefused)
    assert (error.code, error.exit_code) == ("JLM-JOB-CANNOT-START", ExitCode.JOB_REFUSED)
    assert error.message == (
        "job 12 cannot start as it is: PartitionTimeLimit, its time limit is longer than the partition allows"
    )
    assert error.details["job_id"] == "12"
    allowed, remedy = error.details["hints"]
    assert allowed.startswith(
        '~/.config/jlab-mcp/profiles/mine.toml:3: slurm.time is "9-0": gpu allows 1-00:00:00'
    )
    assert remedy == "shorten the time limit, or choose another partition"
