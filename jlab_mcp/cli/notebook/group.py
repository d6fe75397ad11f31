"""`jlab-mcp notebook …`: commands on notebooks, which need no server."""

from __future__ import annotations

import typer

from jlab_mcp.cli.notebook.export import export
from jlab_mcp.cli.notebook.show import show

app = typer.Typer(
    help="Show notebooks in the terminal, and convert them. No server is needed.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.command()(show)
app.command()(export)
