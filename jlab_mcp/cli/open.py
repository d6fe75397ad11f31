"""`jlab-mcp open`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jlab_mcp.cli.options import JsonOption, ProfileOption, complete_session
from jlab_mcp.cli.outcome import run_on_all, run_on_server
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_hint, show_warnings
from jlab_mcp.errors import ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.openpage import Page, PageToOpen
    from jlab_mcp.app.target import Target
    from jlab_mcp.core.resolver import ResolvedProfile


def open_page(
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            "-s",
            metavar="S",
            help="Open the notebook of this session, by its id, name or notebook.",
            autocompletion=complete_session,
        ),
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
      jlab-mcp open --session train --view
    """
    page: Page = "view" if view else "lab"
    printed = only_print or json

    async def opened(target: Target, session_id: str | None) -> ExitCode:
        from jlab_mcp.app.openpage import page_to_open

        with PROGRESS.during("asking the server for a ticket"):
            found = await page_to_open(target, page, session_id, printed=printed)
        if json:
            data(_as_json(found))
        else:
            _show(found)
        return ExitCode.OK

    async def of_session(resolved: ResolvedProfile) -> ExitCode:
        from jlab_mcp.app.roster import pick, roster

        with PROGRESS.during("looking for the session"):
            found = await roster(resolved, profile)
        show_warnings(each.message for each in found.silent)
        target, picked = pick(found, session)
        return await opened(target, picked.session_id)

    if session is None:
        run_on_server(profile, lambda meant: opened(meant.target, None))
    else:
        run_on_all(of_session)


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
