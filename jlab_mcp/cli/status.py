"""`jlab-mcp status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_all, run_on_server
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_hint, show_log, status_lines
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.lookup import Meant
    from jlab_mcp.core.resolver import ResolvedProfile

_EXIT_CODES = {
    "ready": ExitCode.OK,
    "queued": ExitCode.NOT_READY,
    "starting": ExitCode.NOT_READY,
    "unreachable": ExitCode.UNREACHABLE,
    "elsewhere": ExitCode.ELSEWHERE,
    "stale": ExitCode.NO_SERVER,
    "stopped": ExitCode.NO_SERVER,
}
"""From the best state to the worst."""


def status(
    profile: ProfileOption = None,
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Show all servers of this project, one for each profile.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show how things stand with this project's server; change nothing.

    \b
    State, address, age, sessions, kernels, CPU, memory and GPU memory; never the token.
    Also what it was started with, and which settings say something else by now.
    The exit code is 0 only if the server is ready; with --all, if any is.

    \b
    Examples:
      jlab-mcp status
      jlab-mcp status --all
      jlab-mcp status --json
    """
    if every:
        if profile:
            raise typer.BadParameter("give --all or --profile, not both")
        run_on_all(lambda resolved: _all(resolved, json=json))

    async def body(meant: Meant) -> ExitCode:
        from jlab_mcp.app.status import status as look

        with PROGRESS.during("asking the server how it does"):
            found = await look(meant.target, meant.resolved, notes=meant.notes)
        data(found.model_dump_json(indent=2) if json else "\n".join(status_lines(found)))
        if not json:
            show_log(found.log_tail)
        if found.state in ("stopped", "stale") and not json:
            show_hint(f"start it with `jlab-mcp start{f' --profile {profile}' if profile else ''}`")
        return _EXIT_CODES[found.state]

    run_on_server(profile, body)


async def _all(resolved: ResolvedProfile, *, json: bool) -> ExitCode:
    from jlab_mcp.app.status import status_of_all

    with PROGRESS.during("asking the servers how they do"):
        found = await status_of_all(resolved)
    if json:
        data(found.model_dump_json(indent=2))
    elif found.servers:
        data("\n\n".join("\n".join(status_lines(each)) for each in found.servers))
    else:
        say(f"no server of `{resolved.project_dir}` is running")
    states = [each.state for each in found.servers]
    best = next((state for state in _EXIT_CODES if state in states), "stopped")
    return _EXIT_CODES[best]
