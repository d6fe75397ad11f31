"""Completions: names of profiles, ids of sessions and paths of notebooks, as a person types them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, Completion, PromptReference

from jlab_mcp.core import words
from jlab_mcp.errors import ConfigError
from jlab_mcp.mcpserver import resources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_types import CompletionArgument, CompletionContext, ResourceTemplateReference

    from jlab_mcp.mcpserver.desk import Desk
    from jlab_mcp.mcpserver.server import JlabServer

_MOST = 100
"""Values that the protocol allows."""
_NOTEBOOKS = 2_000

_PROMPTS = {
    "explore-data": {"profile": "profile"},
    "resume-work": {"notebook": "notebook", "session": "session"},
}
_TEMPLATES = {
    resources.PROFILE: {"name": "profile"},
    resources.SESSION: {"id": "session"},
    resources.NOTEBOOK: {"path": "notebook"},
}


def add(server: JlabServer, desk: Desk) -> None:
    """Add completions to a server."""

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion:
        kind = _kind(ref).get(argument.name)
        if kind == "profile":
            return _fitting(argument.value, await _profiles())
        if kind == "session":
            return _fitting(argument.value, await _sessions(desk))
        if kind == "notebook":
            return _fitting(argument.value, await _notebooks(desk))
        return Completion(values=[], total=0, has_more=False)


def _kind(ref: PromptReference | ResourceTemplateReference) -> dict[str, str]:
    """Return which arguments of a prompt or template can be completed, and by what."""
    known: dict[str, dict[str, str]]
    known, name = (_PROMPTS, ref.name) if isinstance(ref, PromptReference) else (_TEMPLATES, ref.uri)
    if name not in known:
        raise MCPError(INVALID_PARAMS, f"Nothing is known of `{name}`; there are {words.listed(known)}.")
    return known[name]


def _fitting(typed: str, candidates: Iterable[tuple[str, str]]) -> Completion:
    """Return the values that begin with what was typed, then those that have it elsewhere.

    Args:
        typed: what the person has typed so far.
        candidates: values, and by what else each is known.
    """
    wanted = typed.casefold()
    known = list(candidates)
    begin = [value for value, _ in known if value.casefold().startswith(wanted)]
    within = [value for value, other in known if wanted in f"{value}\n{other}".casefold()]
    found = list(dict.fromkeys([*begin, *within]))
    return Completion(values=found[:_MOST], total=len(found), has_more=len(found) > _MOST)


async def _profiles() -> list[tuple[str, str]]:
    from anyio import to_thread

    from jlab_mcp.app.profiles.listing import profile_names

    try:
        return [(name, "") for name in await to_thread.run_sync(profile_names)]
    except ConfigError:
        return []


async def _sessions(desk: Desk) -> list[tuple[str, str]]:
    seen = await resources.opened(desk)
    return [
        (each.session.session_id, f"{each.session.name}\n{each.session.notebook_path.name}")
        for each in seen.sessions
    ]


async def _notebooks(desk: Desk) -> list[tuple[str, str]]:
    from jlab_mcp.app.notebookfiles import list_notebooks

    try:
        found = await list_notebooks(desk.surroundings(), _NOTEBOOKS)
    except ConfigError:
        return []
    return [(file.path, "") for file in found.files]
