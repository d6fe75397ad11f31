"""The live page's part of the node API: what is there, and what of it has changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..resources import read_resources
from .changes import Changes
from .curves import Curves
from .jobend import JobEnd
from .notebook import looks, session_shown
from .tickets import LIFE, Tickets

if TYPE_CHECKING:
    from ..api import Call
    from ..service import Service
    from ..sessions import Session

_LOOK = 1.0  # seconds after which it is looked again whatever was heard: not everything is told of


class View:
    """What the live page needs that lasts longer than a request.

    Args:
        service: what it shows.
    """

    def __init__(self, service: Service) -> None:
        self.tickets = Tickets()
        self.curves = Curves(lambda: read_resources(kernels=[]))
        self.watchers: set[asyncio.Event] = set()
        self._ending: str | None = None
        self._service = service
        self._job_end = JobEnd(service.settings.job_id)
        self._changes: WeakKeyDictionary[Session, Changes] = WeakKeyDictionary()

    def overview(self) -> dict[str, Any]:
        """Return the server and its sessions, as they are now."""
        service = self._service
        sessions = [session_shown(each, service.settings) for each in service.sessions.values()]
        info = service.info
        return {
            "server": {
                **{key: info[key] for key in ("server_id", "hostname", "profile", "job_id", "started_at")},
                "folder": os.path.basename(service.settings.root_dir.rstrip(os.sep)) or os.sep,
                "ends_at": self._job_end.at(),
                "ending": self._ending,
            },
            "sessions": sessions,
        }

    def server_ends(self, why: str) -> None:
        """Tell all pages that the server ends, and what ends it, in a word."""
        self._ending = why
        for heard in self.watchers:
            heard.set()

    def notebook(self, session: Session, known: str | None) -> dict[str, Any] | None:
        """Return what a page lacks of a session's notebook that knows up to `known`; None if nothing."""
        changes = self._changes.setdefault(session, Changes())
        changes.take(looks(session, self._service.settings))
        return changes.since(known)


async def watch(call: Call) -> Any:
    """`GET view?known=&session=&since=&wait=`: what is new to a page, once something is.

    Args of the query: `known`, the name of the overview that the page has; `session`, the one that it shows;
    `since`, up to where it knows that one's notebook.
    """
    view = call.service.view
    session = call.service.sessions.get(str(call.query.get("session", "")))
    known, since = call.query.get("known"), call.query.get("since")
    deadline = time.monotonic() + call.seconds()
    heard = asyncio.Event()
    view.watchers.add(heard)
    if session is not None:
        session.file.watchers.append(heard.set)
    try:
        while True:
            heard.clear()
            overview = view.overview()
            name = hashlib.sha256(json.dumps(overview).encode()).hexdigest()[:16]
            gone = session is not None and call.service.sessions.get(session.session_id) is not session
            notebook = None if session is None or gone else view.notebook(session, since)
            left = deadline - time.monotonic()
            if name != known or notebook is not None or left <= 0:
                news = None if name == known else overview
                idle = call.service.idle.as_json()["idle_ends_in_s"]
                return {
                    "known": name,
                    "overview": news,
                    "notebook": notebook,
                    "now": time.time(),
                    "idle_ends_in_s": idle,
                }
            try:
                await asyncio.wait_for(heard.wait(), min(_LOOK, left))
            except asyncio.TimeoutError:
                continue
    finally:
        view.watchers.discard(heard)
        if session is not None:
            session.file.watchers.remove(heard.set)


async def curves(call: Call) -> Any:
    """`GET view/curves?after=`: how busy the host is, and was since `after` (seconds of the epoch)."""
    return await call.service.view.curves.after(call.integer("after", 0) or 0)


async def make_ticket(call: Call) -> Any:
    """`POST tickets`: a way in, once, to a `page` (lab, view), and there to a `session` if one is named."""
    service = call.service
    session = None if call.body.get("session") is None else service.session(call.text("session"))
    page = call.optional_text("page") or "lab"
    notebook = None if session is None else service.settings.api_path(session.file.path)
    session_id = None if session is None else session.session_id
    life = LIFE if call.body.get("life") is None else call.seconds("life")
    ticket = service.view.tickets.make(page, session_id, notebook, life=life)
    return {
        "ticket": ticket,
        "life": life,
        "session_id": session_id,
        "notebook_path": session and session.file.path,
    }


ROUTES = [("GET", "view", watch), ("GET", "view/curves", curves), ("POST", "tickets", make_ticket)]
