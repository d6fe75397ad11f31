"""`jlab-mcp status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.cli.options import JsonOption, ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run
from jlab_mcp.cli.render import data, show_hint, status_lines
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile

_EXIT_CODES = {
    "ready": ExitCode.OK,
    "stopped": ExitCode.NO_SERVER,
    "stale": ExitCode.NO_SERVER,
    "starting": ExitCode.NOT_READY,
    "unreachable": ExitCode.UNREACHABLE,
    "elsewhere": ExitCode.ELSEWHERE,
}


def status(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Show how things stand with this project's server; change nothing.

    \b
    State, address, age, sessions, kernels, CPU, memory and GPU memory; never the token.
    The exit code is 0 only if the server is ready.

    \b
    Examples:
      jlab-mcp status
      jlab-mcp status --json
    """

    async def body(resolved: ResolvedProfile) -> ExitCode:
        from jlab_mcp.app.status import status as look

        found = await look(resolved)
        data(found.model_dump_json(indent=2) if json else "\n".join(status_lines(found)))
        if found.state in ("stopped", "stale") and not json:
            show_hint(f"start it with `jlab-mcp start{f' --profile {profile}' if profile else ''}`")
        return _EXIT_CODES[found.state]

    run(profile, body)
