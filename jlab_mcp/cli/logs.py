"""`jlab-mcp logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_server
from jlab_mcp.cli.render import data, say
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.lookup import Meant


def logs(
    profile: ProfileOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the server has ended, or Ctrl+C.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the last lines; 0 is all of them.")
    ] = 100,
) -> None:
    """Print the log of this project's server: what its job's shell and JupyterLab said.

    \b
    That of a server that has ended stays until the next one starts.

    \b
    Examples:
      jlab-mcp logs
      jlab-mcp logs -f --profile a100
      jlab-mcp logs -n 0 | grep -i error
    """

    async def body(meant: Meant) -> ExitCode:
        from jlab_mcp.app.logs import read_log

        say(f"{meant.target.paths.log_file}:")
        async for text in read_log(meant.target, lines=lines, follow=follow):
            data(text)
        return ExitCode.OK

    run_on_server(profile, body)
