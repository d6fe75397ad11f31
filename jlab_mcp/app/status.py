"""How things stand with a server of the project, or with all of them."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.connect import connect
from jlab_mcp.app.observe import Seen, elsewhere, no_server, observe
from jlab_mcp.app.profiles.chosen import chosen_by
from jlab_mcp.app.servers import servers, settings_changed
from jlab_mcp.client.models import NodeInfo, Resources  # noqa: TC001 - pydantic reads the annotations
from jlab_mcp.config.places import home_folder
from jlab_mcp.core.record import Setting  # noqa: TC001 - pydantic reads the annotations at run time
from jlab_mcp.core.remembered import Change, remember
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import NodeError, NoServer, RecordBroken, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.target import Target
    from jlab_mcp.core.record import ServerRecord, StartedWith

State = Literal["stopped", "starting", "ready", "unreachable", "elsewhere", "stale"]


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
    seen = observe(target.paths)
    base = _base(target, resolved, seen).model_copy(update={"notes": list(notes)})
    if seen.standing is not Standing.LISTENING or seen.connection is None:
        return base
    try:
        client = (await connect(target)).client
        info, resources = await asyncio.gather(client.info(), client.resources())
    except (ServerUnreachable, NodeError) as error:
        return base.model_copy(update={"state": "unreachable", "reason": error.message})
    return base.model_copy(update={"state": "ready", "reason": None, "info": info, "resources": resources})


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
        broken = _base(target, resolved, seen)
        return broken.model_copy(update={"state": "unreachable", "reason": error.message})


def _base(target: Target, resolved: ResolvedProfile | None, seen: Seen) -> ServerStatus:
    record, connection = seen.record, seen.connection
    own = resolved if resolved and resolved.name == target.name else None
    alive = record if seen.standing.alive else None
    known = alive or own or record
    if known is None:
        raise no_server(target)
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
        address=connection.url if connection and seen.standing is Standing.LISTENING else None,
        hostname=record.hostname if record else None,
        pid=alive.pid if alive else None,
        job_id=record.job_id if record else None,
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
        return "stale", no_server(target, seen.standing).message
    if seen.standing is Standing.ELSEWHERE:
        return "elsewhere", elsewhere(seen.record).message
    if seen.standing is Standing.STOPPING:
        return "starting", "the server is being stopped"
    return "starting", "the server does not listen yet"
