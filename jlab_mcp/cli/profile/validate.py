"""`jlab-mcp profile validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.render import data, say, show_error, show_note
from jlab_mcp.cli.settle import settle
from jlab_mcp.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.profiles.validating import CheckedFile


def validate(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH|NAME", help="Files, folders or profiles; else all of yours here."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check settings files for all that is wrong.

    \b
    The exit code is 3 if anything is wrong.

    \b
    Examples:
      jlab-mcp profile validate
      jlab-mcp profile validate mine ./profiles/
    """

    def body() -> ExitCode:
        from jlab_mcp.app.profiles.validating import validate as check

        found = check(targets or ())
        if json:
            data(found.model_dump_json(indent=2))
            return ExitCode.OK if found.ok else ExitCode.CONFIG
        told: set[str] = set()
        for file in found.files:
            _tell(file, told)
        for problem in found.problems:
            show_error(ConfigError([problem]), None)
        if not found.files and not found.problems:
            say("there is nothing to check: neither settings of yours nor of this project")
        return ExitCode.OK if found.ok else ExitCode.CONFIG

    settle(body)


def _tell(file: CheckedFile, told: set[str]) -> None:
    """Print a file's state, and what was not said of another one already, such as of a common parent."""
    count = len(file.problems)
    data(f"{file.path}: {'ok' if not count else '1 problem' if count == 1 else f'{count} problems'}")
    for problem in file.problems:
        if problem not in told:
            show_error(ConfigError([problem]), None)
    for note in file.notes:
        show_note(note)
    told.update(file.problems)
