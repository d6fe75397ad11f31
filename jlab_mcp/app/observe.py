"""Look at a server: its files, its process, and, where these do not tell, what SLURM says of its job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from jlab_mcp.core.slurm.endings import end_words, job_words, note_words
from jlab_mcp.core.slurm.jobs import JobEnd, Phase
from jlab_mcp.core.startup import Observed, Standing, judge
from jlab_mcp.errors import (
    JobEnded,
    JobQueued,
    NoServer,
    Remedy,
    ServerElsewhere,
    ServerStarting,
    SlurmUnreachable,
)
from jlab_mcp.runners.processes import boot_id, hostname, started_at
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.logs import log_tail
from jlab_mcp.storage.records import read_connection, read_end_note, read_record, write_record

if TYPE_CHECKING:
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import Connection, EndNote, ServerJob, ServerPaths, ServerRecord
    from jlab_mcp.core.slurm.jobs import Job

_SPEAKER = "jlab-mcp: "
"""How lines begin by which a job's script says why it gives up."""
LOG_LINES = 20
"""Lines of its log that go with the end of a job."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A server's record, its connection file, and how things stand.

    Attributes:
        record: what is written about it.
        connection: what its node wrote.
        standing: how things stand.
        job: what SLURM says of its job; None if it was not asked, does not answer, or does not know it.
        unknown: why SLURM does not answer, in a sentence.
        note: what the node noted of the end of a server that is gone.
        complaint: the last thing that the job's shell or the launcher said of why it gave up.
    """

    record: ServerRecord | None
    connection: Connection | None
    standing: Standing
    job: Job | None = None
    unknown: str | None = None
    note: EndNote | None = None
    complaint: str | None = None

    @property
    def why_stale(self) -> str:
        """Why the record outlived its server, in words that follow "the last one"; empty if it did not."""
        job = self.record.job if self.record else None
        said = (note_words(self.note) if self.note else None) or self.complaint
        if self.standing is Standing.JOB_ENDED and job and job.end:
            return f"ended: job {job.job_id} {end_words(job.end, said)}"
        return f"ended: {said}" if said else self.standing.why_stale


def observe(paths: ServerPaths) -> Seen:
    """Read what is on disk and look whether the process is there; SLURM is not asked.

    Raises:
        RecordBroken: a file cannot be read.
    """
    record = read_record(paths)
    if record is None:
        return Seen(None, None, Standing.ABSENT)
    started = started_at(record.process.pid) if record.process else None
    observed = Observed(hostname(), boot_id(), started)
    standing = judge(record, observed)
    if standing.stale:
        return _with_last_words(paths, Seen(record, None, standing))
    if standing is not Standing.STARTING:
        return Seen(record, None, standing)
    observed = replace(observed, connection=read_connection(paths))
    return Seen(record, observed.connection, judge(record, observed))


async def look(target: Target, *, max_age: float = 5.0, doubt: bool = False, locked: bool = False) -> Seen:
    """Observe, and ask SLURM about a server that has a job and does not listen.

    What is learned for good, the job's id and its end, goes into the record.

    Args:
        target: which server.
        max_age: seconds that SLURM's answer may be old.
        doubt: ask also if it seems to listen: its node may be gone.
        locked: whether the caller holds the server's lock.

    Raises:
        RecordBroken: a file cannot be read.
    """
    seen = observe(target.paths)
    job = seen.record.job if seen.record else None
    if seen.record is None or job is None or job.end or (seen.standing is Standing.LISTENING and not doubt):
        return seen
    try:
        found = await _find_job(target, job, max_age)
        learned = await _learned(job, found)
    except SlurmUnreachable as error:
        return replace(seen, unknown=error.message)
    record = seen.record
    if learned != job:
        record = record.model_copy(update={"job": learned})
        await _write_down(target, record, locked=locked)
    observed = Observed(hostname(), boot_id(), None, seen.connection, found, _began(found))
    seen = replace(seen, record=record, standing=judge(record, observed), job=found)
    return _with_last_words(target.paths, seen) if seen.standing.stale else seen


def _began(job: Job | None) -> float | None:
    """Return when a job that runs began to, in seconds since the epoch; SLURM says it in this host's time."""
    if job is None or job.phase is not Phase.RUNNING or job.start is None:
        return None
    try:
        return datetime.fromisoformat(job.start).timestamp()
    except ValueError:
        return None


