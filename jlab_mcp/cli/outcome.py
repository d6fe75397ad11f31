"""Run a use case, and turn what comes of it into an exit code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import say, show_failure, show_lost_data, show_warnings
from jlab_mcp.errors import ExitCode, JlabMcpError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from jlab_mcp.app.lookup import Meant
    from jlab_mcp.core.resolver import Origin, ResolvedProfile


def run(
    profile: str | None,
    body: Callable[[ResolvedProfile], Awaitable[ExitCode]],
    *,
    flags: Mapping[str, Origin] | None = None,
) -> None:
    """Load the settings, run `body` with them, and leave with the exit code of its outcome."""

    async def settled() -> ExitCode:
        from jlab_mcp.app.context import load

        resolved = load(profile, flags=flags)
        show_warnings(resolved.warnings)
        return await body(resolved)

    _leave(settled(), profile)


def run_on_server(
    profile: str | None, body: Callable[[Meant], Awaitable[ExitCode]], *, to_stop: bool = False
) -> None:
    """Find the server that is meant, run `body` with it, and leave with the exit code of its outcome.

    Args:
        profile: the profile that the command names, if any.
        body: what to do.
        to_stop: whether the server is to be stopped.
    """

    async def settled() -> ExitCode:
        from jlab_mcp.app.lookup import find

        meant = find(profile, to_stop=to_stop)
        show_warnings(meant.notes)
        return await body(meant)

    _leave(settled(), profile)


def run_on_all(body: Callable[[ResolvedProfile], Awaitable[ExitCode]]) -> None:
    """Run `body` with the settings that say where all the project's servers are; leave with its exit code."""

    async def settled() -> ExitCode:
        from jlab_mcp.app.lookup import load_for_all

        resolved, problem = load_for_all()
        show_warnings([*([problem] if problem else []), *resolved.warnings])
        return await body(resolved)

    _leave(settled(), None)


def _leave(outcome: Coroutine[None, None, ExitCode], profile: str | None) -> None:
    try:
        code = asyncio.run(_closing_clients(outcome))
    except JlabMcpError as error:
        show_failure(error, profile)
        code = error.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        code = ExitCode.INTERRUPTED
    PROGRESS.over()
    if show_lost_data() and code is ExitCode.OK:
        code = ExitCode.CANNOT_WRITE
    raise typer.Exit(code)


async def _closing_clients(outcome: Awaitable[ExitCode]) -> ExitCode:
    from jlab_mcp.app.connect import close_clients

    try:
        return await outcome
    finally:
        await close_clients()
