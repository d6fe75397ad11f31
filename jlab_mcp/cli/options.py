"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", "-p", metavar="NAME", help="Which profile; else JLAB_MCP_PROFILE, else none."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
