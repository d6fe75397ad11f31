"""The resources: the server's state, and profiles, sessions and notebooks, listed and one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.resources.templates import ResourceSecurity
from mcp_types import Resource

from jlab_mcp.errors import ConfigError, SessionNotFound
from jlab_mcp.mcpserver import resource_answers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jlab_mcp.app.opened import OpenSession, Overview
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.mcpserver.desk import Desk
    from jlab_mcp.mcpserver.server import JlabServer

PROFILE = "jlab-mcp://profiles/{name}"
SESSION = "jlab-mcp://sessions/{id}"
NOTEBOOK = "jlab-mcp://notebooks/{+path}"
SESSIONS = "jlab-mcp://sessions"
_JSON, _TEXT = "application/json", "text/plain"

_LISTED = 50
"""Notebooks that the list of resources has; `jlab-mcp://notebooks` and completions know more."""
_NOTEBOOKS = 1_000
_OURS = ResourceSecurity(exempt_params=frozenset({"name", "id", "path"}))
"""Names and paths are checked where they are looked up, which says in words what is wrong."""


def add(server: JlabServer, desk: Desk) -> None:
    """Add all resources to a server."""
    _add_lists(server, desk)
    _add_templates(server, desk)


def _add_lists(server: JlabServer, desk: Desk) -> None:
    @server.resource("jlab-mcp://server/status", mime_type=_JSON)
    async def server_status() -> str:
        """State of the project's Jupyter server."""
        from jlab_mcp.app.status import status

        meant = desk.find()
        found = await status(meant.target, meant.resolved, notes=meant.notes)
        return found.model_dump_json(indent=1)

    @server.resource("jlab-mcp://profiles", mime_type=_JSON)
    async def profiles() -> str:
        """Profiles (machines, GPU types) and the state of each one's server in this project."""
        from anyio import to_thread

        from jlab_mcp.app.profiles.states import profile_states

        found = await to_thread.run_sync(lambda: profile_states(desk.chosen, project_dir=desk.project_dir))
        return resource_answers.profiles_json(found, desk.limits().chars)

    @server.resource(SESSIONS, mime_type=_JSON)
    async def sessions() -> str:
        """Sessions that are open on the project's servers, whoever opened them."""
        return resource_answers.sessions_json(await opened(desk), desk.limits().chars)

    @server.resource("jlab-mcp://notebooks", mime_type=_JSON)
    async def notebooks() -> str:
        """Notebooks of the project, the last changed first."""
        from jlab_mcp.app.notebookfiles import list_notebooks

        resolved = desk.surroundings()
        found, seen = await list_notebooks(resolved, _NOTEBOOKS), await opened(desk)
        by_path = {_relative(resolved, each): each.session.session_id for each in seen.sessions}
        holders = {path: session for path, session in by_path.items() if path is not None}
        return resource_answers.notebooks_json(found, holders, seen.notes, desk.limits().chars)


def _add_templates(server: JlabServer, desk: Desk) -> None:
    @server.resource(PROFILE, mime_type=_JSON, security=_OURS)
    async def profile(name: str) -> str:
        """A profile: how its server is, and each setting with the place where it was set."""
        from anyio import to_thread

        return await to_thread.run_sync(lambda: _profile(desk, name))

    @server.resource(SESSION, mime_type=_JSON, security=_OURS)
    async def session(id: str) -> str:  # noqa: A002 - the published name
        """A session: its kernel, what runs and waits, its notebook, its server and the time left."""
        seen = await opened(desk)
        found = seen.session(id)
        if found is None:
            why = f"; {'; '.join(seen.notes)}" if seen.notes else ""
            raise SessionNotFound(f"no session of this project has the id {id}{why}")
        return resource_answers.session_json(found, _relative(desk.surroundings(), found))

    @server.resource(NOTEBOOK, mime_type=_TEXT, security=_OURS)
    async def notebook(path: str) -> str:
        """A notebook, as last saved, by its path in the notebook folder: its cells, with outputs in short."""
        from jlab_mcp.app.notebookfiles import saved_notebook

        saved = await saved_notebook(desk.surroundings(), path)
        holder = (await opened(desk)).with_notebook(saved.file)
        return resource_answers.notebook_text(saved, holder, desk.limits().chars)


async def opened(desk: Desk) -> Overview:
    """Return what the project's servers have open, within a few seconds; its notes say what is missing."""
    from jlab_mcp.app.opened import Overview, overview

    try:
        resolved = desk.surroundings()
    except ConfigError as error:
        return Overview(notes=(error.message,))
    return await overview(resolved)


async def listed(desk: Desk, fixed: Sequence[Resource]) -> list[Resource]:
    """Return the resources there are now: the fixed ones, open sessions and the newest notebooks."""
    from jlab_mcp.app.notebookfiles import list_notebooks

    seen = await opened(desk)
    noted = [_with_notes(each, seen.notes) if str(each.uri) == SESSIONS else each for each in fixed]
    try:
        resolved = desk.surroundings()
    except ConfigError:
        return noted
    files = (await list_notebooks(resolved, _LISTED)).files
    notebooks = [
        Resource(
            uri=resource_answers.notebook_uri(file.path),
            name=file.path,
            description="Notebook, as last saved.",
            mime_type=_TEXT,
        )
        for file in files
    ]
    return [*noted, *(_session_resource(each) for each in seen.sessions), *notebooks]


def _session_resource(opened: OpenSession) -> Resource:
    session = opened.session
    return Resource(
        uri=resource_answers.session_uri(session.session_id),
        name=f"session {session.session_id} {session.name}",
        description=f"Open session on {session.notebook_path}; its kernel is {session.kernel_state}.",
        mime_type=_JSON,
    )


def _with_notes(resource: Resource, notes: Sequence[str]) -> Resource:
    if not notes:
        return resource
    said = f"{resource.description} Not all of them are here: {'; '.join(notes)}."
    return resource.model_copy(update={"description": said})


def _relative(resolved: ResolvedProfile, opened: OpenSession) -> str | None:
    """Return a session's notebook as a path in the notebook folder, if it is there."""
    path: Path = opened.session.notebook_path
    folder = resolved.notebook_dir
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None


def _profile(desk: Desk, name: str) -> str:
    from jlab_mcp.app.profiles.listing import profile_names
    from jlab_mcp.app.profiles.showing import show_profile
    from jlab_mcp.app.profiles.states import profile_states
    from jlab_mcp.core.nearest import nearest

    if name not in (known := profile_names()):
        what = f"There is no profile `{name}`{nearest(name, known)}; jlab-mcp://profiles lists them."
        raise ResourceNotFoundError(what)
    states = profile_states(desk.chosen, project_dir=desk.project_dir).profiles
    state = next((each for each in states if each.name == name), None)
    shown = show_profile(name, project_dir=desk.project_dir, said_by="the resource's address")
    return resource_answers.profile_json(shown, state, desk.limits().chars)
