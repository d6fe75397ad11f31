"""How things stand with a server of the project, or with all of them."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.connect import connect
from jlab_mcp.app.observe import LOG_LINES, Seen, elsewhere, look, no_server, not_yet
from jlab_mcp.app.profiles.chosen import chosen_by
from jlab_mcp.app.queue import last_seen, refresh
from jlab_mcp.app.reach import look_closely, unanswered
from jlab_mcp.app.servers import servers, settings_changed
from jlab_mcp.client.models import NodeInfo, Resources  # noqa: TC001 - pydantic reads the annotations
from jlab_mcp.config.places import home_folder
from jlab_mcp.core.record import Setting  # noqa: TC001 - pydantic reads the annotations at run time
from jlab_mcp.core.remembered import Change, remember
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.core.slurm.endings import job_words
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import NodeError, NoServer, RecordBroken, ServerUnreachable
from jlab_mcp.storage.logs import log_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.target import Target
    from jlab_mcp.client import NodeClient
    from jlab_mcp.core.record import Connection, ServerRecord, StartedWith

State = Literal["stopped", "queued", "starting", "ready", "unreachable", "elsewhere", "stale"]

_FRESH = 2.0
"""Seconds that SLURM's answer may be old for a server that does not listen."""
_PATIENCE = 1.0
"""Seconds after which a server that has not answered yet makes SLURM be asked about its job."""


class JobStatus(BaseModel):
    """The SLURM job of a server."""

    model_config = ConfigDict(frozen=True)

    job_id: str | None = Field(description="Null while it is not known whether SLURM took the job.")
    cluster: str | None = Field(default=None, description="Its cluster, where several can be asked.")
    state: str | None = Field(default=None, description="SLURM's name of it; null if SLURM was not asked.")
    words: str | None = Field(default=None, description="How it stands, or how it ended, in words.")
    reason: str | None = Field(default=None, description="Why it waits, as SLURM names it.")
    expected_start: str | None = Field(default=None, description="In this host's local time.")
    nodes: str | None = None
    time_left_s: float | None = Field(default=None, description="Seconds until its time limit is over.")


class ServerStatus(BaseModel):
    """What `status` shows; holds no secret."""

    model_config = ConfigDict(frozen=True)

    state: State
    reason: str | None = Field(default=None, description="Why it is not ready, in one sentence.")
    profile: str
    chosen_by: str | None = Field(
        default=None, description="What chose the profile: a flag, variable, file or fact; null for nothing."
    )
    mode: Literal["local", "slurm"]
    project_dir: Path
    notebook_dir: Path
    log_file: Path
    address: str | None = Field(default=None, description="Address of JupyterLab, without the token.")
    hostname: str | None = None
    pid: int | None = None
    job_id: str | None = None
    job: JobStatus | None = Field(default=None, description="Its SLURM job; null for a local server.")
    age_s: float | None = Field(default=None, description="Seconds since it was launched.")
    settings: dict[str, Setting] = Field(
        default={},
        description="Dotted path -> value that the server was started with, or would be; without variables"
        " and lines of bash.",
    )
    changes: list[Change] = Field(
        default=[], description="Settings that only a restart would make the server follow."
    )
    notes: list[str] = Field(default=[], description="What else to know, a sentence each.")
    log_tail: list[str] = Field(
        default=[], description="The end of the log of a server whose job has ended; else empty."
    )
    info: NodeInfo | None = Field(default=None, description="What the node service says about itself.")
    resources: Resources | None = Field(default=None, description="CPU, memory and GPUs of its machine.")


class ProjectStatus(BaseModel):
    """What `status --all` shows."""

    model_config = ConfigDict(frozen=True)

    servers: list[ServerStatus] = Field(description="All that were started and not stopped, by profile.")


async def status(
    target: Target, resolved: ResolvedProfile | None = None, *, notes: Sequence[str] = ()
) -> ServerStatus:
    """Look at a server, and ask it if it listens; changes nothing.

    Args:
        target: which server it is.
        resolved: the settings of the chosen profile, if they can be read.
        notes: what else to know about it, a sentence each.

    Raises:
        RecordBroken: what is written about it cannot be read.
        NoServer: it was known by its record alone, and that is gone.
    """
    if resolved is None and isinstance(target, ResolvedProfile):
        resolved = target
    seen = await look(target, max_age=_FRESH)
    if seen.standing is Standing.LISTENING and seen.connection and seen.record:
        found = await _ask(target, resolved, seen, seen.record, seen.connection)
    else:
        found = base_status(target, resolved, seen)
    return found.model_copy(update={"notes": list(notes)})


async def _ask(
    target: Target,
    resolved: ResolvedProfile | None,
    seen: Seen,
    record: ServerRecord,
    connection: Connection,
) -> ServerStatus:
    """Ask a server that seems to listen; if it takes its time, SLURM is asked about its job as well."""
    client = (await connect(target)).client
    asking = asyncio.create_task(_info_and_resources(client))
    try:
        await asyncio.wait([asking], timeout=_PATIENCE)
        if not asking.done() and record.job:
            doubted = await look(target, max_age=_PATIENCE, doubt=True)
            if doubted.standing is not Standing.LISTENING:
                return base_status(target, resolved, doubted)
            seen = doubted
        info, resources = await asking
    except (ServerUnreachable, NodeError) as error:
        if record.job:
            seen = await look_closely(target)
        base = base_status(target, resolved, seen)
        if seen.standing is not Standing.LISTENING:
            return base
        return base.model_copy(update={"state": "unreachable", "reason": unanswered(error, seen)})
    finally:
        asking.cancel()
    left_s = (await refresh(record, connection)).seconds
    base = base_status(target, resolved, seen, time_left_s=left_s)
    return base.model_copy(update={"state": "ready", "reason": None, "info": info, "resources": resources})


