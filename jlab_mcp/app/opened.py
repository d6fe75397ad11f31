"""Use case: what is open in a project and which notebooks it has, told within a short time whatever hangs."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.app.connect import connect
from jlab_mcp.app.notebooks import Place, place
from jlab_mcp.app.servers import servers
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import JlabMcpError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jlab_mcp.app.servers import ProjectServer
    from jlab_mcp.client.models import OtherKernel, Session
    from jlab_mcp.core.resolver import ResolvedProfile

_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session, and where it is."""

    session: Session
    place: Place


@dataclass(frozen=True, slots=True)
class Overview:
    """What the servers of a project have open.

    Attributes:
        sessions: those of all servers that answered.
        kernels: kernels of JupyterLab that are in no session.
        notes: what is missing, and why; sentences without a full stop.
    """

    sessions: tuple[OpenSession, ...] = ()
    kernels: tuple[OtherKernel, ...] = ()
    notes: tuple[str, ...] = ()

    def session(self, session_id: str) -> OpenSession | None:
        """Return the session of an id."""
        return next((each for each in self.sessions if each.session.session_id == session_id), None)

    def with_notebook(self, file: Path) -> OpenSession | None:
        """Return the session that has a notebook open, symbolic links followed."""
        real = os.path.realpath(file)
        return next(
            (each for each in self.sessions if os.path.realpath(each.session.notebook_path) == real), None
        )


async def overview(resolved: ResolvedProfile, seconds: float = _ANSWER_SECONDS) -> Overview:
    """Ask all servers of the project at once what they have open; starts nothing, and asks no cluster.

    Args:
        resolved: settings that say where the project's servers are.
        seconds: after how long a server is left out that has not answered; a note says so.
    """
    found = await asyncio.to_thread(servers, resolved)
    answers = await asyncio.gather(*(_ask(each, seconds) for each in found))
    return _joined(answers)


async def _ask(server: ProjectServer, seconds: float) -> Overview:
    name = f"the server of profile {server.server.name}"
    if server.standing is not Standing.LISTENING:
        missing = server.standing in {Standing.STARTING, Standing.ELSEWHERE}
        return Overview(notes=(f"{name} is {_state(server)}",) if missing else ())
    try:
        async with asyncio.timeout(seconds):
            connected = await connect(server.server)
            listing = await connected.client.listing()
    except TimeoutError:
        return Overview(notes=(f"{name} did not answer within {seconds:g} s: its sessions are not listed",))
    except JlabMcpError as error:
        return Overview(notes=(f"{name} is left out: {error.message}",))
    opened = (
        OpenSession(each, place(connected, each.session_id, each.notebook_path)) for each in listing.sessions
    )
    return Overview(tuple(opened), tuple(listing.others))


def _state(server: ProjectServer) -> str:
    if server.standing is Standing.STARTING:
        return "starting or queued: it has no sessions yet"
    return f"on the host {server.record.hostname}: its sessions cannot be seen from here"


def _joined(answers: Iterable[Overview]) -> Overview:
    parts = list(answers)
    return Overview(
        tuple(session for part in parts for session in part.sessions),
        tuple(kernel for part in parts for kernel in part.kernels),
        tuple(note for part in parts for note in part.notes),
    )
