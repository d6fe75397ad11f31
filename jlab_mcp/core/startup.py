"""The start and stop of a server as a state machine: what was seen in, what to do next out.

Rules:
- A local server is one process, known by host, boot, process id and start time together; a process id alone
  may belong to a stranger by now, and is never signalled.
- A record of this host whose process is gone is stale: `start` replaces it, `stop` removes it.
- A record of another host is never stale from here: only that host can tell.
- A server in a SLURM job can be looked at from every host that shares the files. What SLURM does not answer
  is unknown, and never taken for an end.
- `stop` marks the record before its first signal, so that a start in progress knows why its process died.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from jlab_mcp.core.slurm.jobs import Phase

if TYPE_CHECKING:
    from jlab_mcp.core.record import Connection, ServerRecord
    from jlab_mcp.core.slurm.jobs import Job


_CLOCKS_DIFFER = 10.0
"""Seconds by which the clocks of a node and of SLURM may differ; a requeued job waits for longer."""


@unique
class Standing(Enum):
    """How things stand with the server of a record."""

    ABSENT = "absent"
    REBOOTED = "rebooted"
    GONE = "gone"
    REUSED = "reused"
    JOB_ENDED = "job_ended"
    ELSEWHERE = "elsewhere"
    STARTING = "starting"
    LISTENING = "listening"
    STOPPING = "stopping"

    @property
    def stale(self) -> bool:
        """Whether the record outlived its process."""
        return self in _WHY_STALE

    @property
    def why_stale(self) -> str:
        """Why the record is stale, in words that follow "the server …"; of a job, its end says more."""
        return _WHY_STALE.get(self, "")

    @property
    def alive(self) -> bool:
        """Whether the process, or the job, is there as far as is known."""
        return self in (Standing.STARTING, Standing.LISTENING, Standing.STOPPING)


_WHY_STALE = {
    Standing.REBOOTED: "was ended by a reboot",
    Standing.GONE: "ended without being stopped",
    Standing.REUSED: "ended without being stopped, and its process id belongs to another program now",
    Standing.JOB_ENDED: "ended with its job",
}


@dataclass(frozen=True, slots=True)
class Observed:
    """What can be seen from here.

    Attributes:
        hostname: of this host.
        boot_id: of this boot.
        pid_started: start of the process with the record's id in clock ticks; None if there is none,
            or only a zombie.
        connection: what the connection file says, if it is there.
        job: what SLURM says of the record's job; None if it was not asked, or did not answer.
        job_began: when this run of the job began by SLURM's clock, in seconds since the epoch, if it runs.
    """

    hostname: str
    boot_id: str
    pid_started: int | None
    connection: Connection | None = None
    job: Job | None = None
    job_began: float | None = None


def judge(record: ServerRecord | None, observed: Observed) -> Standing:  # noqa: PLR0911 - one line per case
    """Say how things stand with the server of `record`."""
    if record is None:
        return Standing.ABSENT
    if record.process is None:
        return _judge_job(record, observed)
    if record.hostname != observed.hostname:
        return Standing.ELSEWHERE
    if record.process.boot_id != observed.boot_id:
        return Standing.REBOOTED
    if observed.pid_started is None:
        return Standing.GONE
    if observed.pid_started != record.process.started:
        return Standing.REUSED
    return _alive(record, observed)


def _judge_job(record: ServerRecord, observed: Observed) -> Standing:
    job = observed.job
    if (record.job and record.job.end) or (job and job.phase is Phase.ENDED):
        return Standing.JOB_ENDED
    if job and job.phase is Phase.QUEUED and not record.stopping:
        # Preempted or requeued: what the connection file says is of an earlier run.
        return Standing.STARTING
    if job and job.phase is Phase.ENDING:
        return Standing.STOPPING
    if _of_an_earlier_run(observed) and not record.stopping:
        return Standing.STARTING
    return _alive(record, observed)


def _of_an_earlier_run(observed: Observed) -> bool:
    """Say whether the connection file was there before the job began to run: a node that failed left it."""
    if observed.connection is None or observed.job_began is None:
        return False
    return observed.connection.started_at < observed.job_began - _CLOCKS_DIFFER


def _alive(record: ServerRecord, observed: Observed) -> Standing:
    if record.stopping:
        return Standing.STOPPING
    if observed.connection is not None and observed.connection.server_id == record.server_id:
        return Standing.LISTENING
    return Standing.STARTING


@unique
class StartStep(Enum):
    """What `start` does next."""

    LAUNCH = "launch"
    WAIT_UNTIL_READY = "wait_until_ready"
    WAIT_UNTIL_GONE = "wait_until_gone"
    REFUSE = "refuse"


def next_start_step(standing: Standing) -> StartStep:
    """Decide what `start` does, given how things stand."""
    if standing is Standing.ABSENT or standing.stale:
        return StartStep.LAUNCH
    if standing is Standing.ELSEWHERE:
        return StartStep.REFUSE
    return StartStep.WAIT_UNTIL_GONE if standing is Standing.STOPPING else StartStep.WAIT_UNTIL_READY


@unique
class StopStep(Enum):
    """What `stop` does next."""

    NOTHING = "nothing"
    CLEAN_UP = "clean_up"
    END_PROCESS = "end_process"
    REFUSE = "refuse"


def next_stop_step(standing: Standing) -> StopStep:
    """Decide what `stop` does, given how things stand."""
    if standing is Standing.ABSENT:
        return StopStep.NOTHING
    if standing is Standing.ELSEWHERE:
        return StopStep.REFUSE
    return StopStep.CLEAN_UP if standing.stale else StopStep.END_PROCESS


@unique
class WaitVerdict(Enum):
    """How waiting for a server that was launched goes on."""

    LISTENING = "listening"
    KEEP_WAITING = "keep_waiting"
    DIED = "died"
    STOPPED_MEANWHILE = "stopped_meanwhile"
    TIMED_OUT = "timed_out"


def judge_wait(
    server_id: str, record: ServerRecord | None, standing: Standing, *, waited: float, limit: float
) -> WaitVerdict:
    """Decide how waiting for the server called `server_id` goes on.

    Args:
        server_id: the server that is waited for.
        record: what is on disk now.
        standing: how things stand with `record`.
        waited: seconds so far.
        limit: seconds to wait at most.
    """
    if record is None or record.server_id != server_id or record.stopping:
        return WaitVerdict.STOPPED_MEANWHILE
    if standing is Standing.LISTENING:
        return WaitVerdict.LISTENING
    if standing is not Standing.STARTING:
        return WaitVerdict.DIED
    return WaitVerdict.TIMED_OUT if waited >= limit else WaitVerdict.KEEP_WAITING
