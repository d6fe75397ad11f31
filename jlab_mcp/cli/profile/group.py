"""`jlab-mcp profile …`: commands on profiles."""

from __future__ import annotations

import typer

from jlab_mcp.cli.profile import check, client, files, show, validate
from jlab_mcp.cli.wizard import command as wizard

app = typer.Typer(
    help="See, check, choose and make profiles: files with the settings of one machine, cluster or GPU type.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.command("list")(show.list_)
app.command()(show.show)
app.command()(wizard.init)
app.command()(validate.validate)
app.command()(files.use)
app.command()(files.copy)
app.command()(files.path)
app.command()(files.schema)
app.command()(check.check)
app.command("mcp-config")(client.mcp_config)
