"""`jlab-mcp open`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, ProfileOption  # noqa: TC001 - typer reads the annotations
from jlab_mcp.cli.outcome import run_on_server
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_hint
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.lookup import Meant
    from jlab_mcp.app.openpage import PageToOpen


def open_page(
    session: Annotated[
        str | None,
        typer.Option("--session", "-s", metavar="ID", help="Open this session's notebook, or show it."),
    ] = None,
    profile: ProfileOption = None,
    view: Annotated[
        bool, typer.Option("--view", help="Open the live page, where notebooks grow before your eyes.")
    ] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address; start no browser.")] = False,
    json: JsonOption = False,
) -> None:
    """Open JupyterLab, a session's notebook or the live page in the browser.

    \b
    The address has a ticket in it that is good once and for a short while: it logs the
    browser in. The token is never shown. Where the browser is on another machine, the
    ssh command is printed that brings it here.

    \b
    Examples:
      jlab-mcp open
      jlab-mcp open --view
      jlab-mcp open --session 1a2b3c4d --view
    """

    async def body(meant: Meant) -> ExitCode:
        from jlab_mcp.app.openpage import page_to_open
        from jlab_mcp.app.whereabouts import server_of_session

        target = meant.target
        if session and profile is None and meant.resolved is not None:
            target = await server_of_session(meant.resolved, session)
        with PROGRESS.during("asking the server for a ticket"):
            page = await page_to_open(target, "view" if view else "lab", session, printed=only_print or json)
        if json:
            data(_as_json(page))
        else:
            _show(page)
        return ExitCode.OK

    run_on_server(profile, body)


def _show(page: PageToOpen) -> None:
    from jlab_mcp.app.openpage import show

    if show(page):
        say(f"opened {page.shown} in the browser")
        return
    if page.way.command:
        say("the browser is on another machine: run this there, and leave it running")
        data(page.way.command)
        say("then open there")
    data(page.url)
    show_hint(
        f"it opens the page once, within {page.expires_in_s / 60:.0f} min; run the command again for another"
    )


def _as_json(page: PageToOpen) -> str:
    import json

    return json.dumps(
        {
            "page": page.page,
            "url": page.url,
            "ssh": page.way.command,
            "expires_in_s": page.expires_in_s,
            "session_id": page.session_id,
            "notebook_path": None if page.notebook_path is None else str(page.notebook_path),
        },
        indent=2,
    )
