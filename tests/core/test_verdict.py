"""What `sbatch --test-only` of SLURM 22.05 was seen to say on a real cluster, and what it means."""

from __future__ import annotations

import pytest

from jlab_mcp.core.slurm.verdict import verdict


def test_a_job_that_would_run_has_a_start_and_a_place() -> None:
    found = verdict(
        0,
        "sbatch: Job 1 to start at 2026-11-23T05:21:48 using 1 processors on nodes alpha-a1 in partition gpu\n",
    )
    assert (found.answered, found.accepted) == (True, True)
    assert (found.start, found.nodes, found.partition) == ("2026-11-23T05:21:48", "alpha-a1", "gpu")
    assert found.notes == ()


def test_what_a_site_says_beside_the_start_is_kept() -> None:
    found = verdict(
        0,
        "sbatch: lua: your account is acc1\nsbatch: Job 7 to start at 2026-11-23T05:21:48 using 8 processors"
        " on nodes n[1-2] in partition gpu\n",
    )
    assert (found.nodes, found.notes) == ("n[1-2]", ("your account is acc1",))


@pytest.mark.parametrize(
    ("status", "output", "reason", "fields"),
    [
        (
            1,
            "sbatch: error: invalid partition specified: nope\nallocation failure: Invalid partition name specified\n",
            "Invalid partition name specified",
            ("partition",),
        ),
        (
            1,
            "allocation failure: Invalid account or account/partition combination specified\n",
            "Invalid account or account/partition combination specified",
            ("account", "partition"),
        ),
        (1, "allocation failure: Invalid qos specification\n", "Invalid qos specification", ("qos",)),
        (1, "allocation failure: Invalid feature specification\n", "Invalid feature specification", ("constraint",)),
        (
            1,
            "allocation failure: Requested time limit is invalid (missing or exceeds some limit)\n",
            "Requested time limit is invalid (missing or exceeds some limit)",
            ("time",),
        ),
        (1, "allocation failure: Requested reservation is invalid\n", "Requested reservation is invalid", ("reservation",)),
        (1, "allocation failure: Invalid node name specified\n", "Invalid node name specified", ("nodelist", "exclude")),
        (1, "allocation failure: Invalid license specification\n", "Invalid license specification", ("licenses",)),
        (
            1,
            ("sbatch: error: No cluster 'nope' known by database.\nsbatch: error: 'nope' can't be reached now, or it is"
            " an invalid entry for --cluster.  Use 'sacctmgr list clusters' to see available clusters.\n"),
            "No cluster 'nope' known by database",
            ("clusters",),
        ),
        (
            1,
            "sbatch: fatal: --mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive.\n",
            "--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive",
            ("mem", "mem_per_cpu", "mem_per_gpu"),
        ),
        (255, "sbatch: error: Invalid --signal specification\n", "Invalid --signal specification", ("signal",)),
    ],
)  # fmt: skip
def test_a_refusal_names_the_settings_that_it_is_about(
    status: int, output: str, reason: str, fields: tuple[str, ...]
) -> None:
    found = verdict(status, output)
    assert (found.answered, found.accepted, found.reason, found.fields) == (True, False, reason, fields)


@pytest.mark.parametrize(
    ("output", "field"),
    [
        ("allocation failure: Requested node configuration is not available\n", "gres"),
        ("sbatch: error: Invalid generic resource (gres) specification\n", "gpus_per_node"),
        ("allocation failure: More processors requested than permitted\n", "cpus_per_task"),
    ],
)
def test_a_refusal_that_may_have_several_reasons_names_them_all(output: str, field: str) -> None:
    assert field in verdict(1, output).fields


@pytest.mark.parametrize(
    ("status", "output"),
    [
        (
            1,
            (
                "sbatch: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\nsbatch: error: fetch_config:"
                " DNS SRV lookup failed\nsbatch: fatal: Could not establish a configuration source\n"
            ),
        ),
        (1, "allocation failure: Unable to contact slurm controller (connect failure)\n"),
        (None, ""),
        (0, ""),
    ],
)
def test_a_controller_that_does_not_answer_is_no_refusal(status: int | None, output: str) -> None:
    found = verdict(status, output)
    assert (found.answered, found.accepted) == (False, False)


def test_a_refusal_in_words_that_nobody_knows_is_passed_on() -> None:
    found = verdict(1, "sbatch: error: site rule 7: no jobs on Sundays\n")
    assert (found.answered, found.reason, found.fields) == (True, "site rule 7: no jobs on Sundays", ())
