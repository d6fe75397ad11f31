"""What the live page needs that lasts longer than a request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from ..host.resources import read_resources
from ..sessions.session import Session
from ..settings import NodeSettings
from .changes import Changes
from .curves import Curves
from .jobend import JobEnd
from .notebook import looks, session_shown
from .tickets import Tickets


class Source(Protocol):
    """What the page shows: the service above.

    Attributes:
        info: what does not change while the server runs.
        sessions: those that are open, by their ids.
        settings: what the launcher was told.
        view: what is kept for the page.
    """

    info: Mapping[str, Any]
    sessions: dict[str, Session]
    settings: NodeSettings
    view: View


class View:
    """Keeps the tickets, the curves, the history of each notebook, and who watches.

    Args:
        service: what it shows.
    """

    def __init__(self, service: Source) -> None:
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
