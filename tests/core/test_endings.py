"""How a job ended, and how it stands, in words."""

from __future__ import annotations

import pytest

from jlab_mcp.core.slurm.endings import end_words, job_words
from jlab_mcp.core.slurm.jobs import Job, JobEnd


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (JobEnd(state="TIMEOUT", time_limit="1:00:00"), "timed out: its time limit of 1:00:00 was over"),
        (JobEnd(state="TIMEOUT"), "timed out: its time limit was over"),
        (JobEnd(state="CANCELLED"), "was cancelled"),
        (JobEnd(state="CANCELLED", by_uid=0), "was cancelled by user 0"),
        (JobEnd(state="PREEMPTED"), "was preempted by another job"),
        (JobEnd(state="NODE_FAIL", nodes="a1"), "was lost: its node a1 failed"),
        (JobEnd(state="NODE_FAIL"), "was lost: its node failed"),
        (JobEnd(state="FAILED", exit_code=7), "failed with exit code 7"),
        (JobEnd(state="FAILED", exit_code=4), "failed with exit code 4: no port of the range is free"),
        (JobEnd(state="FAILED", signal=9), "failed: it was ended by SIGKILL"),
        (JobEnd(state="FAILED", signal=99), "failed: it was ended by signal 99"),
        (JobEnd(state="FAILED"), "failed"),
        (JobEnd(state="COMPLETED"), "ended by itself"),
        (JobEnd(state="OUT_OF_MEMORY"), "was ended because it used more memory than it had asked for"),
        (JobEnd(state="NEW_END"), "ended in the state NEW_END"),
        (JobEnd(), "has ended, and SLURM no longer knows how"),
    ],
)
def test_every_end_has_words(end: JobEnd, words: str) -> None:
    assert end_words(end) == words


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (Job(job_id="1", state="RUNNING", nodes="a1"), "job 1 runs on a1"),
        (Job(job_id="1", state="SUSPENDED", nodes="a1"), "job 1 is suspended on a1"),
        (Job(job_id="1", state="COMPLETING"), "job 1 is ending on its node"),
        (
            Job(job_id="1", state="CONFIGURING", nodes="a1"),
            "job 1 has its nodes (a1), which are being booted",
        ),
        (Job(job_id="1", state="PENDING"), "job 1 is queued"),
    ],
)
def test_every_state_has_words(job: Job, words: str) -> None:
    assert job_words(job) == words


def test_a_queued_job_says_why_and_when() -> None:
    job = Job(job_id="1", state="PENDING", reason="Priority", start="2026-11-24T16:05:21")
    said = job_words(job)
    assert said.startswith("job 1 is queued: ")
    assert "(Priority)" in said
    assert said.endswith("; expected to start at 2026-11-24 16:05:21")
    assert "TomorrowsReason" in job_words(Job(job_id="1", state="PENDING", reason="TomorrowsReason"))
