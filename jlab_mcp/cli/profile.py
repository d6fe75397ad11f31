"""`jlab-mcp profile …`: commands on profiles."""

from __future__ import annotations

import typer

from jlab_mcp.cli import profile_check, profile_client, profile_files, profile_show, profile_validate, wizard

app = typer.Typer(
    help="See, check, choose and make profiles: files with the settings of one machine, cluster or GPU type.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.command("list")(profile_show.list_)
app.command()(profile_show.show)
app.command()(wizard.init)
app.command()(profile_validate.validate)
app.command()(profile_files.use)
app.command()(profile_files.copy)
app.command()(profile_files.path)
app.command()(profile_files.schema)
app.command()(profile_check.check)
app.command("mcp-config")(profile_client.mcp_config)
