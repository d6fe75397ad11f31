"""`jlab-mcp profile use`, `copy`, `path` and `schema`: commands on files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, complete_profile
from jlab_mcp.cli.render import data, say, show_hint, show_warnings
from jlab_mcp.cli.settle import settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jlab_mcp.app.profiles.files import SearchedPlace
    from jlab_mcp.app.profiles.using import Used


def use(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The profile; `none` takes the choice back.",
            autocompletion=complete_profile,
        ),
    ],
    project: Annotated[
        bool, typer.Option("--project/--user", help="For this project, or for all of yours (the default).")
    ] = False,
) -> None:
    """Use a profile wherever nothing else names one.

    \b
    It writes the line `profile = "NAME"` into config.toml, or into the project's
    .jlab-mcp.toml; the rest of the file stays as it is.

    \b
    Examples:
      jlab-mcp profile use a100
      jlab-mcp profile use a100 --project
      jlab-mcp profile use none
    """

    def body() -> None:
        from jlab_mcp.app.profiles.using import use_profile

        say_used(use_profile(name, "project" if project else "user"))

    settle(body)


def copy(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The profile to copy.", autocompletion=complete_profile)
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Name of the copy.")],
    extends: Annotated[
        bool, typer.Option("--extends", help="Take all values from NAME instead of copying them.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Make a profile of your own from another one.

    \b
    Examples:
      jlab-mcp profile copy slurm-generic mine
      jlab-mcp profile copy raven raven-big --extends
    """

    def body() -> None:
        from jlab_mcp.app.profiles.files import copy_profile

        copied = copy_profile(name, new, extends=extends, force=force)
        show_warnings(copied.warnings)
        data(copied.shown)
        show_hint(f"edit it, then run `jlab-mcp profile validate {new}`")

    settle(body)


def path(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Whose file; else all places are listed.",
            autocompletion=complete_profile,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print where a profile's file is.

    \b
    Without a name: every place that is searched, the most important first.

    \b
    Examples:
      jlab-mcp profile path
      $EDITOR "$(jlab-mcp profile path mine)"
    """

    def body() -> None:
        from jlab_mcp.app.profiles.files import SearchedPlaces, profile_place, searched_places

        if name is not None:
            found = profile_place(name)
            data(SearchedPlaces((found,)).model_dump_json(indent=2) if json else str(found.path))
            return
        places = searched_places()
        data(SearchedPlaces(tuple(places)).model_dump_json(indent=2) if json else "\n".join(_rows(places)))

    settle(body)


def schema(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="profile, config, or the output of a command.")
    ] = "profile",
) -> None:
    """Print a JSON Schema, for editors and programs.

    \b
    Examples:
      jlab-mcp profile schema > profile.schema.json
      jlab-mcp profile schema config
    """

    def body() -> None:
        from jlab_mcp.app.schemas import schema_text

        data(schema_text(kind).rstrip("\n"))

    settle(body)


def say_used(used: Used) -> None:
    """Say what `use_profile` has written, and whether it counts here."""
    if not used.changed:
        say(f"`{used.shown}` says so already" if used.name else f"`{used.shown}` chooses no profile")
    elif used.name:
        say(f"`{used.shown}` chooses the profile {used.name} now")
    else:
        say(f"`{used.shown}` chooses no profile any more")
    if used.trusted_anew:
        say("the file is still trusted, with this line")
    if used.beaten_by:
        show_warnings([f"here it has no effect: {used.beaten_by} chooses the profile"])


def _rows(places: Sequence[SearchedPlace]) -> Iterator[str]:
    width = max(len(place.level) for place in places)
    for place in places:
        there = ", ".join(place.profiles) or ("" if place.there else "not there")
        yield f"{place.level:<{width}}  {place.path}{f'  ({there})' if there else ''}"
