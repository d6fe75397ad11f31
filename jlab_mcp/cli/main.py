"""The command line's root."""

from __future__ import annotations

from typing import Annotated

import typer

from jlab_mcp.cli.config import app as config_app
from jlab_mcp.cli.doctor import doctor
from jlab_mcp.cli.exec import execute
from jlab_mcp.cli.explain import explain
from jlab_mcp.cli.logs import logs
from jlab_mcp.cli.notebook.group import app as notebook_app
from jlab_mcp.cli.open import open_page
from jlab_mcp.cli.profile.group import app as profile_app
from jlab_mcp.cli.root import Root
from jlab_mcp.cli.serve import serve
from jlab_mcp.cli.sessions import sessions
from jlab_mcp.cli.start import start
from jlab_mcp.cli.status import status
from jlab_mcp.cli.stop import stop
from jlab_mcp.cli.top.command import top
from jlab_mcp.cli.wait import wait
from jlab_mcp.cli.wording import exit_codes_help

_EPILOG = f"""\b
Examples:
  jlab-mcp                      run the MCP server (an MCP client does this)
  jlab-mcp start --detach       start JupyterLab for the project you are in
  jlab-mcp status               see how it does
  jlab-mcp stop                 stop it
  jlab-mcp doctor               find out why something does not work
  jlab-mcp profile list         see the profiles: one for each cluster or GPU type
  jlab-mcp profile init         make one for the machine you are on
  claude mcp add jlab-mcp -- jlab-mcp

\b
{exit_codes_help()}
"""

app = typer.Typer(
    name="jlab-mcp",
    cls=Root,
    help="Run code in live Jupyter notebooks from an MCP client, on this machine or on a SLURM cluster.",
    epilog=_EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from jlab_mcp import __version__

        typer.echo(f"jlab-mcp {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run code in live Jupyter notebooks from an MCP client, on this machine or on a SLURM cluster."""


def demo() -> None:
    """Watch an agent's session at work: start a server, run some cells, stop it again."""
    from jlab_mcp.cli.demo import demo as run_demo

    run_demo()


for command in (
    start,
    stop,
    wait,
    status,
    top,
    logs,
    doctor,
    explain,
    sessions,
    demo,
    serve,
):
    app.command()(command)

app.command("open")(open_page)
app.command("exec")(execute)
app.add_typer(notebook_app, name="notebook")
app.add_typer(profile_app, name="profile")
app.add_typer(config_app, name="config")