def _with_last_words(paths: ServerPaths, seen: Seen) -> Seen:
    """Add what a server that is gone, or its job's shell, left to be read of its end."""
    if seen.record is None:
        return seen
    note = read_end_note(paths, seen.record.server_id)
    complaints = [line for line in log_tail(seen.record.log_file, LOG_LINES) if line.startswith(_SPEAKER)]
    said = complaints[-1].removeprefix(_SPEAKER) if complaints and note is None and seen.record.job else None
    return replace(seen, note=note, complaint=said)


async def _find_job(target: Target, job: ServerJob, max_age: float) -> Job | None:
    from jlab_mcp.app.queue import is_it, queue

    folder = target.paths.record_file.parent
    for age in (max_age, 0.0):  # an older answer may be from before the job was submitted
        jobs = (await queue(job, folder, max_age=age)).jobs
        if found := next((each for each in jobs if is_it(each, job)), None):
            return found
    return None


async def _learned(job: ServerJob, found: Job | None) -> ServerJob:
    """Return what is known of a job for good.

    Raises:
        SlurmUnreachable: it cannot be told how it ended.
    """
    from jlab_mcp.app.queue import slurm_of

    if found is None:
        if job.job_id is None:
            return job
        end = await slurm_of(job).end_of(job.job_id, job.name)
        return job.model_copy(update={"end": end or JobEnd()})
    if found.phase is Phase.ENDED:
        end = await slurm_of(job).end_of(found.job_id, job.name) or JobEnd(
            state=found.state, nodes=found.nodes
        )
        end = end.model_copy(update={"time_limit": found.time_limit or end.time_limit})
        return job.model_copy(update={"job_id": found.job_id, "end": end})
    return job.model_copy(update={"job_id": found.job_id})


async def _write_down(target: Target, record: ServerRecord, *, locked: bool) -> None:
    """Write the record, unless it is another server's by now."""
    if locked:
        write_record(target.paths, record)
        return
    async with held(target.paths.lock_file):
        current = read_record(target.paths)
        if current and current.server_id == record.server_id:
            write_record(target.paths, current.model_copy(update={"job": record.job}))


def no_server(target: Target, seen: Seen | None = None) -> NoServer:
    """Make the error that says no server runs, and what became of the last one."""
    what = f"no server is running for `{target.project_dir}` (profile {target.name})"
    why = seen.why_stale if seen else ""
    if seen and seen.record and seen.standing is Standing.JOB_ENDED:
        cut_short = (
            [str(each.notebook_path) for each in seen.note.sessions if each.running] if seen.note else []
        )
        details = log_details(seen.record) | ({"cut_short": cut_short} if cut_short else {})
        return JobEnded(f"{what}: the last one {why}", details=details)
    return NoServer(f"{what}: the last one {why}" if why else what)


def log_details(record: ServerRecord) -> dict[str, object]:
    """Return where a server's log is, and its end."""
    return {"log_file": str(record.log_file), "log_tail": log_tail(record.log_file, LOG_LINES)}


def not_yet(target: Target, seen: Seen) -> ServerStarting:
    """Make the error that says a server was started and does not listen yet."""
    what = f"the server of `{target.project_dir}` (profile {target.name})"
    if seen.unknown:
        return ServerStarting(
            f"{what} does not listen, and how its job stands is unknown: {seen.unknown}",
            remedy=Remedy.ASK_SLURM_AGAIN,
        )
    if seen.job and seen.job.phase is Phase.QUEUED:
        return JobQueued(f"{what} is not there yet: {job_words(seen.job)}", details=job_details(seen.job))
    if seen.job:
        return ServerStarting(f"{what} does not listen: {job_words(seen.job)}", details=job_details(seen.job))
    return ServerStarting(f"{what} is still starting")


def job_details(job: Job) -> dict[str, object]:
    """Return the facts about a job that a front end may show."""
    return {
        "job_id": job.job_id,
        "job_state": job.state,
        "reason": job.reason,
        "expected_start": job.start if job.phase is Phase.QUEUED else None,
        "nodes": job.nodes,
    }


def elsewhere(record: ServerRecord) -> ServerElsewhere:
    """Make the error that says the server belongs to another host."""
    return ServerElsewhere(
        f"the server of `{record.project_dir}` (profile {record.profile}) was started on {record.hostname},"
        f" and this is {hostname()}",
        details={"hostname": record.hostname},
    )
