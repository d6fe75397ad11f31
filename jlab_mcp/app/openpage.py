"""Open a page of a server in a browser: JupyterLab, a session's notebook, or the live page."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit

from jlab_mcp.app.reach import reach
from jlab_mcp.core.tunnel import Here, Way, way_to
from jlab_mcp.runners import browser

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.app.target import Target

Page = Literal["lab", "view"]
_SOON, _LATER = 60.0, 600.0
"""Seconds for which a way in holds: for a browser that is started now, and for a person who copies it."""


@dataclass(frozen=True, slots=True)
class PageToOpen:
    """A page, and the way in.

    Attributes:
        page: what it is.
        way: how the browser comes to the server.
        url: the address to open, with a ticket that is good once; never with the token.
        shown: the same without the ticket.
        expires_in_s: seconds for which the ticket is good.
        session_id: the session that it shows, if one was named.
        notebook_path: that one's notebook.
        browser: whether there is a browser on this machine that it can be opened in.
    """

    page: Page
    way: Way
    url: str
    shown: str
    expires_in_s: float
    session_id: str | None
    notebook_path: Path | None
    browser: bool


async def page_to_open(
    target: Target,
    page: Page,
    session_id: str | None = None,
    *,
    printed: bool = False,
    environ: Mapping[str, str] | None = None,
) -> PageToOpen:
    """Make a way in to a page, good once and for a short while.

    Args:
        target: the server.
        page: JupyterLab, or the live page.
        session_id: of the session to show; None for none in particular.
        printed: whether a person copies the address, whatever browsers there are.
        environ: the environment; the process's own if None.

    Raises:
        ServerError: the server is not there, or not ready.
        SessionNotFound: it has no such session.
    """
    given = os.environ if environ is None else environ
    async with reach(target) as connected:
        link = connected.connection
        # A browser that $BROWSER names brings the page to where the person is, as editors do over ssh.
        came_by_ssh = None if given.get("BROWSER") else given.get("SSH_CONNECTION") or None
        here = Here(socket.gethostname(), socket.getfqdn(), getpass.getuser(), came_by_ssh)
        base = urlsplit(link.url).path
        way = way_to(link.ip, link.port, link.hostname, base, here)
        can_show = way.ssh is None and not printed and browser.has_browser(given)
        made = await connected.client.ticket(page, session_id, life_s=_SOON if can_show else _LATER)
    return PageToOpen(
        page,
        way,
        f"{way.address}jlab-mcp/open?ticket={quote(made.ticket)}",
        f"{way.address}{'jlab-mcp/view' if page == 'view' else 'lab'}",
        made.life,
        made.session_id,
        made.notebook_path,
        can_show,
    )


def show(page: PageToOpen) -> bool:
    """Open a page in this machine's browser; says whether there is one that took it."""
    return page.browser and browser.show(page.url)
