"""`jlab-mcp stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.cli.options import ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run
from jlab_mcp.cli.render import show_event
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile


def stop(profile: ProfileOption = None) -> None:
    """Stop this project's server, and return when it is really gone.

    \b
    It also ends a server that is still starting, and clears away what a crash or a
    reboot left behind. Where nothing runs, it says so and succeeds.

    \b
    Examples:
      jlab-mcp stop
      jlab-mcp stop --profile a100
    """
    run(profile, _stop)


async def _stop(resolved: ResolvedProfile) -> ExitCode:
    from jlab_mcp.app.stop import stop as stop_server

    async for event in stop_server(resolved):
        show_event(event)
    return ExitCode.OK
