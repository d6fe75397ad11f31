"""`jlab-mcp config …`: commands on settings files that are no profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.render import data, insist, say, show_hint
from jlab_mcp.cli.settle import ask_yes, can_ask, nobody_to_ask, settle
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from jlab_mcp.app.profiles.trust import Trusting

app = typer.Typer(
    help="Trust a project's own settings, and find settings files.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command()
def trust(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Trust this project's file no longer.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the files that are trusted.")] = False,
    json: JsonOption = False,
) -> None:
    """Let the .jlab-mcp.toml of this project run commands and set paths.

    \b
    Until then a project's file may choose the profile and say what to ask SLURM for;
    the rest of it is ignored, because a cloned repository may bring it along. It shows
    what would count, asks, and records the file's hash: once the file changes, it has
    to be trusted anew.

    \b
    Examples:
      jlab-mcp config trust
      jlab-mcp config trust --list
      jlab-mcp config trust --remove
    """
    if sum((yes, remove, listing)) > 1 or (json and not listing):
        raise typer.BadParameter("give one of --yes, --remove and --list; --json goes with --list")

    def body() -> ExitCode:
        if listing:
            return _list(json=json)
        return _remove() if remove else _trust(yes=yes)

    settle(body)


@app.command()
def path(json: JsonOption = False) -> None:
    """Print where settings files are looked for, the most important first.

    \b
    Examples:
      jlab-mcp config path
      jlab-mcp config path --json
    """

    def body() -> None:
        from jlab_mcp.app.profiles.files import SearchedPlaces, searched_places

        places = [place for place in searched_places() if place.path.suffix == ".toml"]
        if json:
            data(SearchedPlaces(tuple(places)).model_dump_json(indent=2))
            return
        for place in places:
            data(f"{place.level:<7}  {place.path}{'' if place.there else '  (not there)'}")

    settle(body)


def _trust(*, yes: bool) -> ExitCode:
    from jlab_mcp.app.profiles.trust import look
    from jlab_mcp.app.profiles.trust import trust as record

    seen = look()
    if seen.trusted:
        say(f"`{seen.shown}` is trusted already")
        return ExitCode.OK
    _show(seen, say if yes else insist)
    if not yes and not can_ask():
        raise nobody_to_ask("look at what it wants to set, then run the command with `--yes`")
    if not yes and not ask_yes("Trust it?"):
        say("it is not trusted")
        return ExitCode.UNEXPECTED
    record(seen)
    say(f"`{seen.shown}` is trusted until it changes")
    return ExitCode.OK


def _show(seen: Trusting, say: Callable[[str], None]) -> None:
    """Print what would count, so that nothing in it can hide: control characters are written out."""
    if not seen.risky:
        say(f"`{seen.shown}` says nothing that needs trust")
        return
    say(f"`{seen.shown}` wants to set:")
    for key, text in seen.risky:
        for number, line in enumerate(text.split("\n")):
            shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
            say(f"  {key} = {shown}" if number == 0 else f"      {shown}")
    if any(key == "template" for key, _ in seen.risky):
        say("the template is a file of its own: read it, too")


def _remove() -> ExitCode:
    from jlab_mcp.app.profiles.trust import distrust, project_file

    known = distrust()
    say(f"`{project_file()}` {'is not trusted any more' if known else 'was not trusted'}")
    return ExitCode.OK


def _list(*, json: bool) -> ExitCode:
    from jlab_mcp.app.profiles.trust import TrustedFiles, all_trusted

    files = all_trusted()
    if json:
        data(TrustedFiles(tuple(files)).model_dump_json(indent=2))
        return ExitCode.OK
    for file in files:
        data(f"{file.state:<8} {file.path}")
    if not files:
        show_hint("no file is trusted; `jlab-mcp config trust` trusts that of the project you are in")
    return ExitCode.OK
