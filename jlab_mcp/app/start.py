"""Start a server, or find the one that is there, and wait until it is ready."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jlab_mcp.app.blame import naming_the_setting
from jlab_mcp.app.complete import require_complete
from jlab_mcp.app.events import LifecycleEvent
from jlab_mcp.app.jobstop import ENDING_SECONDS, SURE_SECONDS
from jlab_mcp.app.launch import launch
from jlab_mcp.app.observe import elsewhere, look, no_server
from jlab_mcp.app.ready import wait_until_ready
from jlab_mcp.app.servers import settings_changed
from jlab_mcp.core.startup import Standing, StartStep, next_start_step
from jlab_mcp.errors import SlurmUnreachable, StopFailed
from jlab_mcp.storage.locks import held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.observe import Seen
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord
    from jlab_mcp.core.resolver import ResolvedProfile

_PAUSE = 0.02
_LOCK_SECONDS = 20.0


@dataclass(slots=True)
class _Found:
    """The server that is there, or was launched.

    Attributes:
        events: what to report.
        record: its record.
        launched: whether it was launched here.
    """

    events: list[LifecycleEvent]
    record: ServerRecord
    launched: bool


async def start(
    resolved: ResolvedProfile, *, wait: bool = True, patience: float | None = None
) -> AsyncIterator[LifecycleEvent]:
    """Start the server of a project and profile, and report until it is ready.

    A server that is there already, or is being started by somebody else, is waited for instead; a job that is
    queued already is never submitted a second time.

    Args:
        resolved: the settings.
        wait: whether to wait until it is ready; else the last event is `launched` or `already_running`.
        patience: seconds to wait in the queue of a cluster, if fewer than `server.queue_timeout`; the job
            stays queued, and the last event is `queued`.

    Raises:
        CannotWrite: there is no place for its files.
        ConfigError: the settings cannot be used, or the notebook folder cannot be made.
        StartFailed: it did not come up; nothing of it is left.
        StartInterrupted: somebody stopped it meanwhile.
        ServerStarting: somebody else's start, or JupyterLab in a job, takes longer than the time limit.
        ServerElsewhere: it was started on another host.
        ServerUnreachable: it is there and does not answer.
        JobRefused: SLURM does not take the job, or can never start it.
        SlurmUnreachable: SLURM does not answer, and nothing is known without it.
        RecordBroken: what is written about it cannot be read.
    """
    require_complete(resolved)
    with naming_the_setting(resolved):
        found = await _find_or_launch(resolved)
    for event in found.events:
        yield event
    if not wait:
        return
    async for event in wait_until_ready(resolved, found.record, ours=found.launched, patience=patience):
        yield event


async def wait(target: Target, *, patience: float | None = None) -> AsyncIterator[LifecycleEvent]:
    """Wait until the server that somebody started is ready; starts nothing.

    Args:
        target: which server.
        patience: seconds to wait in the queue of a cluster; then the last event is `queued`.

    Raises:
        NoServer: none runs or starts.
        ServerStarting: it takes longer than the time limit.
        StartFailed: it died meanwhile.
        ServerElsewhere, ServerUnreachable, SlurmUnreachable, JobRefused, RecordBroken: as for `start`.
    """
    seen = await look(target, max_age=0.0)
    if seen.standing is Standing.ELSEWHERE and seen.record:
        raise elsewhere(seen.record)
    if seen.record is None or seen.standing.stale or seen.standing is Standing.STOPPING:
        raise no_server(target, seen)
    async for event in wait_until_ready(target, seen.record, ours=False, patience=patience):
        yield event


async def _find_or_launch(resolved: ResolvedProfile) -> _Found:
    """Return the server that is there, or launch one.

    Raises:
        SlurmUnreachable: there is a job, and SLURM does not say what became of it; nothing is submitted.
    """
    ending = ENDING_SECONDS if resolved.mode == "slurm" else 0.0
    deadline = time.monotonic() + 2 * resolved.stop_timeout + ending
    doubts = _Doubts()
    limit = _LOCK_SECONDS + 2 * resolved.profile.server.command_timeout
    while True:
        async with held(resolved.paths.lock_file, limit=limit):
            seen = await look(resolved, max_age=0.0, doubt=True, locked=True)
            step = next_start_step(seen.standing)
            if step is StartStep.LAUNCH or doubts.settled(seen):
                events = [_cleaned(resolved, seen)] if _worth_telling(seen) else []
                return _Found(events, await launch(resolved, events), launched=True)
        if step is StartStep.REFUSE and seen.record:
            raise elsewhere(seen.record)
        if step is StartStep.WAIT_UNTIL_READY and seen.record and not doubts.about(seen):
            return _Found(_already(seen, resolved), seen.record, launched=False)
        if step is StartStep.WAIT_UNTIL_GONE and time.monotonic() > deadline:
            raise StopFailed(f"the last server of `{resolved.project_dir}` is being stopped and does not end")
        await asyncio.sleep(doubts.pause)


@dataclass(slots=True)
class _Doubts:
    """Whether SLURM took a job whose sbatch gave no answer; it is looked for by its name.

    Attributes:
        since: when SLURM first answered that it knows no such job.
        pause: seconds until the next look.
    """

    since: float | None = None
    pause: float = field(default=_PAUSE)

    def about(self, seen: Seen) -> bool:
        """Say whether it is not known if there is a job.

        Raises:
            SlurmUnreachable: SLURM does not answer at all.
        """
        job = seen.record.job if seen.record else None
        if job is None or seen.standing is Standing.LISTENING:
            return False
        if seen.unknown:
            what = f"job {job.job_id}" if job.job_id else f"the job called {job.name}"
            raise SlurmUnreachable(
                f"how {what} stands is unknown: {seen.unknown}; nothing was submitted, and nothing cancelled"
            )
        return job.job_id is None

    def settled(self, seen: Seen) -> bool:
        """Say whether SLURM has answered for long enough that it never took the job."""
        if seen.standing is Standing.STOPPING or not self.about(seen):
            return False
        self.since, self.pause = self.since or time.monotonic(), 1.0
        return time.monotonic() - self.since >= SURE_SECONDS


def _worth_telling(seen: Seen) -> bool:
    """Say whether to tell what became of the last server; `stop` cleans up one that it stops."""
    return seen.standing.stale and seen.record is not None and not seen.record.stopping


def _cleaned(resolved: ResolvedProfile, seen: Seen) -> LifecycleEvent:
    return LifecycleEvent("cleaned", f"the last server of `{resolved.project_dir}` {seen.why_stale}")


def _already(seen: Seen, resolved: ResolvedProfile) -> list[LifecycleEvent]:
    if seen.record is None:
        return []
    state = "already running" if seen.standing is Standing.LISTENING else "being started already"
    event = LifecycleEvent(
        "already_running",
        f"the server of `{seen.record.project_dir}` (profile {seen.record.profile}) is {state}",
        {"pid": seen.record.pid, "job_id": seen.record.job_id, "log_file": str(seen.record.log_file)},
    )
    changed = settings_changed(seen.record, resolved)
    return [event, *(LifecycleEvent("changed", change.sentence) for change in changed)]
