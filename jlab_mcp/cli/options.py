"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.tone import TONE

if TYPE_CHECKING:
    from collections.abc import Sequence


def complete_profile(incomplete: str) -> list[str]:
    """Offer the names of profiles to the shell's completion."""
    from jlab_mcp.app.profiles.listing import profile_names
    from jlab_mcp.errors import JlabMcpError

    try:
        return [name for name in profile_names() if name.startswith(incomplete)]
    except JlabMcpError:
        return []


def complete_session(incomplete: str) -> list[tuple[str, str]]:
    """Offer the ids of open sessions, with their names, to the shell's completion."""
    import asyncio

    from jlab_mcp.app.connect import close_clients
    from jlab_mcp.app.lookup import load_for_all
    from jlab_mcp.app.opened import overview
    from jlab_mcp.errors import JlabMcpError

    async def found() -> list[tuple[str, str]]:
        try:
            opened = (await overview(load_for_all()[0])).sessions
        finally:
            await close_clients()
        return [(each.session.session_id, each.session.name) for each in opened]

    try:
        return [each for each in asyncio.run(found()) if each[0].startswith(incomplete)]
    except JlabMcpError:
        return []


def key_values(settings: Sequence[str]) -> dict[str, str]:
    """Read the values of `--set KEY=VALUE`: dotted path -> text; the last of several counts."""
    found = {}
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not key:
            raise typer.BadParameter(
                f"expected KEY=VALUE, such as slurm.time=1:00:00, got {setting!r}", param_hint="--set"
            )
        found[key] = value
    return found


ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help="Which profile; else the one that is chosen here (see `jlab-mcp profile list`).",
        autocompletion=complete_profile,
    ),
]
ProfileArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="Which profile; else the one used here.", autocompletion=complete_profile
    ),
]


def _heed_json(wanted: bool) -> bool:
    """Have errors printed as JSON as well."""
    TONE.json = TONE.json or wanted
    return wanted


JsonOption = Annotated[
    bool, typer.Option("--json", callback=_heed_json, help="Print JSON for scripts, errors as well.")
]
