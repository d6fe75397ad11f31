"""The state machine of start and stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.core.record import Connection, LauncherProcess, ServerJob, ServerRecord
from jlab_mcp.core.slurm.jobs import Job, JobEnd
from jlab_mcp.core.startup import (
    Observed,
    Standing,
    StartStep,
    StopStep,
    WaitVerdict,
    judge,
    judge_wait,
    next_start_step,
    next_stop_step,
)

RECORD = ServerRecord(
    key="k",
    profile="local",
    project_dir=Path("/p"),
    notebook_dir=Path("/p/notebooks"),
    runner="local",
    hostname="here",
    process=LauncherProcess(pid=10, started=500, boot_id="boot"),
    server_id="abc",
    connection_file=Path("/c"),
    log_file=Path("/l"),
    created_at=1.0,
    python=Path("/py"),
)
CONNECTION = Connection.model_validate(
    {
        "server_id": "abc",
        "url": "http://127.0.0.1:18000/",
        "token": "secret",
        "hostname": "here",
        "ip": "127.0.0.1",
        "port": 18000,
        "pid": 10,
        "root_dir": "/p",
        "notebook_dir": "/p/notebooks",
        "profile": "local",
        "python": "3.11",
        "jupyterlab": "4",
        "jupyter_server": "2",
        "node_version": "0",
        "started_at": 1.0,
    }
)
HERE = Observed("here", "boot", 500, CONNECTION)


@pytest.mark.parametrize(
    ("observed", "standing"),
    [
        (HERE, Standing.LISTENING),
        (Observed("here", "boot", 500), Standing.STARTING),
        (
            Observed("here", "boot", 500, CONNECTION.model_copy(update={"server_id": "old"})),
            Standing.STARTING,
        ),
        (Observed("here", "boot", None), Standing.GONE),
        (Observed("here", "boot", 501), Standing.REUSED),
        (Observed("here", "another boot", 500, CONNECTION), Standing.REBOOTED),
        (Observed("elsewhere", "another boot", None), Standing.ELSEWHERE),
    ],
)
def test_what_is_seen_decides_how_things_stand(observed: Observed, standing: Standing) -> None:
    assert judge(RECORD, observed) is standing


def test_a_marked_record_is_being_stopped_only_while_its_process_lives() -> None:
    marked = RECORD.model_copy(update={"stopping": True})
    assert judge(marked, HERE) is Standing.STOPPING
    assert judge(marked, Observed("here", "boot", None)) is Standing.GONE
    assert judge(None, HERE) is Standing.ABSENT


@pytest.mark.parametrize(
    ("standing", "start", "stop"),
    [
        (Standing.ABSENT, StartStep.LAUNCH, StopStep.NOTHING),
        (Standing.REBOOTED, StartStep.LAUNCH, StopStep.CLEAN_UP),
        (Standing.GONE, StartStep.LAUNCH, StopStep.CLEAN_UP),
        (Standing.REUSED, StartStep.LAUNCH, StopStep.CLEAN_UP),
        (Standing.ELSEWHERE, StartStep.REFUSE, StopStep.REFUSE),
        (Standing.STARTING, StartStep.WAIT_UNTIL_READY, StopStep.END_PROCESS),
        (Standing.LISTENING, StartStep.WAIT_UNTIL_READY, StopStep.END_PROCESS),
        (Standing.STOPPING, StartStep.WAIT_UNTIL_GONE, StopStep.END_PROCESS),
    ],
)
def test_each_standing_has_one_next_step(standing: Standing, start: StartStep, stop: StopStep) -> None:
    assert next_start_step(standing) is start
    assert next_stop_step(standing) is stop
    assert bool(standing.why_stale) is standing.stale


def test_waiting_ends_for_one_reason() -> None:
    def verdict(record: ServerRecord | None, standing: Standing, waited: float = 0.0) -> WaitVerdict:
        return judge_wait("abc", record, standing, waited=waited, limit=5.0)

    assert verdict(RECORD, Standing.LISTENING) is WaitVerdict.LISTENING
    assert verdict(RECORD, Standing.STARTING) is WaitVerdict.KEEP_WAITING
    assert verdict(RECORD, Standing.STARTING, waited=5.0) is WaitVerdict.TIMED_OUT
    assert verdict(RECORD, Standing.GONE) is WaitVerdict.DIED
    assert verdict(None, Standing.ABSENT) is WaitVerdict.STOPPED_MEANWHILE
    assert (
        verdict(RECORD.model_copy(update={"stopping": True}), Standing.GONE) is WaitVerdict.STOPPED_MEANWHILE
    )
    other = RECORD.model_copy(update={"server_id": "another"})
    assert verdict(other, Standing.LISTENING) is WaitVerdict.STOPPED_MEANWHILE


def test_the_token_does_not_show_in_a_connections_text() -> None:
    assert "secret" not in f"{CONNECTION} {CONNECTION!r} {CONNECTION.model_dump_json()}"


JOB_RECORD = RECORD.model_copy(
    update={"process": None, "runner": "slurm", "hostname": "login1", "job": ServerJob(job_id="7", name="n")}
)
ENDED_RECORD = JOB_RECORD.model_copy(
    update={"job": ServerJob(job_id="7", name="n", end=JobEnd(state="TIMEOUT"))}
)


@pytest.mark.parametrize(
    ("record", "state", "connection", "standing"),
    [
        (JOB_RECORD, None, None, Standing.STARTING),
        (JOB_RECORD, None, CONNECTION, Standing.LISTENING),
        (JOB_RECORD, "PENDING", None, Standing.STARTING),
        (JOB_RECORD, "PENDING", CONNECTION, Standing.STARTING),  # requeued: the file is of an earlier run
        (JOB_RECORD, "RUNNING", None, Standing.STARTING),
        (JOB_RECORD, "RUNNING", CONNECTION, Standing.LISTENING),
        (JOB_RECORD, "COMPLETING", CONNECTION, Standing.STOPPING),
        (JOB_RECORD, "TIMEOUT", CONNECTION, Standing.JOB_ENDED),
        (ENDED_RECORD, None, CONNECTION, Standing.JOB_ENDED),
        (JOB_RECORD.model_copy(update={"stopping": True}), "RUNNING", CONNECTION, Standing.STOPPING),
        (JOB_RECORD.model_copy(update={"stopping": True}), "PENDING", None, Standing.STOPPING),
        (JOB_RECORD.model_copy(update={"stopping": True}), "CANCELLED", None, Standing.JOB_ENDED),
    ],
)
def test_a_job_is_judged_by_what_slurm_says_and_its_file(
    record: ServerRecord, state: str | None, connection: Connection | None, standing: Standing
) -> None:
    job = Job(job_id="7", state=state, name="n") if state else None
    assert judge(record, Observed("elsewhere", "another boot", None, connection, job)) is standing


def test_silence_of_slurm_is_no_end() -> None:
    assert judge(JOB_RECORD, Observed("here", "boot", None, None, None)).alive


@pytest.mark.parametrize(
    ("began", "standing"),
    [
        (CONNECTION.started_at - 5, Standing.LISTENING),
        (CONNECTION.started_at + 5, Standing.LISTENING),  # the clocks of two machines
        (CONNECTION.started_at + 60, Standing.STARTING),
        (None, Standing.LISTENING),
    ],
)
def test_a_connection_file_from_before_the_job_began_is_of_an_earlier_run(
    began: float | None, standing: Standing
) -> None:
    job = Job(job_id="7", state="RUNNING", name="n")
    assert judge(JOB_RECORD, Observed("here", "boot", None, CONNECTION, job, began)) is standing
