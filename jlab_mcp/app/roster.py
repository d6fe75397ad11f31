"""The open sessions of all servers of a project, and which of them a person means."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.lookup import find
from jlab_mcp.app.reach import reach
from jlab_mcp.app.servers import every_server, server_meant
from jlab_mcp.app.whereabouts import listening
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import (
    AmbiguousSession,
    NoServer,
    Remedy,
    ServerError,
    ServerUnreachable,
    SessionNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.target import Target
    from jlab_mcp.client.models import Session, SessionList
    from jlab_mcp.core.resolver import ResolvedProfile

_ANSWER_SECONDS = 10.0
"""After how long a server is left out that does not answer: it must not hold up what others have open."""
_SHORTEST_START = 4
"""Characters of an id that may stand for the whole."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A server with what it has open."""

    target: Target
    connected: Connected
    listing: SessionList


@dataclass(frozen=True, slots=True)
class Roster:
    """What all servers have open.

    Attributes:
        servers: those that have answered.
        silent: why others have not.
    """

    servers: tuple[Listed, ...]
    silent: tuple[ServerError, ...] = ()

    @property
    def sessions(self) -> list[tuple[Target, Session]]:
        """All sessions, each with its server."""
        return [(each.target, session) for each in self.servers for session in each.listing.sessions]


async def roster(
    resolved: ResolvedProfile, profile: str | None = None, *, everywhere: bool = False
) -> Roster:
    """Ask every server of the project at once, or that of the named profile alone, what it has open.

    Args:
        resolved: settings that say where the servers are.
        profile: whose server alone is asked.
        everywhere: whether to ask the servers of all projects.

    Raises:
        ServerError: none runs, or none answers.
    """
    targets = _everywhere(resolved) if everywhere else _targets(resolved, profile)
    answers = await asyncio.gather(*map(_ask, targets))
    found = tuple(each for each in answers if isinstance(each, Listed))
    silent = tuple(each for each in answers if isinstance(each, ServerError))
    if not found:
        raise silent[0]
    return Roster(found, silent)


async def _ask(target: Target) -> Listed | ServerError:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS), reach(target) as connected:
            return Listed(target, connected, await connected.client.listing())
    except TimeoutError:
        what = f"the server of `{target.project_dir}` (profile {target.name}) did not answer within"
        return ServerUnreachable(f"{what} {_ANSWER_SECONDS:g} s")
    except ServerError as error:
        return error


def pick(roster: Roster, said: str | None, *, folder: Path | None = None) -> tuple[Target, Session]:
    """Return the session that a person means, and its server.

    Args:
        roster: what is open.
        said: an id or at least four characters of its start, the experiment's name, or a path or file name of
            the notebook; None for the only session that is open.
        folder: where relative paths begin; the working directory if None.

    Raises:
        SessionNotFound: there is none, or none is open.
        AmbiguousSession: there are several.
    """
    them = roster.sessions
    found = them if said is None else _meant(them, said, folder or Path.cwd())
    if len(found) == 1:
        return found[0]
    listed = [f"{session.session_id} ({session.name})" for _, session in found or them]
    details = {"sessions": [session.session_id for _, session in found or them]}
    if found:
        what = "several sessions are open" if said is None else f"{said!r} may be one of several sessions"
        raise AmbiguousSession(f"{what}: {', '.join(listed)}", details=details)
    none = "no session is open" if said is None or not them else f"no open session is called {said!r}"
    shown = f"; open: {', '.join(listed)}" if listed and said is not None else ""
    raise SessionNotFound(f"{none}{shown}", remedy=Remedy.NAME_SESSION, details=details)


def _targets(resolved: ResolvedProfile, profile: str | None) -> Sequence[Target]:
    if profile is not None:
        return [find(profile).target]
    return [each.server for each in listening(resolved)] or [server_meant(resolved, named=False)]


def _everywhere(resolved: ResolvedProfile) -> Sequence[Target]:
    found = [each.server for each in every_server(resolved) if each.standing is Standing.LISTENING]
    if not found:
        raise NoServer(f"no server of any project is running, by the records in `{resolved.connection_dir}`")
    return found


def _meant(them: list[tuple[Target, Session]], said: str, folder: Path) -> list[tuple[Target, Session]]:
    """Return the sessions of the first kind of name that fits any."""
    real = os.path.realpath(folder / Path(said).expanduser())
    paths = {real, f"{real}.ipynb"}
    ways = (
        lambda session: session.session_id == said,
        lambda session: session.name == said,
        lambda session: os.path.realpath(session.notebook_path) in paths,
        lambda session: said in (session.notebook_path.name, session.notebook_path.stem),
        lambda session: len(said) >= _SHORTEST_START and session.session_id.startswith(said),
    )
    for fits in ways:
        if found := [each for each in them if fits(each[1])]:
            return found
    return []
