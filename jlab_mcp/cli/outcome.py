"""Run a use case, and turn what comes of it into an exit code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from jlab_mcp.cli.render import say, show_error, show_warnings
from jlab_mcp.errors import ExitCode, JlabMcpError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from jlab_mcp.core.resolver import Origin, ResolvedProfile


def run(
    profile: str | None,
    body: Callable[[ResolvedProfile], Awaitable[ExitCode]],
    *,
    flags: Mapping[str, Origin] | None = None,
) -> None:
    """Load the settings, run `body` with them, and leave with the exit code of its outcome."""
    try:
        from jlab_mcp.app.context import load

        resolved = load(profile, flags=flags)
        show_warnings(resolved.warnings)
        code = asyncio.run(_closing_clients(body(resolved)))
    except JlabMcpError as error:
        show_error(error, profile)
        code = error.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        code = ExitCode.INTERRUPTED
    raise typer.Exit(code)


async def _closing_clients(outcome: Awaitable[ExitCode]) -> ExitCode:
    from jlab_mcp.app.connect import close_clients

    try:
        return await outcome
    finally:
        await close_clients()
