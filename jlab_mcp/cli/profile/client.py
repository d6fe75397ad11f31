"""`jlab-mcp profile mcp-config`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.render import data, insist, say, show_hint, show_note
from jlab_mcp.cli.settle import ask_yes, can_ask, nobody_to_ask, settle
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.profiles.clientconfig import ClientEntry


class Client(StrEnum):
    """For whom the entry is printed."""

    CLAUDE = "claude"
    JSON = "json"


def mcp_config(
    profile: ProfileOption = None,
    client: Annotated[
        Client, typer.Option("--client", help="Print JSON, or the command that tells Claude Code.")
    ] = Client.JSON,
    name: Annotated[str, typer.Option("--name", help="What the client calls the server.")] = "jlab-mcp",
    write: Annotated[bool, typer.Option("--write", help="Add it to the project's .mcp.json.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
) -> None:
    """Print what an MCP client needs for a profile.

    \b
    With --write the entry is added to the .mcp.json of the project you are in, after asking;
    everything else in that file is kept.

    \b
    Examples:
      jlab-mcp profile mcp-config --profile a100
      jlab-mcp profile mcp-config --profile a100 --client claude
      jlab-mcp profile mcp-config --profile a100 --write
    """
    if write and client is Client.CLAUDE:
        raise typer.BadParameter("it prints a command to run, and --write writes JSON; leave one of them out")

    def body() -> ExitCode:
        from jlab_mcp.app.profiles.clientconfig import claude_command, client_config, client_entry

        entry, note = client_entry(profile)
        if note:
            show_note(note)
        if write:
            return _write(name, entry, yes=yes)
        data(claude_command(name, entry) if client is Client.CLAUDE else client_config(name, entry))
        return ExitCode.OK

    settle(body, profile)


def _write(name: str, entry: ClientEntry, *, yes: bool) -> ExitCode:
    from jlab_mcp.app.profiles.clientconfig import FILE, client_config, with_entry, write_entry

    before, after = with_entry(name, entry)
    if before == after:
        say(f"`{FILE}` says so already")
        return ExitCode.OK
    (say if yes else insist)(client_config(name, entry))
    if not yes and not can_ask():
        raise nobody_to_ask("`--yes` writes this without asking")
    if not yes and not ask_yes(f"{'Add it to' if before else 'Write'} {FILE}?"):
        say("nothing is written")
        return ExitCode.UNEXPECTED
    say(f"`{write_entry(before, after)}` has it now")
    show_hint("Claude Code asks once whether to trust servers of this file")
    return ExitCode.OK
