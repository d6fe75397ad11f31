"""How long nothing has run on the server, and its end when that was too long.

Nobody is asked again and again: one timer is set to the first moment at which something can be due.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

_LOG = logging.getLogger("jlab_mcp_node")
_SHORTEST_WARNING, _LONGEST_WARNING = 60.0, 900.0  # seconds
_MINUTE = 60.0


class Idle:
    """Watches for a server that nobody uses.

    Args:
        timeout: seconds without a running cell after which the server ends; None for never.
        last_used: when a cell last ran or a kernel was started, in seconds of the epoch; None while code runs
            or waits to.
        warn: takes a function that gives the warning for as long as it holds, then None.
    """

    def __init__(
        self,
        timeout: float | None,
        last_used: Callable[[], float | None],
        warn: Callable[[Callable[[], str | None]], None],
    ) -> None:
        self._timeout = timeout
        self._last_used = last_used
        self._warn = warn
        self._ready_at = time.time()
        self._warned_of: float | None = None  # since when the server was idle that a warning was about

    def begin(self, end: Callable[[], None]) -> None:
        """Begin to count, since the server is ready now; `end` ends it."""
        self._ready_at = time.time()
        if self._timeout is not None:
            self._look(self._timeout, end)

    def as_json(self) -> dict[str, float | None]:
        """What `GET info` tells of it, in seconds."""
        return {"idle_s": self._idle(), "idle_timeout": self._timeout, "idle_ends_in_s": self._ends_in()}

    def _since(self) -> float | None:
        last_used = self._last_used()
        return None if last_used is None else max(last_used, self._ready_at)

    def _idle(self) -> float:
        since = self._since()
        return 0.0 if since is None else max(0.0, time.time() - since)

    def _ends_in(self) -> float | None:
        return None if self._timeout is None else max(0.0, self._timeout - self._idle())

    def _look(self, timeout: float, end: Callable[[], None]) -> None:
        left = timeout - self._idle()
        if left <= 0:
            _LOG.warning("no cell has run for %s (server.idle_timeout)", _words(timeout))
            end()
            return
        early = warned_before(timeout)
        if left <= early and self._warned_of != self._since():
            self._warned_of = self._since()
            _LOG.warning("%s", self._warning(self._warned_of))
            self._warn(lambda since=self._warned_of: self._warning(since))  # type: ignore[misc]
        due = left - early if left > early else left
        asyncio.get_running_loop().call_later(due, self._look, timeout, end)

    def _warning(self, since: Any) -> str | None:
        ends_in = self._ends_in()
        if ends_in is None or self._since() != since:
            return None
        return f"the server ends in {_words(ends_in)} unless a cell runs (server.idle_timeout)"


def warned_before(timeout: float) -> float:
    """Return how many seconds before its end a server that nobody uses warns."""
    return min(max(_SHORTEST_WARNING, timeout / 10), _LONGEST_WARNING, timeout / 2)


def _words(seconds: float) -> str:
    return f"{seconds / _MINUTE:.0f} min" if seconds >= 2 * _MINUTE else f"{seconds:.0f} s"
