"""The live page's part of the node API: what is there, and what of it has changed; the way in by a ticket."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from ..view.tickets import LIFE

if TYPE_CHECKING:
    from .methods import Call

_LOOK = 1.0  # seconds after which it is looked again whatever was heard: not everything is told of


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
