"""The live page's own addresses: the page, its parts, what outputs show, and the way in by a ticket.

Nothing here changes anything; what the page asks of the node API goes the ways of `node/handlers.py`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, authenticated

from .frames import Missing, frame, picture, text
from .peers import owner
from .view import Source

try:
    from jupyter_server.auth.decorator import allow_unauthenticated
except ImportError:  # before jupyter_server 2.13, who is not told to ask does not ask

    def allow_unauthenticated(method: Any) -> Any:
        """Leave a method as it is."""
        return method


_STATIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_NOWHERE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class _Own(JupyterHandler):
    """What all have in common: no other page may hold it, and no other host learns of it."""

    policy = _NOWHERE

    def initialize(self, service: Source) -> None:
        """Take the service that the route was made for."""
        self.service = service

    @property
    def content_security_policy(self) -> str:
        """What the browser may do for it."""
        return self.policy

    def set_default_headers(self) -> None:
        """Add what keeps addresses and contents from others."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("X-DNS-Prefetch-Control", "off")
        self.set_header("Cache-Control", "no-store")

    def _send(self, kind: str, body: str | bytes) -> None:
        charset = "" if kind.startswith("image/") and kind != "image/svg+xml" else "; charset=utf-8"
        self.set_header("Content-Type", kind + charset)
        self.finish(body)


class Page(_Own):
    """The page; who is not logged in is sent to log in first."""

    @property
    def content_security_policy(self) -> str:
        """Scripts, styles and pictures of this server alone, and frames of one address alone."""
        origin = f"{self.request.protocol}://{self.request.host}"
        frames = url_path_join(origin, self.base_url, "jlab-mcp/view/frame/")
        socket = origin.replace("http", "ws", 1)
        return (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            f"connect-src 'self' {socket}; frame-src {frames}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        )

    @authenticated
    def get(self) -> None:
        """Send it; a token in its address, which has just logged its bearer in, does not stay there."""
        if "token" in self.request.query_arguments:
            self.redirect(str(self.request.path))
            return
        self.xsrf_token  # noqa: B018 - sets the cookie that changing anything over HTTP takes
        with open(os.path.join(_STATIC, "view.html"), encoding="utf-8") as file:
            page = file.read()
        self._send("text/html", page.replace("{base}", self.base_url))


class Asset(_Own):
    """A part of the page."""

    @authenticated
    def get(self, name: str) -> None:
        """Send a style, a script or a drawing."""
        kind = _KINDS.get(os.path.splitext(name)[1])
        path = os.path.join(_STATIC, name)
        if kind is None or not os.path.isfile(path):
            raise HTTPError(404)
        with open(path, "rb") as file:
            body = file.read()
        self.set_header("Cache-Control", "private, no-cache")
        self.set_header("ETag", f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        if self.check_etag_header():
            self.set_status(304)
            return
        self._send(kind, body)


class Shown(_Own):
    """What an output shows that does not travel with its cell."""

    def initialize(self, service: Source, show: Callable[..., Any] | None = None) -> None:
        """Take what gives the content."""
        super().initialize(service)
        self._show = show or picture

    @authenticated
    def get(self, session_id: str, cell_id: str, index: str) -> None:
        """Send a picture, a frame's page or a text, each with a policy of its own."""
        query = {key: self.get_query_argument(key) for key in self.request.query_arguments}
        try:
            kind, body, policy, key = self._show(self.service, session_id, cell_id, int(index), query)
        except Missing:
            raise HTTPError(404) from None
        self.set_header("Content-Security-Policy", policy)
        if key is not None and key == query.get("key"):  # a name of the very content: it never changes
            self.set_header("Cache-Control", "private, max-age=86400, immutable")
        self._send(kind, body)


class Open(_Own):
    """The way in by a ticket: logs the browser in as JupyterLab's own login does, and leads on."""

    @allow_unauthenticated
    def get(self) -> None:
        """Take the ticket."""
        target = self._target(self.get_query_argument("ticket", ""))
        if target is None:
            self.set_status(403)
            self._send("text/html", _REFUSED)
            return
        provider = self.identity_provider
        provider.set_login_cookie(self, provider.generate_anonymous_user(self))
        self.redirect(self.base_url + target, status=303)

    def _target(self, ticket: str) -> str | None:
        """Where the ticket leads; another user of this host may have read it off a list of processes."""
        connection: Any = self.request.connection
        stream = getattr(connection, "stream", None)
        ends = None if stream is None or stream.socket is None else stream.socket
        if ends is not None:
            who = owner(ends.getpeername()[:2], ends.getsockname()[:2])
            if who not in (None, os.geteuid(), 0):
                self.log.warning("jlab-mcp: user %s of this host tried to come in by a ticket", who)
                return None
        return self.service.view.tickets.use(ticket)

    def _log(self) -> None:
        """Log nothing: the ticket is in the address."""


_REFUSED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>jlab-mcp</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<h1>This link is used up</h1><p>It opens the page once, within a short time, and for the one who asked for it.
Run <code>jlab-mcp open</code> again for a new one.</p></html>
"""


def view_routes(base_url: str, service: Source) -> list[tuple[str, type, dict[str, Any]]]:
    """All routes, for `web_app.add_handlers`."""
    root = url_path_join(base_url, "jlab-mcp")
    given = {"service": service}
    cell = "([^/]+)/([^/]+)/([0-9]+)"
    return [
        (url_path_join(root, "open"), Open, given),
        (url_path_join(root, "view"), Page, given),
        (url_path_join(root, r"view/static/([a-z]+\.[a-z]+)"), Asset, given),
        (url_path_join(root, f"view/picture/{cell}"), Shown, {**given, "show": picture}),
        (url_path_join(root, f"view/frame/{cell}"), Shown, {**given, "show": frame}),
        (url_path_join(root, f"view/text/{cell}"), Shown, {**given, "show": text}),
    ]
