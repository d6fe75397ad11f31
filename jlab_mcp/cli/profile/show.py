"""`jlab-mcp profile list` and `jlab-mcp profile show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import (  # noqa: TC001 - typer reads the annotations
    JsonOption,
    ProfileArgument,
    ProfileOption,
)
from jlab_mcp.cli.render import data, say, show_hint, show_warnings
from jlab_mcp.cli.settle import settle
from jlab_mcp.core.chosen import chosen_how

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.app.profiles.listing import ListedProfile, ProfileList
    from jlab_mcp.app.profiles.showing import ShownProfile, ShownSetting

_WIDEST_VALUE = 48
"""Columns up to which comments are aligned."""


def list_(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """List all profiles; `*` marks the one used here.

    \b
    Examples:
      jlab-mcp profile list
      jlab-mcp profile list --json
    """

    def body() -> None:
        from jlab_mcp.app.profiles.listing import list_profiles

        listed = list_profiles(profile)
        if json:
            data(listed.model_dump_json(indent=2))
            return
        show_warnings([*listed.problems, *listed.warnings])
        data("\n".join(_rows(listed)))
        say(_chosen(listed))

    settle(body, profile)


def show(
    name: ProfileArgument = None,
    origin: Annotated[
        bool, typer.Option("--origin", help="Say where each value was set, and what it overrode.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show every setting, as lines of a profile file.

    \b
    Examples:
      jlab-mcp profile show
      jlab-mcp profile show a100 --origin
      jlab-mcp profile show a100 --json
    """

    def body() -> None:
        from jlab_mcp.app.profiles.showing import show_profile

        found = show_profile(name, said_by="NAME")
        if json:
            data(found.model_dump_json(indent=2))
            return
        show_warnings(found.warnings)
        data("\n".join(_lines(found, with_origin=origin)))
        for key in found.missing:
            show_hint(f"{key} has to be filled in: set it in a profile of your own, or by a variable")

    settle(body, name)


def _rows(listed: ProfileList) -> Iterator[str]:
    titles = ("", "NAME", "FROM", "MODE", "GPUS", "TIME", "DESCRIPTION")
    rows = [titles, *(_row(entry) for entry in listed.profiles)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    for mark, *cells in rows:
        padded = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield f"{mark:<2}{padded}".rstrip()


def _row(entry: ListedProfile) -> tuple[str, ...]:
    mark = "*" if entry.chosen else ""
    if entry.problem:
        return mark, entry.name, entry.level, "broken", "-", "-", entry.problem
    told = entry.description or ""
    return mark, entry.name, entry.level, entry.mode or "-", entry.gpus or "-", entry.time or "-", told


def _chosen(listed: ProfileList) -> str:
    if listed.chosen:
        return f"* {listed.chosen} is used here, {chosen_how(listed.chosen_by or '')}"
    if listed.chosen_by:
        return f"no profile is used here, as {listed.chosen_by} says"
    return "no profile is used here; choose one with `--profile`, JLAB_MCP_PROFILE or `jlab-mcp profile use`"


def _lines(found: ShownProfile, *, with_origin: bool) -> Iterator[str]:
    """Lay settings out as a file: each section under its heading."""
    name = found.name if found.is_profile else "no profile"
    by = f", {chosen_how(found.chosen_by)}" if found.chosen_by and found.chosen_by != "NAME" else ""
    yield f"# {_one_line(f'{name} ({found.mode}){by}')}"
    section = ""
    for heading, settings in _sections(found):
        if heading != section:
            section = heading
            yield f"\n[{heading}]"
        yield from _laid_out(settings, with_origin=with_origin)


def _sections(found: ShownProfile) -> list[tuple[str, list[ShownSetting]]]:
    """Group settings by section, those without one first, as TOML asks."""
    groups: dict[str, list[ShownSetting]] = {"": []}
    for setting in found.settings:
        groups.setdefault(setting.key.rpartition(".")[0], []).append(setting)
    return list(groups.items())


def _laid_out(settings: list[ShownSetting], *, with_origin: bool) -> Iterator[str]:
    lines = [(_assignment(setting), setting) for setting in settings]
    widths = [len(text) for text, _ in lines if "\n" not in text and len(text) <= _WIDEST_VALUE]
    width = max(widths, default=0)
    for text, setting in lines:
        yield f"{text:<{width}}  # {_origin(setting)}" if with_origin else text


def _assignment(setting: ShownSetting) -> str:
    from jlab_mcp.core.editing.tomltext import toml_key, toml_value

    value = "none" if setting.value is None else setting.value
    return f"{toml_key(setting.key.rpartition('.')[2])} = {toml_value(value)}"


def _origin(setting: ShownSetting) -> str:
    from jlab_mcp.app.profiles.showing import in_words

    overridden = [f"{other.text} from {in_words(other)}" for other in setting.overrides]
    return _one_line(", overrides ".join([in_words(setting.origin), *overridden]))


def _one_line(text: str) -> str:
    """Write out what would end a comment's line."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
