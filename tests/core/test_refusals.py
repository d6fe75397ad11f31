"""What sbatch's refusals mean; the texts are those of SLURM 22.05 and of slurm_errno."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.profile import SlurmSection
from jlab_mcp.core.slurm.refusals import answer_lost, refusal, unreachable

KNOWN = {
    "Invalid partition name specified": "partition",
    "No partition specified or system default partition": "partition",
    "User's group not permitted to use this partition": "partition",
    "Requested nodes not in this partition": "nodelist",
    "Required partition not available (inactive or drain)": "partition",
    "Requested partition configuration not available now": "partition",
    "Invalid account or account/partition combination specified": "account",
    "Invalid qos specification": "qos",
    "Invalid feature specification": "constraint",
    "Invalid generic resource (gres) specification": "gres",
    "Invalid GRES specification (with and without type identification)": "gpus_per_node",
    "Requested node configuration is not available": "gres",
    "More processors requested than permitted": "cpus_per_task",
    "CPU count specification invalid": "cpus_per_task",
    "Node count specification invalid": "nodes",
    "Requested time limit is invalid (missing or exceeds some limit)": "time",
    "Time limit specification required, but not provided": "time",
    "Invalid --time specification": "time",
    "Invalid --mem specification": "mem",
    "Invalid --tmp specification": "tmp",
    "Memory required by task is not available": "mem_per_cpu",
    "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)": "qos",
    "Requested account has breached requested QOS usage threshold": "qos",
    "Access denied to requested reservation": "reservation",
    "Requested reservation is invalid": "reservation",
    "Requested reservation not usable now": "reservation",
    "Invalid node name specified": "nodelist",
    "Required node not available (down, drained or reserved)": "nodelist",
    "Invalid license specification": "licenses",
    "No cluster 'nope' known by database": "clusters",
    "--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive": "mem_per_gpu",
    "Invalid --signal specification": "signal",
    "Burst Buffer request invalid": "extra_directives",
    "Invalid wckey specification": "extra_directives",
    "Job dependency problem": "extra_directives",
    "Pathname of a file, directory or other parameter too long": "comment",
}
NO_SETTING = (
    "Unable to create job record, try again",
    "System submissions disabled",
    "I/O error writing script/environment to file",
)


@pytest.mark.parametrize(
    "frame", ["allocation failure: {}", "sbatch: error: Batch job submission failed: {}", "{}"]
)
@pytest.mark.parametrize("said", [*KNOWN, *NO_SETTING])
def test_a_known_refusal_is_explained_however_it_is_framed(said: str, frame: str) -> None:
    found = refusal(f"{frame.format(said)}\n")
    assert found.said == said
    assert found.meaning
    assert not found.meaning.endswith(".")
    assert set(found.fields) <= set(SlurmSection.model_fields)
    assert KNOWN.get(said, "") in (*found.fields, "")
    assert bool(found.fields) == (said in KNOWN)


def test_a_more_exact_word_beside_the_controllers_counts_first() -> None:
    found = refusal(
        "sbatch: error: Memory specification can not be satisfied\n"
        "sbatch: error: Batch job submission failed: Requested node configuration is not available\n"
    )
    assert found.said == "Requested node configuration is not available"
    assert found.fields == ("mem", "mem_per_cpu", "mem_per_gpu")
    assert found.notes == ("Memory specification can not be satisfied",)


def test_the_name_of_a_limit_beside_the_controllers_words_is_explained() -> None:
    found = refusal(
        "sbatch: error: QOSMaxSubmitJobPerUserLimit\n"
        "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit,"
        " user's size and/or time limits)\n"
    )
    assert found.said.startswith("Job violates accounting/QOS policy")
    assert found.sentence == "as many of your jobs are waiting or running as the QOS allows"
    assert found.fields == ("qos",)


def test_a_sites_own_words_stand_for_a_controller_that_gives_no_reason() -> None:
    found = refusal(
        "sbatch: error: lua: your project has no GPU hours\n"
        "sbatch: error: Batch job submission failed: Unspecified error\n"
    )
    assert found.said == found.sentence == "your project has no GPU hours"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("site rule 7: no jobs on Sundays", None),
        ("You must specify an account", "account"),
        ("please choose a queue", "partition"),
        ("your time limit is silly", "time"),
        ("Invalid argument (xx) for --mail-type", "mail_type"),
    ],
)
def test_a_refusal_in_words_that_nobody_knows_is_passed_on_whole(said: str, field: str | None) -> None:
    found = refusal(f"sbatch: error: {said}")
    assert found.said == found.sentence == said
    assert not found.meaning
    assert found.fields[:1] == ((field,) if field else ())


@pytest.mark.parametrize(
    "said",
    [
        "Batch job submission failed: Unable to contact slurm controller (connect failure)",
        "sbatch: error: Batch job submission failed: Protocol authentication error",
        'sbatch: error: Munge encode failed: Failed to access "/run/munge/munge.socket.2": No such file or directory',
        "sbatch: fatal: Could not establish a configuration source",
        "Slurm backup controller in standby mode",
        "Incompatible versions of client and server code",
    ],
)  # fmt: skip
def test_a_controller_that_was_not_reached_has_no_job(said: str) -> None:
    assert unreachable(said)
    assert not answer_lost(said)


@pytest.mark.parametrize(
    "said",
    [
        "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
        "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received",
        "sbatch: error: Batch job submission failed: Unexpected message received",
        "sbatch: error: Batch job submission failed: Broken pipe",
        "Unable to contact slurm controller (receive failure)",
    ],
)
def test_a_lost_answer_leaves_open_whether_there_is_a_job(said: str) -> None:
    assert unreachable(said)
    assert answer_lost(said)


@pytest.mark.parametrize("said", [*KNOWN, *NO_SETTING])
def test_a_refusal_is_an_answer(said: str) -> None:
    assert not unreachable(said)


@given(
    st.text()
    | st.lists(st.sampled_from(["sbatch: ", "error: ", "\n", ".", "x", "allocation failure: "])).map("".join)
)
def test_any_text_has_a_sentence(said: str) -> None:
    found = refusal(said)
    assert found.sentence
    assert found.said
    assert set(found.fields) <= set(SlurmSection.model_fields)
