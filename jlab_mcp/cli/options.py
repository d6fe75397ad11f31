"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer


def complete_profile(incomplete: str) -> list[str]:
    """Offer the names of profiles to the shell's completion."""
    from jlab_mcp.app.profiles.listing import profile_names
    from jlab_mcp.errors import JlabMcpError

    try:
        return [name for name in profile_names() if name.startswith(incomplete)]
    except JlabMcpError:
        return []


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
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
