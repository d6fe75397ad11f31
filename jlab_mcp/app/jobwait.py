"""Wait for a server's job: through the queue, until its JupyterLab listens.

Two things are looked at. The connection file, often, because it costs nothing and says at once that
JupyterLab listens; and SLURM, seldom, with one query for all of the user's jobs.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.observe import job_details, log_details, look, observe
from jlab_mcp.app.queue import slurm_environment
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.core.slurm.endings import job_words
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.core.slurm.reasons import pending_reason
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import JobCannotStart, ServerStarting, StartFailed, StartInterrupted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from jlab_mcp.app.observe import Seen
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.core.slurm.jobs import Job
    from jlab_mcp.core.slurm.reasons import PendingReason

_FIRST_ASK, _LAST_ASK, _GROWTH = 1.0, 15.0, 1.5
"""Seconds from one query to the next, from the first to the last."""
_FIRST_PAUSE, _LAST_PAUSE = 0.02, 0.2
"""Seconds between looks at the connection file."""


@dataclass(slots=True)
class _Wait:
    """What a wait knows so far.

    Attributes:
        began: when it began, as `time.monotonic` counts.
        running_since: when the job was first seen to run; None while it is queued.
        interval: seconds until the next query.
        ask_at: when that is.
        told: what was last reported of the job.
        stale: token of a connection file that an earlier run of the job left behind.
    """

    began: float
    ask_at: float
    interval: float = _FIRST_ASK
    running_since: float | None = None
    told: str = ""
    stale: set[str] = field(default_factory=set)


async def wait_for_job(
    target: Target, record: ServerRecord, *, patience: float | None = None
) -> AsyncIterator[LifecycleEvent]:
    """Report until the job's JupyterLab listens; or until patience is over, which leaves the job queued.

    Args:
        target: which server.
        record: it, with a job.
        patience: seconds to wait in the queue; else as long as `server.queue_timeout` says.

    Raises:
        StartFailed: the job ended first; says how, with the end of its log.
        StartInterrupted: somebody stopped it meanwhile.
        JobCannotStart: SLURM will never start it as it is; it stays queued.
        ServerStarting: the job runs, but JupyterLab takes longer than the time limit.
    """
    now = time.monotonic()
    wait = _Wait(now, ask_at=now)
    limit = min((each for each in (patience, target.queue_timeout) if each is not None), default=None)
    pause = _FIRST_PAUSE
    while not _listens(target, record, wait):
        now = time.monotonic()
        if now >= wait.ask_at:
            seen = await look(target, max_age=wait.interval / 2, doubt=True)
            for event in await _news(target, record, wait, seen):
                yield event
            pause = _FIRST_PAUSE
        if wait.running_since is None and limit is not None and now - wait.began >= limit:
            yield _left_queued(record, wait)
            return
        if wait.running_since is not None and now - wait.running_since >= target.ready_timeout:
            raise _not_ready(target, record)
        await asyncio.sleep(min(pause, max(0.0, wait.ask_at - time.monotonic()) + 0.001))
        pause = min(pause * 1.2, _LAST_PAUSE)


def _listens(target: Target, record: ServerRecord, wait: _Wait) -> bool:
    """Look at the files alone.

    Raises:
        StartInterrupted: the record is gone, or marked.
    """
    folder = target.paths.connection_file.parent
    if folder.is_dir():
        os.listdir(folder)  # noqa: PTH208 - NFS remembers for a minute that a file was not there, but not a folder
    seen = observe(target.paths)
    if seen.record is None or seen.record.server_id != record.server_id or seen.record.stopping:
        place = f"the server of `{record.project_dir}` (profile {record.profile})"
        raise StartInterrupted(f"{place} was stopped meanwhile")
    if seen.standing is not Standing.LISTENING or seen.connection is None or wait.ask_at == wait.began:
        return False  # the first look may find what an earlier run of the job left: SLURM is asked first
    return seen.connection.token.get_secret_value() not in wait.stale


async def _news(target: Target, record: ServerRecord, wait: _Wait, seen: Seen) -> list[LifecycleEvent]:
    """Take in what SLURM says, and return what to report of it."""
    if seen.standing is Standing.JOB_ENDED:
        raise _ended(record, seen)
    phase = seen.job.phase if seen.job else None
    if seen.job and seen.connection and seen.standing is Standing.STARTING:
        wait.stale.add(seen.connection.token.get_secret_value())
    running = None if phase is Phase.QUEUED else wait.running_since
    if phase is Phase.RUNNING and running is None:
        running, wait.interval = time.monotonic(), _FIRST_ASK
    wait.running_since = running
    events = list(_report(record, wait, seen))
    if seen.job and phase is Phase.QUEUED and seen.job.reason:
        reason = pending_reason(seen.job.reason)
        if reason.never:
            raise await _cannot_start(target, seen.job, reason)
    wait.interval = min(wait.interval * _GROWTH, _LAST_ASK)
    wait.ask_at = time.monotonic() + wait.interval
    return events


def _report(record: ServerRecord, wait: _Wait, seen: Seen) -> Iterator[LifecycleEvent]:
    """Say how the job stands, if that is news."""
    if seen.unknown:
        said, facts = f"how the job stands is unknown, still waiting: {seen.unknown}", {}
    elif seen.job:
        said, facts = job_words(seen.job), job_details(seen.job)
    else:
        said, facts = f"SLURM does not know a job called {record.job.name if record.job else ''} yet", {}
    if seen.job and seen.job.phase is Phase.RUNNING and seen.job.state == "RUNNING":
        said = f"{said}; JupyterLab is starting"
    if said != wait.told:
        wait.told = said
        yield LifecycleEvent("waiting", said, facts)


async def _cannot_start(target: Target, job: Job, reason: PendingReason) -> JobCannotStart:
    """Make the error of a job that stays queued for ever; what to change is known where the settings are."""
    if isinstance(target, ResolvedProfile):
        from jlab_mcp.app.refused import stuck

        return await stuck(target, reason, slurm_environment(target), job_id=job.job_id)
    said = f"job {job.job_id} cannot start as it is: {reason.name}, {reason.sentence}"
    return JobCannotStart(said, details=job_details(job))


def _ended(record: ServerRecord, seen: Seen) -> StartFailed:
    place = f"the server of `{record.project_dir}` (profile {record.profile})"
    return StartFailed(f"{place} did not start: it {seen.why_stale}", details=log_details(record))


def _not_ready(target: Target, record: ServerRecord) -> ServerStarting:
    place = f"the server of `{record.project_dir}` (profile {record.profile})"
    said = f"{place} is not ready {target.ready_timeout:g} s after its job {record.job_id} began to run"
    return ServerStarting(said, details=log_details(record))


def _left_queued(record: ServerRecord, wait: _Wait) -> LifecycleEvent:
    said = f"job {record.job_id} stays queued after {time.monotonic() - wait.began:.0f} s of waiting"
    return LifecycleEvent("queued", said, {"job_id": record.job_id})
