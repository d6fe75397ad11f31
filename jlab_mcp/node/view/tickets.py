"""One-time tickets: how a browser comes in without the server's token in an address. Pure but for the random.

A ticket opens one page, once, for a short while. It names no address: where it leads is made here, of a kind
of page and a session that is known, so it can lead nowhere else. Only its hash is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from ..errors import BadRequest

LIFE = 60.0
"""Seconds in which a browser on this machine is there."""
LONGEST_LIFE = 600.0
"""Seconds in which a person has opened a way to another machine and followed the address."""
_MOST = 50  # that are not used yet; the oldest go


@dataclass(frozen=True)
class _Ticket:
    digest: bytes
    target: str
    until: float


class Tickets:
    """The tickets that can still be used.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tickets: list[_Ticket] = []

    def make(self, page: str, session_id: str | None, notebook: str | None, *, life: float = LIFE) -> str:
        """Return a new ticket.

        Args:
            page: `lab` or `view`.
            session_id: of the session to show, or None.
            notebook: its notebook, as JupyterLab names it.
            life: seconds.

        Raises:
            BadRequest: there is no such page.
        """
        if page not in ("lab", "view"):
            raise BadRequest(f"page is lab or view, not {page!r}")
        if page == "view":
            target = "jlab-mcp/view" + (f"#{quote(session_id, safe='')}" if session_id else "")
        else:
            target = f"lab/tree/{quote(notebook)}" if notebook else "lab"
        ticket = secrets.token_urlsafe(32)
        now = self._clock()
        kept = [each for each in self._tickets if each.until > now][-_MOST + 1 :]
        self._tickets = [*kept, _Ticket(_digest(ticket), target, now + min(life, LONGEST_LIFE))]
        return ticket

    def use(self, ticket: str) -> str | None:
        """Take a ticket; returns where it leads, below the server's address; None if it is no good."""
        digest, now = _digest(ticket), self._clock()
        found = [each for each in self._tickets if hmac.compare_digest(each.digest, digest)]
        self._tickets = [each for each in self._tickets if each not in found]
        return next((each.target for each in found if each.until > now), None)


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode("utf-8", "replace")).digest()
