"""What SLURM's answers about jobs are read as: recordings, odd forms, and any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.slurm.jobs import (
    Job,
    JobEnd,
    Phase,
    accounting_arguments,
    cancel_arguments,
    job_arguments,
    parse_accounting,
    parse_alive,
    parse_job,
    parse_queue,
    parse_submitted,
    queue_arguments,
    seconds_left,
)

# Recorded from SLURM 22.05.8.
QUEUE = """\
1|RUNNING|None|beta-g1|2026-11-24T15:40:12|0:58|1:00|t.sh
2|PENDING|Resources||2026-11-24T16:05:21|10:00|10:00|jlab-mcp-p-lab-ca689c9361-8696c18c7415aa4c
3|TIMEOUT|TimeLimit|beta-g1|2026-11-24T15:40:12|INVALID|1:00|a|b
4|FAILED|NonZeroExitCode|alpha-a1|2026-11-24T15:41:55|10:00|UNLIMITED|wrap
"""
ENDED = (
    "JobId=1 JobName=t.sh UserId=alice(20001) Priority=4294901759 Account=(null) JobState=TIMEOUT "
    "Reason=TimeLimit Requeue=1 Restarts=0 ExitCode=0:9 RunTime=00:01:07 TimeLimit=00:01:00 NodeList=beta-g1\n"
)


def test_a_queue_is_read_whatever_stands_around_it() -> None:
    running, pending, timeout, failed = parse_queue(f"Welcome!\nCLUSTER: beta\n{QUEUE}\n1|too|few\n")
    assert running == Job(
        job_id="1",
        state="RUNNING",
        nodes="beta-g1",
        start="2026-11-24T15:40:12",
        left_s=58,
        time_limit="1:00",
        name="t.sh",
    )
    assert (pending.phase, pending.reason, pending.nodes) == (Phase.QUEUED, "Resources", None)
    assert (timeout.phase, timeout.left_s, timeout.name) == (Phase.ENDED, None, "a|b")
    assert (failed.time_limit, failed.reason) == (None, "NonZeroExitCode")


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("PENDING", Phase.QUEUED),
        ("CONFIGURING", Phase.QUEUED),
        ("REQUEUED", Phase.QUEUED),
        ("RUNNING", Phase.RUNNING),
        ("SUSPENDED", Phase.RUNNING),
        ("COMPLETING", Phase.ENDING),
        ("CANCELLED", Phase.ENDED),
        ("PREEMPTED", Phase.ENDED),
        ("NODE_FAIL", Phase.ENDED),
        ("OUT_OF_MEMORY", Phase.ENDED),
        ("A_STATE_OF_TOMORROW", Phase.RUNNING),
    ],
)
def test_only_states_that_are_an_end_count_as_one(state: str, phase: Phase) -> None:
    assert Job(job_id="1", state=state).phase is phase


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:58", 58),
        ("10:00", 600),
        ("1:02:03", 3723),
        ("2-00:00:01", 172801),
        ("UNLIMITED", None),
        ("INVALID", None),
        ("NOT_SET", None),
        ("", None),
    ],
)
def test_time_left_is_read(text: str, seconds: float | None) -> None:
    assert seconds_left(text) == seconds


def test_the_controller_tells_how_a_job_ended() -> None:
    assert parse_job(ENDED, "1") == JobEnd(state="TIMEOUT", signal=9, nodes="beta-g1", time_limit="00:01:00")
    assert parse_job(ENDED, "2") is None
    assert parse_job(ENDED.replace("TIMEOUT", "RUNNING"), "1") is None
    assert parse_job("slurm_load_jobs error: Invalid job id specified", "1") is None


def test_the_controller_tells_that_a_job_has_not_ended_by_its_id_and_name() -> None:
    pending = ENDED.replace("TIMEOUT", "PENDING")
    assert parse_alive(pending, "1", "t.sh") == "PENDING"
    assert parse_alive(pending, "2", "t.sh") is None
    assert parse_alive(pending, "1", "another to whom the id was given") is None
    assert parse_alive(ENDED, "1", "t.sh") is None
    assert parse_alive("slurm_load_jobs error: Invalid job id specified", "1", "t.sh") is None


def test_accounting_tells_how_a_job_ended_and_who_cancelled_it() -> None:
    text = "1|FAILED|3:0|alpha-a1|wrap\n2|CANCELLED by 20001|0:15|None assigned|a|b\n3|RUNNING|0:0|n|x\n"
    assert parse_accounting(text, "1") == JobEnd(state="FAILED", exit_code=3, nodes="alpha-a1")
    assert parse_accounting(text, "2") == JobEnd(state="CANCELLED", signal=15, by_uid=20001)
    assert parse_accounting(text, "3") is None
    assert parse_accounting("Slurm accounting storage is disabled", "1") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12\n", ("12", None)),
        ("12;gamma\n", ("12", "gamma")),
        ("Your project has 100 hours left\n12;gamma\n\n", ("12", "gamma")),
        ("12\nsbatch: info: thank you\n", ("12", None)),
        ("Submitted batch job 12\n", None),
        ("", None),
    ],
)
def test_the_id_of_a_submitted_job_is_found_among_chatter(
    text: str, found: tuple[str, str | None] | None
) -> None:
    assert parse_submitted(text) == found


@given(st.text())
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    for job in parse_queue(text):
        assert job.job_id
    parse_job(text, "1")
    parse_alive(text, "1", "x")
    parse_accounting(text, "1")
    parse_submitted(text)


def test_a_cluster_goes_into_every_question_and_order() -> None:
    for words in (
        queue_arguments("20001", "gamma"),
        accounting_arguments("1", "gamma"),
        job_arguments("1", "gamma"),
        cancel_arguments("1", "gamma"),
    ):
        assert words[1] == "--clusters=gamma"
    assert not any("clusters" in word for word in queue_arguments("20001"))