async def _info_and_resources(client: NodeClient) -> tuple[NodeInfo, Resources]:
    info, resources = await asyncio.gather(client.info(), client.resources())
    return info, resources


async def status_of_all(resolved: ResolvedProfile) -> ProjectStatus:
    """Look at all servers of the project; one that cannot be looked at says why."""
    found = servers(resolved)
    looking = [_one_of_all(each.server, Seen(each.record, None, each.standing), resolved) for each in found]
    own = resolved.name not in [each.server.name for each in found] and resolved.paths.record_file.exists()
    if own:  # it is broken, or was written in this very moment
        looking.append(_one_of_all(resolved, Seen(None, None, Standing.ABSENT), resolved))
    return ProjectStatus(servers=[each for each in await asyncio.gather(*looking) if each])


async def _one_of_all(target: Target, seen: Seen, resolved: ResolvedProfile) -> ServerStatus | None:
    """Look at one server; `seen` is what stands where its files cannot be read."""
    try:
        return await status(target, resolved)
    except NoServer:
        return None  # it was stopped in this very moment
    except RecordBroken as error:
        broken = base_status(target, resolved, seen)
        return broken.model_copy(update={"state": "unreachable", "reason": error.message})


def base_status(
    target: Target, resolved: ResolvedProfile | None, seen: Seen, *, time_left_s: float | None = None
) -> ServerStatus:
    """Say how things stand with a server by what was seen of it, without asking it.

    Raises:
        NoServer: it was known by its record alone, and that is gone.
    """
    record, connection = seen.record, seen.connection
    own = resolved if resolved and resolved.name == target.name else None
    alive = record if seen.standing.alive else None
    known = alive or own or record
    if known is None:
        raise no_server(target, seen)
    state, reason = _state(target, seen)
    started = _started_with(alive, own)
    return ServerStatus(
        state=state,
        reason=reason,
        profile=target.name,
        chosen_by=_chosen_by(own, alive),
        mode=known.mode if isinstance(known, ResolvedProfile) else known.runner,
        project_dir=target.project_dir,
        notebook_dir=(record or known).notebook_dir,
        log_file=record.log_file if record else target.paths.log_file,
        log_tail=_log_tail(seen),
        address=connection.url if connection and seen.standing is Standing.LISTENING else None,
        hostname=_hostname(seen),
        pid=alive.pid if alive else None,
        job_id=record.job_id if record else None,
        job=_job(seen, time_left_s),
        age_s=max(0.0, time.time() - alive.created_at) if alive else None,
        settings=started.settings if started else {},
        changes=settings_changed(alive, own) if alive and own else [],
    )


def _started_with(alive: ServerRecord | None, own: ResolvedProfile | None) -> StartedWith | None:
    if alive:
        return alive.started_with
    return remember(own) if own else None


def _chosen_by(own: ResolvedProfile | None, alive: ServerRecord | None) -> str | None:
    if own is not None:
        return chosen_by(own.chosen_by, home_folder(os.environ))
    return (alive.started_with.chosen_by or None) if alive and alive.started_with else None


def _state(target: Target, seen: Seen) -> tuple[State, str | None]:
    if seen.record is None:
        return "stopped", no_server(target).message
    if seen.standing.stale:
        return "stale", no_server(target, seen).message
    if seen.standing is Standing.ELSEWHERE:
        return "elsewhere", elsewhere(seen.record).message
    return _state_of_the_living(target, seen)


def _state_of_the_living(target: Target, seen: Seen) -> tuple[State, str]:
    if seen.standing is Standing.STOPPING:
        return "starting", "the server is being stopped"
    if seen.unknown:
        return "unreachable", not_yet(target, seen).message
    if seen.job is None:
        return "starting", "the server does not listen yet"
    queued = seen.job.phase is Phase.QUEUED
    return "queued" if queued else "starting", job_words(seen.job)


def _log_tail(seen: Seen) -> list[str]:
    if seen.record is None or seen.standing is not Standing.JOB_ENDED:
        return []
    return log_tail(seen.record.log_file, LOG_LINES)


def _hostname(seen: Seen) -> str | None:
    """Return the host that a server is on; of a job, its node."""
    if seen.record and seen.record.job:
        nodes = seen.job.nodes if seen.job else None
        if seen.connection and seen.standing is Standing.LISTENING:
            return seen.connection.hostname
        return nodes
    return seen.record.hostname if seen.record else None


def _job(seen: Seen, left_s: float | None) -> JobStatus | None:
    job = seen.record.job if seen.record else None
    if seen.record is None or job is None:
        return None
    plain = JobStatus(job_id=job.job_id, cluster=job.cluster, time_left_s=left_s)
    if job.end:
        ended = {"state": job.end.state, "words": seen.why_stale, "nodes": job.end.nodes}
        return plain.model_copy(update=ended)
    known = last_seen(job, seen.record.connection_file.parent)
    found = seen.job or (known[1] if known else None)
    if found is None:
        return plain
    waits = found.phase is Phase.QUEUED
    return plain.model_copy(
        update={
            "state": found.state,
            "words": job_words(found),
            "reason": found.reason if waits else None,
            "expected_start": found.start if waits else None,
            "nodes": found.nodes,
            "time_left_s": left_s if left_s is not None or waits else found.left_s,
        }
    )
