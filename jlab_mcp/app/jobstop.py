"""Cancel a server's job, and wait until SLURM says that it has ended."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING

from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.queue import is_it, queue, server_job, slurm_of
from jlab_mcp.core.slurm.endings import job_words
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.errors import JobNotOurs, NoServer, RecordBroken, Remedy, SlurmUnreachable, StopFailed
from jlab_mcp.storage.locks import held
from jlab_mcp.storage.records import read_record, remove_record, write_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerJob, ServerRecord
    from jlab_mcp.core.resolver import ResolvedProfile

_FIRST_PAUSE, _LAST_PAUSE, _GROWTH = 0.2, 3.0, 1.5
_REPORT_SECONDS = 10.0
ENDING_SECONDS = 90.0
"""How long an ending job is waited for: SLURM gives it KillWait (30 s by default), and sites run epilogs."""
SURE_SECONDS = 5.0
"""For how long SLURM must answer that it knows no job of a name, before a submission counts as lost."""
_OUR_NAME = re.compile(r".+-[0-9a-f]{10}-[0-9a-f]{16}")
"""How the names of jobs end that `start` submits: a server's key, and its launch's id."""


async def end_job(target: Target, record: ServerRecord) -> AsyncIterator[LifecycleEvent]:
    """Cancel the job of a record, wait for its end, and remove the record.

    Raises:
        SlurmUnreachable: it was not cancelled; the record is as it was.
        StopFailed: it is still ending.
    """
    job = record.job
    if job is None:
        raise ValueError(f"{record.key} has no job")
    try:
        async for event in _cancel(job, target.paths.record_file.parent):
            yield event
    except SlurmUnreachable as error:
        await _unmark(target, record)
        what = f"job {job.job_id}" if job.job_id else f"the job called {job.name}"
        raise SlurmUnreachable(f"{what} was not cancelled: {error.message}") from error
    async with held(target.paths.lock_file):
        current = read_record(target.paths)
        if current is None or current.server_id == record.server_id:
            remove_record(target.paths)


async def stop_job(resolved: ResolvedProfile, job_id: str) -> AsyncIterator[LifecycleEvent]:
    """Cancel a job by its id, whatever became of its record, and wait for its end.

    Args:
        resolved: settings that say how SLURM is asked.
        job_id: as SLURM shows it.

    Raises:
        NoServer: the user has no such job.
        JobNotOurs: jlab-mcp did not submit it; it is left alone.
        SlurmUnreachable, StopFailed: as for `end_job`.
    """
    folder = resolved.connection_dir
    asked = server_job(resolved, job_id, "")
    jobs = (await queue(asked, folder, max_age=0.0)).jobs
    found = next((each for each in jobs if each.job_id == job_id), None)
    if found is None or found.phase is Phase.ENDED:
        raise NoServer(f"you have no job {job_id} that is queued or runs", remedy=Remedy.CHECK_STATUS)
    if not _OUR_NAME.fullmatch(found.name):
        raise JobNotOurs(f"job {job_id} ({found.name}) was not submitted by jlab-mcp, so it is left alone")
    yield LifecycleEvent("stopping", f"stopping {job_words(found)}", {"job_id": job_id})
    async for event in _cancel(asked.model_copy(update={"name": found.name}), folder):
        yield event
    yield LifecycleEvent("stopped", f"job {job_id} has been stopped", {"job_id": job_id})


async def end_unrecorded_jobs(resolved: ResolvedProfile) -> AsyncIterator[LifecycleEvent]:
    """Cancel jobs of this project and profile that no record tells of, found by their names."""
    asked = server_job(resolved, None, "")
    ours = re.compile(rf".+-{re.escape(resolved.paths.key)}-[0-9a-f]{{16}}")
    try:
        jobs = (await queue(asked, resolved.connection_dir, max_age=0.0)).jobs
    except SlurmUnreachable as error:
        yield LifecycleEvent("note", f"a job without a record would not be found: {error.message}")
        return
    for found in jobs:
        if ours.fullmatch(found.name) and found.phase is not Phase.ENDED:
            yield LifecycleEvent("stopping", f"stopping {job_words(found)}, which has no record")
            async for event in _cancel(
                server_job(resolved, found.job_id, found.name), resolved.connection_dir
            ):
                yield event
            yield LifecycleEvent("stopped", f"job {found.job_id} has been stopped", {"job_id": found.job_id})


async def _cancel(job: ServerJob, folder: Path) -> AsyncIterator[LifecycleEvent]:
    """Cancel a job if it is there and ours, and return when it has ended."""
    began = reported = time.monotonic()
    pause, cancelled = _FIRST_PAUSE, False
    while True:
        try:
            jobs = (await queue(job, folder, max_age=0.0)).jobs
        except SlurmUnreachable as error:
            if not cancelled:
                raise
            if time.monotonic() - began > ENDING_SECONDS:
                raise StopFailed(
                    f"the job was cancelled, but whether it has ended is unknown: {error.message}"
                ) from error
            await asyncio.sleep(_LAST_PAUSE)
            continue
        found = next((each for each in jobs if is_it(each, job)), None)
        if found is None and job.job_id is None and time.monotonic() - began < SURE_SECONDS:
            await asyncio.sleep(pause)  # SLURM may still be about to take a job whose sbatch gave no answer
            continue
        if found is None or found.phase is Phase.ENDED:
            return
        if not cancelled:
            await slurm_of(job).cancel(found.job_id)
            cancelled = True
            continue
        now = time.monotonic()
        if now - began > ENDING_SECONDS:
            raise StopFailed(
                f"the job was cancelled, but {job_words(found)} after {ENDING_SECONDS:.0f} s;"
                " SLURM goes on ending it"
            )
        if now - reported > _REPORT_SECONDS:
            reported = now
            said = f"{job_words(found)}, {now - began:.0f} s so far"
            yield LifecycleEvent("waiting", said, {"elapsed_s": now - began, "ending": True})
        await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _LAST_PAUSE)


async def _unmark(target: Target, record: ServerRecord) -> None:
    """Take the mark back that the server is being stopped: it is not."""
    async with held(target.paths.lock_file):
        try:
            current = read_record(target.paths)
        except RecordBroken:
            return
        if current and current.server_id == record.server_id:
            write_record(target.paths, current.model_copy(update={"stopping": False}))
