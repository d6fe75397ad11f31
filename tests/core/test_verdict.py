"""What `sbatch --test-only` of SLURM 22.05 was seen to say on a real cluster, and what it means."""

from __future__ import annotations

import pytest

from jlab_mcp.core.slurm.refusals import refusal
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
    ("status", "output", "said"),
    [
        (
            1,
            "sbatch: error: invalid partition specified: nope\nallocation failure: Invalid partition name specified\n",
            "Invalid partition name specified",
        ),
        (255, "sbatch: error: Invalid --signal specification\n", "Invalid --signal specification"),
        (1, "sbatch: error: site rule 7: no jobs on Sundays\n", "site rule 7: no jobs on Sundays"),
        (0, "sbatch: a plugin talks, and nothing else\n", "a plugin talks, and nothing else"),
    ],
)  # fmt: skip
def test_a_refusal_is_read_by_the_table_of_refusals(status: int, output: str, said: str) -> None:
    found = verdict(status, output)
    assert (found.answered, found.accepted, found.refusal) == (True, False, refusal(output))
    assert found.refusal is not None
    assert found.refusal.said == said


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
        (1, "allocation failure: Zero Bytes were transmitted or received\n"),
        (None, ""),
        (0, ""),
    ],
)
def test_a_controller_that_does_not_answer_is_no_refusal(status: int | None, output: str) -> None:
    found = verdict(status, output)
    assert (found.answered, found.accepted, found.refusal) == (False, False, None)
