"""How things stand with the server of a project and profile."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.connect import connect
from jlab_mcp.app.observe import elsewhere, no_server, observe
from jlab_mcp.client.models import NodeInfo, Resources  # noqa: TC001 - pydantic reads the annotations
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import NodeError, ServerUnreachable

if TYPE_CHECKING:
    from jlab_mcp.app.observe import Seen
    from jlab_mcp.core.resolver import ResolvedProfile

State = Literal["stopped", "starting", "ready", "unreachable", "elsewhere", "stale"]


class ServerStatus(BaseModel):
    """What `status` shows; holds no secret."""

    model_config = ConfigDict(frozen=True)

    state: State
    reason: str | None = Field(default=None, description="Why it is not ready, in one sentence.")
    profile: str
    mode: Literal["local", "slurm"]
    project_dir: Path
    notebook_dir: Path
    log_file: Path
    address: str | None = Field(default=None, description="Address of JupyterLab, without the token.")
    hostname: str | None = None
    pid: int | None = None
    job_id: str | None = None
    age_s: float | None = Field(default=None, description="Seconds since it was launched.")
    info: NodeInfo | None = Field(default=None, description="What the node service says about itself.")
    resources: Resources | None = Field(default=None, description="CPU, memory and GPUs of its machine.")


async def status(resolved: ResolvedProfile) -> ServerStatus:
    """Look at a server, and ask it if it listens; changes nothing.

    Raises:
        RecordBroken: what is written about it cannot be read.
    """
    seen = observe(resolved.paths)
    base = _base(resolved, seen)
    if seen.standing is not Standing.LISTENING or seen.connection is None:
        return base
    try:
        client = (await connect(resolved)).client
        info, resources = await asyncio.gather(client.info(), client.resources())
    except (ServerUnreachable, NodeError) as error:
        return base.model_copy(update={"state": "unreachable", "reason": error.message})
    return base.model_copy(update={"state": "ready", "reason": None, "info": info, "resources": resources})


def _base(resolved: ResolvedProfile, seen: Seen) -> ServerStatus:
    state, reason = _state(resolved, seen)
    record, connection = seen.record, seen.connection
    return ServerStatus(
        state=state,
        reason=reason,
        profile=resolved.name,
        mode=resolved.mode,
        project_dir=resolved.project_dir,
        notebook_dir=record.notebook_dir if record else resolved.notebook_dir,
        log_file=record.log_file if record else resolved.paths.log_file,
        address=connection.url if connection and seen.standing is Standing.LISTENING else None,
        hostname=record.hostname if record else None,
        pid=record.pid if record and seen.standing.alive else None,
        job_id=record.job_id if record else None,
        age_s=max(0.0, time.time() - record.created_at) if record and seen.standing.alive else None,
    )


def _state(resolved: ResolvedProfile, seen: Seen) -> tuple[State, str | None]:
    if seen.record is None:
        return "stopped", no_server(resolved).message
    if seen.standing.stale:
        return "stale", no_server(resolved, seen.standing).message
    if seen.standing is Standing.ELSEWHERE:
        return "elsewhere", elsewhere(seen.record).message
    if seen.standing is Standing.STOPPING:
        return "starting", "the server is being stopped"
    return "starting", "the server does not listen yet"
