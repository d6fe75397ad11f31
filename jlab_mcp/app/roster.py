"""The open sessions of all servers of a project, and which of them a person means."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.lookup import find
from jlab_mcp.app.reach import reach
from jlab_mcp.app.servers import every_server, server_meant
from jlab_mcp.app.whereabouts import listening
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import AmbiguousSession, NoServer, Remedy, ServerError, SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.target import Target
    from jlab_mcp.client.models import Session, SessionList
    from jlab_mcp.core.resolver import ResolvedProfile

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
    """Ask every server of the project, or that of the named profile alone, what it has open.

    Args:
        resolved: settings that say where the servers are.
        profile: whose server alone is asked.
        everywhere: whether to ask the servers of all projects.

    Raises:
        ServerError: none runs, or none answers.
    """
    targets = _everywhere(resolved) if everywhere else _targets(resolved, profile)
    found: list[Listed] = []
    silent: list[ServerError] = []
    for target in targets:
        try:
            async with reach(target) as connected:
                found.append(Listed(target, connected, await connected.client.listing()))
        except ServerError as error:
            silent.append(error)
    if not found:
        raise silent[0]
    return Roster(tuple(found), tuple(silent))


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
