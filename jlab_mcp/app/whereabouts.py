"""Which of a project's servers has a session, an execution or an open notebook."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from jlab_mcp.app.connect import connect
from jlab_mcp.app.servers import server_meant, servers
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import ExecutionNotFound, NodeError, NoServer, Remedy, ServerError, SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.servers import ProjectServer
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.resolver import ResolvedProfile


async def server_of_session(resolved: ResolvedProfile, session_id: str) -> Target:
    """Return the server that has a session; where one server runs, it is not asked first.

    Raises:
        SessionNotFound: several servers run, and none has it; says so where one had it in an earlier run.
        ServerError: none runs.
    """
    lost: list[SessionNotFound] = []

    async def has_it(server: Connected) -> bool:
        try:
            return (await server.client.session(session_id)).session_id == session_id
        except SessionNotFound as error:
            lost.extend([error] if error.remedy is Remedy.REOPEN_NOTEBOOK else [])
            raise

    found, asked = await _holder(resolved, has_it)
    if found is None and lost:
        raise lost[0]
    if found is None:
        raise SessionNotFound(f"no server of this project has a session {session_id}; asked: {asked}")
    return found


async def server_of_execution(resolved: ResolvedProfile, execution_id: str) -> Target:
    """Return the server that ran an execution, as for a session.

    Raises:
        ExecutionNotFound: several servers run, and none of them knows it.
        ServerError: none runs.
    """

    async def has_it(server: Connected) -> bool:
        return (await server.client.execution(execution_id)).execution_id == execution_id

    found, asked = await _holder(resolved, has_it)
    if found is None:
        what = f"no server of this project knows an execution {execution_id}"
        raise ExecutionNotFound(f"{what}; asked: {asked}")
    return found


async def server_with_notebook(resolved: ResolvedProfile, path: str) -> Target | None:
    """Return the server that has a notebook open, where several run; None where a call is not so bound."""

    async def has_it(server: Connected) -> bool:
        full = _normal(server.record.notebook_dir, path)
        sessions = await server.client.sessions()
        wanted = {_real(full), _real(f"{full}.ipynb")}
        return any(_real(each.notebook_path) in wanted for each in sessions)

    if len(listening(resolved)) < 2:  # noqa: PLR2004 - nothing to choose from
        return None
    found, _ = await _holder(resolved, has_it)
    return found


def listening(resolved: ResolvedProfile) -> list[ProjectServer]:
    """Return the servers of the project that can be asked, the chosen profile's own first."""
    found = [each for each in servers(resolved) if each.standing is Standing.LISTENING]
    return sorted(found, key=lambda each: each.server.name != resolved.name)


async def _holder(
    resolved: ResolvedProfile, has_it: Callable[[Connected], Awaitable[bool]]
) -> tuple[Target | None, str]:
    """Ask all servers at once which of them has something; also return in words who was asked."""
    asked = listening(resolved)
    if len(asked) < 2:  # noqa: PLR2004 - the only one answers for itself
        return asked[0].server if asked else server_meant(resolved, named=False), ""
    answers = await asyncio.gather(*(_answer(each.server, has_it) for each in asked))
    for each, answer in zip(asked, answers, strict=True):
        if answer == "yes":
            return each.server, ""
    said = [f"{each.server.name} ({answer})" for each, answer in zip(asked, answers, strict=True)]
    return None, ", ".join(said)


async def _answer(target: Target, has_it: Callable[[Connected], Awaitable[bool]]) -> str:
    try:
        return "yes" if await has_it(await connect(target)) else "no"
    except NodeError:
        return "no"
    except NoServer:
        return "went away"
    except ServerError:
        return "does not answer"


def _real(path: Path | str) -> str:
    """Follow symbolic links: one notebook may be known by several paths."""
    return os.path.realpath(path)


def _normal(folder: Path, path: str) -> str:
    """Write a notebook's path as the node service does."""
    return os.path.normpath(folder / os.path.expanduser(path))  # noqa: PTH111 - Path refuses an unknown ~user
