"""What is open on all servers of a project, for a person or a script to read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from jlab_mcp.app import notebooks
from jlab_mcp.app.roster import Listed, roster
from jlab_mcp.app.runningcell import RunningCell, running_cell
from jlab_mcp.client.models import LeftKernel, OtherKernel, Session
from jlab_mcp.errors import JlabMcpError

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile


class OpenSession(Session):
    """A session and where it is; `running_cell` is null where nothing runs."""

    profile: str
    project_dir: Path
    hostname: str
    job_id: str | None = None
    time_left_s: float | None = None
    running_cell: RunningCell | None = None


class Overview(BaseModel):
    """All that is open.

    Attributes:
        sessions: of all servers that were asked.
        others: kernels of their JupyterLab that no session has.
        left: kernels on their hosts whose own server is gone.
        silent: why further servers have not answered.
    """

    model_config = ConfigDict(frozen=True)

    sessions: list[OpenSession]
    others: list[OtherKernel] = []
    left: list[LeftKernel] = []
    silent: list[str] = []


async def overview(
    resolved: ResolvedProfile, profile: str | None = None, *, everywhere: bool = False
) -> Overview:
    """Ask the servers of the project, of one profile, or of all projects.

    Raises:
        ServerError: none runs, or none answers.
    """
    found = await roster(resolved, profile, everywhere=everywhere)
    opened = [(server, each) for server in found.servers for each in server.listing.sessions]
    # Servers of one host find the same kernels there.
    left = {kernel.left_id: kernel for server in found.servers for kernel in server.listing.left}
    return Overview(
        sessions=list(await asyncio.gather(*(_session(*each) for each in opened))),
        others=[kernel for server in found.servers for kernel in server.listing.others],
        left=list(left.values()),
        silent=[error.message for error in found.silent],
    )


async def _session(server: Listed, session: Session) -> OpenSession:
    place = notebooks.place(server.connected)
    return OpenSession(
        **session.model_dump(),
        profile=place.profile,
        project_dir=server.connected.record.project_dir,
        hostname=place.hostname,
        job_id=place.job_id,
        time_left_s=place.time_left_s,
        running_cell=await _running(server, session),
    )


async def _running(server: Listed, session: Session) -> RunningCell | None:
    if session.running is None:
        return None
    with suppress(JlabMcpError):  # its server went away meanwhile
        return await running_cell(server.connected.client, session)
    return RunningCell(execution_id=session.running)
