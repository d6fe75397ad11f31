"""What SLURM says of jobs: in the queue (`squeue`), and of their end (`sacct`, `scontrol show job`)."""

from __future__ import annotations

import re
from enum import Enum, unique

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.core.slurm.nodes import stated

JOB_FIELDS = ("%i", "%T", "%r", "%N", "%S", "%L", "%l", "%j")
"""Job id, state, reason, nodes, start (expected or real), time left, time limit; last the name, which may
hold any character."""
ENDED_FIELDS = ("JobID", "State", "ExitCode", "NodeList", "JobName")

_DAYS = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", re.ASCII)
_CODE = re.compile(r"(\d+):(\d+)", re.ASCII)
_BY = re.compile(r"CANCELLED by (\d+)")
_ID = re.compile(r"\d+\S*", re.ASCII)


@unique
class Phase(Enum):
    """Where in its life a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    ENDING = "ending"
    ENDED = "ended"


_QUEUED = frozenset(
    ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")
)
_ENDING = frozenset(("COMPLETING", "STAGE_OUT"))
_ENDED = frozenset(
    (
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "LAUNCH_FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "RECONFIG_FAIL", "REVOKED", "TIMEOUT"),
    )
)


class Job(BaseModel):
    """One job as `squeue` shows it. See "JOB STATE CODES" in squeue(1)."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    state: str = Field(description="SLURM's name of it, such as PENDING.")
    reason: str | None = Field(default=None, description="Why it waits or ended, as SLURM names it.")
    nodes: str | None = Field(default=None, description="Where it runs, or ran.")
    start: str | None = Field(
        default=None, description="Expected or real start in this host's local time, as SLURM writes it."
    )
    left_s: float | None = Field(default=None, description="Seconds left of its time limit.")
    time_limit: str | None = None
    name: str = ""

    @property
    def phase(self) -> Phase:
        """Where in its life it is; a state that is not known counts as running: it has not ended."""
        if self.state in _ENDED:
            return Phase.ENDED
        if self.state in _QUEUED:
            return Phase.QUEUED
        return Phase.ENDING if self.state in _ENDING else Phase.RUNNING


class JobEnd(BaseModel):
    """How a job ended."""

    model_config = ConfigDict(frozen=True)

    state: str | None = Field(
        default=None, description="SLURM's name of it, such as TIMEOUT; null where SLURM no longer knows."
    )
    exit_code: int | None = Field(default=None, description="Of the job's script; null for a signal.")
    signal: int | None = Field(default=None, description="Number of the signal that ended the script.")
    nodes: str | None = None
    by_uid: int | None = Field(default=None, description="Who cancelled it, if SLURM says so.")
    time_limit: str | None = None


def queue_arguments(user: str, cluster: str | None = None) -> tuple[str, ...]:
    """Ask for all of a user's jobs, those that ended a short while ago included.

    One call for all of them: it costs the controller hardly more than one job. Asked for a single job that it
    does not know, it would fail.
    """
    form = f"--format={'|'.join(JOB_FIELDS)}"
    return ("squeue", *_on(cluster), "--noheader", f"--user={user}", "--states=all", form)


def accounting_arguments(job_id: str, cluster: str | None = None) -> tuple[str, ...]:
    """Ask the accounting database how a job ended."""
    form = f"--format={','.join(ENDED_FIELDS)}"
    return ("sacct", *_on(cluster), "--noheader", "--parsable2", "--allocations", f"--jobs={job_id}", form)


def job_arguments(job_id: str, cluster: str | None = None) -> tuple[str, ...]:
    """Ask the controller all about one job; it forgets an ended one after MinJobAge (300 s by default)."""
    return ("scontrol", *_on(cluster), "--oneliner", "show", "job", job_id)


def cancel_arguments(job_id: str, cluster: str | None = None) -> tuple[str, ...]:
    """Cancel a job: SIGTERM to all its processes, and SIGKILL after KillWait (30 s by default)."""
    return ("scancel", *_on(cluster), job_id)


