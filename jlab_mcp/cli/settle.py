"""Run a use case that needs no server, and turn what comes of it into an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import say, show_failure, show_lost_data
from jlab_mcp.errors import ExitCode, JlabMcpError, UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable


def settle(body: Callable[[], ExitCode | None], profile: str | None = None) -> None:
    """Run `body` and leave with its exit code, which is 0 where it returns none.

    Args:
        body: what to do.
        profile: the profile that the command names, if any, for hints.
    """
    try:
        code = body() or ExitCode.OK
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


def ask_yes(question: str) -> bool:
    """Ask a person; no answer is a no."""
    from sys import stderr

    stderr.write(f"{question} [y/N] ")
    stderr.flush()
    try:
        return input().strip().lower() in ("y", "yes")
    except (EOFError, UnicodeDecodeError):
        say("")
        return False


def nobody_to_ask(hint: str) -> UsageProblem:
    """Make the error of a command that would have to ask, where nobody can answer."""
    return UsageProblem("this is not a terminal, so nobody can be asked", details={"hints": [hint]})


def can_ask() -> bool:
    """Say whether somebody sits at the terminal."""
    from sys import stderr, stdin

    return stdin is not None and stdin.isatty() and stderr.isatty()
