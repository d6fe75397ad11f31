"""`jlab-mcp wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.cli.options import ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_server
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, show_event
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.lookup import Meant


def wait(profile: ProfileOption = None) -> None:
    """Wait until the server that was started is ready; start nothing.

    \b
    The address goes to stdout.

    \b
    Examples:
      jlab-mcp wait && echo ready
    """
    run_on_server(profile, _wait)


async def _wait(meant: Meant) -> ExitCode:
    from jlab_mcp.app.start import wait as wait_for_server

    stage = ""
    PROGRESS.expect("waiting for the server")
    async for event in wait_for_server(meant.target):
        stage = event.stage
        show_event(event)
        if stage == "ready":
            data(event.data["address"])
    return ExitCode.OK if stage == "ready" else ExitCode.NOT_READY
