"""The user's jobs as SLURM shows them, asked at most so often by all processes together."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.core.record import QueueSnapshot, ServerJob
from jlab_mcp.errors import CannotWrite, ServerStarting, SlurmUnreachable
from jlab_mcp.runners.slurm import Slurm
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.snapshots import read_snapshot, write_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.core.record import Connection, ServerRecord
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.core.slurm.jobs import Job

LIMIT_AGE = 600.0
"""Seconds for which SLURM's word on a job's time limit holds: an administrator may change it."""
_LOCKED_SECONDS = 10.0
"""How much longer than one command another process may keep the queue's lock."""


def server_job(resolved: ResolvedProfile, job_id: str | None, name: str) -> ServerJob:
    """Return a job on the cluster that the settings mean."""
    return ServerJob(
        job_id=job_id,
        name=name,
        cluster=resolved.slurm.clusters,
        slurm_conf=resolved.slurm_conf,
        command_timeout=resolved.profile.server.command_timeout,
        warn_s=resolved.profile.server.time_left_warning,
    )


def slurm_environment(resolved: ResolvedProfile, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment in which SLURM's commands ask the cluster that the settings mean."""
    conf = {"SLURM_CONF": str(resolved.slurm_conf)} if resolved.slurm_conf else {}
    return {**environ, **conf}


def slurm_of(job: ServerJob) -> Slurm:
    """Return the cluster of a job."""
    return Slurm(os.environ, cluster=job.cluster, slurm_conf=job.slurm_conf, timeout=job.command_timeout)


async def queue(job: ServerJob, folder: Path, *, max_age: float) -> QueueSnapshot:
    """Return what SLURM says of all the user's jobs on a job's cluster.

    Whoever comes while another process asks waits for that answer, also if it is none: however many processes
    look at once, the controller is asked once.

    Args:
        job: one of them.
        folder: the folder of records, where answers are kept.
        max_age: seconds that an answer may be old.

    Raises:
        SlurmUnreachable: SLURM did not answer.
    """
    path = snapshot_file(job, folder)
    came = time.time()
    found = read_snapshot(path)
    if found is None or not _serves(found, came, max_age):
        found = await _asked_once(job, path, came, max_age)
    if found.failure:
        raise SlurmUnreachable(found.failure)
    return found


def last_seen(job: ServerJob, folder: Path, *, since: float = 0.0) -> tuple[QueueSnapshot, Job] | None:
    """Return what SLURM last said of a job, without asking; None if it was not asked after `since`."""
    found = read_snapshot(snapshot_file(job, folder))
    if found is None or found.at < since:
        return None
    return next(((found, each) for each in found.jobs if is_it(each, job)), None)


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a job that runs.

    Attributes:
        state: SLURM's name of the job's state, as last asked.
        seconds: until its time limit is over; None where nothing ends it, or it is not known.
        warn: whether that is little enough to warn.
    """

    state: str | None = None
    seconds: float | None = None
    warn: bool = False


def remaining(record: ServerRecord, connection: Connection) -> Remaining:
    """Return what is left of a listening server's job by what SLURM last said; it is not asked."""
    job = record.job
    if job is None:
        return Remaining()
    # An answer from before this run of the job, which may have been requeued, does not count.
    seen = last_seen(job, record.connection_file.parent, since=connection.started_at)
    if seen is None:
        return Remaining()
    snapshot, found = seen
    if found.left_s is None:
        return Remaining(found.state)
    left = max(0.0, found.left_s - (time.time() - snapshot.at))
    return Remaining(found.state, left, left < job.warn_s)


async def refresh(record: ServerRecord, connection: Connection, *, max_age: float = LIMIT_AGE) -> Remaining:
    """Return what is left of a listening server's job; SLURM is asked if its last answer is too old.

    Where it does not answer, nothing is known of the time left, and the server goes on.
    """
    if record.job is not None:
        age = min(max_age, max(0.0, time.time() - connection.started_at))
        with suppress(SlurmUnreachable):
            await queue(record.job, record.connection_file.parent, max_age=age)
    return remaining(record, connection)


def is_it(found: Job, job: ServerJob) -> bool:
    """Say whether SLURM's job is a server's: names are unique, ids may have been given away again."""
    return found.name == job.name and job.job_id in (None, found.job_id)


def snapshot_file(job: ServerJob, folder: Path) -> Path:
    """Return where the answers about a job's cluster are kept."""
    which = f"{job.slurm_conf or os.environ.get('SLURM_CONF', '')}\0{job.cluster or ''}\0{os.geteuid()}"
    return folder / f"queue-{hashlib.sha256(which.encode('utf-8', 'surrogateescape')).hexdigest()[:10]}.json"


def _serves(found: QueueSnapshot, came: float, max_age: float) -> bool:
    # An answer that came while this one waited for the lock will do, however young it is asked to be.
    return came - max_age <= found.at <= time.time() + 1


async def _asked_once(job: ServerJob, path: Path, came: float, max_age: float) -> QueueSnapshot:
    try:
        async with held(path.with_suffix(".lock"), limit=job.command_timeout + _LOCKED_SECONDS):
            found = read_snapshot(path)
            if found is None or not _serves(found, came, max_age):
                found = await _ask(job)
                write_snapshot(path, found)
            return found
    except (CannotWrite, ServerStarting):  # the answer cannot be shared
        return await _ask(job)


async def _ask(job: ServerJob) -> QueueSnapshot:
    began = time.time()  # what happens while SLURM is asked may not be in its answer
    try:
        return QueueSnapshot(at=began, jobs=await slurm_of(job).jobs())
    except SlurmUnreachable as error:
        return QueueSnapshot(at=began, failure=error.message)
