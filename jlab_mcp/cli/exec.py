"""`jlab-mcp exec`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, ProfileOption, complete_session
from jlab_mcp.cli.outcome import run_on_all
from jlab_mcp.core.pictures.ways import Way
from jlab_mcp.core.words import listed

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.errors import ExitCode

_WAYS = ("auto", *(way.value for way in Way))


def execute(  # noqa: PLR0913, PLR0917 - these are the options
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE | -]", help="The code; `-` reads it from stdin.")
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            "-s",
            metavar="S",
            help="Run it as a new cell of this open session: its id, its name, or its notebook.",
            autocompletion=complete_session,
        ),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option("--new", metavar="NAME", help="Open a session of this name and run it there."),
    ] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Run it in a kernel of its own that leaves nothing behind.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Run what is in this file.")
    ] = None,
    attach: Annotated[
        str | None,
        typer.Option(
            "--attach", metavar="ID", help="Show the output of code that was left running, from its start."
        ),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option("--kernel", metavar="NAME", help="With --new or --scratch: which kernel; else python3."),
    ] = None,
    pictures: Annotated[
        str,
        typer.Option(
            "--pictures",
            metavar="WAY",
            envvar="JLAB_MCP_PICTURES",
            help=f"How pictures are shown: {', '.join(_WAYS)}.",
        ),
    ] = "auto",
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Run code and print what it puts out, as it comes.

    \b
    What the code prints goes to stdout and stderr, results to stdout, tracebacks
    to stderr. Pictures are shown in kitty, iTerm2 and terminals with sixel, and
    saved elsewhere in the folder `pictures` of ~/.jlab-mcp, which keeps the last 200.

    \b
    Without --session, --new or --scratch it runs in the only session that is open;
    where there are none or several, say which. It stays in the session's notebook.

    \b
    Ctrl+C interrupts the code; a second one leaves it running. Closing the terminal
    leaves it running, too; SIGTERM and a closed pipe interrupt it.
    The exit code is 1 if the code raised an error, and 18 if its kernel died.

    \b
    Examples:
      jlab-mcp exec --scratch 'print(6 * 7)'
      jlab-mcp exec --new train -f train.py
      jlab-mcp exec --session train 'model.summary()'
      echo 'df.describe()' | jlab-mcp exec -
      jlab-mcp exec --json --session train 'loss' | jq .outputs
    """
    named = {"--session": session, "--new": new, "--scratch": scratch, "--attach": attach}
    chosen = [name for name, given in named.items() if given]
    if len(chosen) > 1:
        raise typer.BadParameter(f"give one of {listed(chosen)}, not several")
    if pictures not in _WAYS:
        raise typer.BadParameter(f"expected {listed(_WAYS, 'or')}, got {pictures!r}", param_hint="--pictures")
    if kernel and not (new or scratch):
        raise typer.BadParameter("--kernel goes with --new or --scratch: an open session has its kernel")
    if attach and (code is not None or file is not None):
        raise typer.BadParameter("--attach shows code that runs already; give no other code")
    from jlab_mcp.cli.running.source import source

    text = "" if attach else source(code, file)

    async def body(resolved: ResolvedProfile) -> ExitCode:
        from jlab_mcp.cli.running.order import Order, carry_out

        way = None if pictures == "auto" else Way(pictures)
        order = Order(text, session, new, scratch, attach, kernel, way, profile, json)
        return await carry_out(order, resolved)

    run_on_all(body)