def parse_queue(text: str) -> tuple[Job, ...]:
    """Read the answer to `queue_arguments`."""
    rows = (line.strip().split("|", len(JOB_FIELDS) - 1) for line in text.splitlines())
    return tuple(_job(row) for row in rows if len(row) == len(JOB_FIELDS) and _ID.fullmatch(row[0]))


def parse_accounting(text: str, job_id: str) -> JobEnd | None:
    """Read the answer to `accounting_arguments`; None if the job is not there, or has not ended."""
    for line in reversed(text.splitlines()):
        row = line.strip().split("|", len(ENDED_FIELDS) - 1)
        if len(row) == len(ENDED_FIELDS) and row[0] == job_id:
            state, by = row[1].split(" ")[0].rstrip("+"), _BY.match(row[1])
            if state not in _ENDED:
                return None
            nodes = None if row[3] == "None assigned" else stated(row[3])
            code, signal = _code(row[2])
            by_uid = int(by[1]) if by else None
            return JobEnd(state=state, exit_code=code, signal=signal, nodes=nodes, by_uid=by_uid)
    return None


def parse_job(text: str, job_id: str) -> JobEnd | None:
    """Read the answer to `job_arguments`; None if the job is not there, or has not ended."""
    said = _shown(text, job_id)
    if said.get("JobState") not in _ENDED:
        return None
    code, signal = _code(said.get("ExitCode", ""))
    return JobEnd(
        state=said["JobState"],
        exit_code=code,
        signal=signal,
        nodes=stated(said.get("NodeList", "")),
        time_limit=stated(said.get("TimeLimit", "")),
    )


def parse_alive(text: str, job_id: str, name: str) -> str | None:
    """Read the answer to `job_arguments`: the state of a job that has not ended; None if it is not there."""
    said = _shown(text, job_id)
    state = said.get("JobState")
    return state if said.get("JobName") == name and state not in _ENDED else None


def parse_submitted(text: str) -> tuple[str, str | None] | None:
    """Read what `sbatch --parsable` prints: the job's id and its cluster; sites print chatter before it."""
    for line in reversed(text.splitlines()):
        job_id, _, cluster = line.strip().partition(";")
        if job_id.isdecimal() and job_id.isascii():
            return job_id, cluster or None
    return None


def seconds_left(text: str) -> float | None:
    """Read `[[D-]H:]M:S`; None for UNLIMITED, NOT_SET, INVALID and anything else."""
    match = _DAYS.fullmatch(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(digits or 0) for digits in match.groups())
    return ((days * 24.0 + hours) * 60 + minutes) * 60 + seconds


def _job(row: list[str]) -> Job:
    job_id, state, reason, nodes, start, left, limit, name = row
    return Job(
        job_id=job_id,
        state=state,
        reason=stated(reason.strip("()")) if reason != "None" else None,
        nodes=stated(nodes),
        start=stated(start),
        left_s=seconds_left(left),
        time_limit=stated(limit),
        name=name,
    )


def _shown(text: str, job_id: str) -> dict[str, str]:
    """Return what `scontrol show job` says of a job, by name; nothing if it is not there."""
    for line in text.splitlines():
        said: dict[str, str] = {}
        for word in line.split():
            key, sign, value = word.partition("=")
            if sign:
                said.setdefault(key, value)
        if said.get("JobId") == job_id:
            return said
    return {}


def _code(text: str) -> tuple[int | None, int | None]:
    """Read `CODE:SIGNAL`, of which one counts."""
    match = _CODE.fullmatch(text)
    if match is None:
        return None, None
    code, signal = int(match[1]), int(match[2])
    return (None, signal) if signal else (code, None)


def _on(cluster: str | None) -> tuple[str, ...]:
    return (f"--clusters={cluster}",) if cluster else ()
