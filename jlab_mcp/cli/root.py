"""What all commands share: `--quiet` and `--verbose` before or after their names, and words for misuse."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from jlab_mcp.cli.render import insist, show_failure
from jlab_mcp.cli.tone import be_quiet, be_verbose
from jlab_mcp.errors import ExitCode, UsageProblem

_MISUSE = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")
"""What typer raises for a wrong command line; it has no public name for it."""

_GUESS = re.compile(r"(?: \(|\. )(?:Possible options:|Did you mean:?) '?([^,')?]*).*$")
"""How typer says what may have been meant."""


class Root(TyperGroup):
    """The root command, whose general options every command below it takes as well."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        _add_general_options(self)

    def main(self, *args: Any, standalone_mode: bool = True, **settings: Any) -> Any:
        """Run the command line; a wrong one is told in our words.

        Args:
            args: as typer's.
            standalone_mode: whether to leave the process at the end, with the exit code.
            settings: as typer's.
        """
        try:
            outcome = super().main(*args, **{**settings, "standalone_mode": False})
        except typer.Abort:
            outcome = ExitCode.INTERRUPTED
        except Exception as misuse:
            if not isinstance(misuse, _MISUSE):
                raise
            show_failure(_problem(misuse), None)
            outcome = ExitCode.USAGE
        if not standalone_mode:
            return outcome
        sys.exit(outcome if isinstance(outcome, int) else 0)


def _add_general_options(command: Any) -> None:
    """Add the options to a command and all below it, but where a command means something else by one."""
    taken = {name for option in command.params for name in option.opts}
    command.params += [option for option in _made_options() if not taken.intersection(option.opts)]
    for below in getattr(command, "commands", {}).values():
        _add_general_options(below)


def _general_options(
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", is_eager=True, callback=be_quiet, help="Print only errors and data."),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            is_eager=True,
            callback=lambda wanted: be_verbose(wanted, insist),
            help="Say what is done: commands run, requests made.",
        ),
    ] = False,
) -> None:
    """Stand for the options alone; it is never called."""


@cache
def _made_options() -> list[Any]:
    """Have typer make the options of `_general_options`; commands do not get their values."""
    app = typer.Typer(add_completion=False)
    app.command()(_general_options)
    made = [option for option in typer.main.get_command(app).params if option.name in {"quiet", "verbose"}]
    for option in made:
        option.expose_value = False
    return made


def _problem(misuse: Any) -> UsageProblem:
    """Put typer's words for a wrong command line into ours."""
    message = misuse.format_message().strip().rstrip(".")
    message = _GUESS.sub(r", did you mean `\1`?", message)
    what, colon, why = message.partition(": ")
    message = what.replace("'", "`") + colon + why  # what is quoted behind it is what somebody typed
    context = getattr(misuse, "ctx", None)
    called = context.command_path if context else "jlab-mcp"
    message = re.sub(r"(?<=: )[A-Z](?=[a-z]+ )", lambda found: found[0].lower(), message)
    first, space, rest = message.partition(" ")
    first = first.lower() if first.istitle() else first
    return UsageProblem(
        f"{first}{space}{rest}" or "something is missing",
        details={"hints": [f"`{called} --help` shows how it is used"]},
    )
