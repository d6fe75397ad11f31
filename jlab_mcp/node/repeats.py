"""Requests that change something, done once however often they come.

A client that got no answer cannot know whether its request arrived, and sends it again under the same id. The
repeat gets the first one's answer, or waits for it where that is still being made.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Answer = tuple[int, str]
"""HTTP status, and JSON."""

_KEPT = 500  # answers that are kept in any case
_KEPT_SECONDS = 600.0  # for so long all are kept: longer than any client tries


@dataclass
class _Kept:
    making: asyncio.Task[Answer]
    since: float


class Repeats:
    """The answers of the last requests, by the ids that their clients chose."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Kept] = OrderedDict()

    async def once(self, request_id: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to a request; `make` is called only if no request had this id before."""
        kept = self._answers.get(request_id)
        if kept is None:
            # A task of its own: who asked first may be gone before it is done.
            kept = _Kept(asyncio.ensure_future(make()), time.monotonic())
            self._answers[request_id] = kept
            self._forget_old()
        return await asyncio.shield(kept.making)

    def _forget_old(self) -> None:
        for key in list(self._answers)[: max(0, len(self._answers) - _KEPT)]:
            kept = self._answers[key]
            if kept.making.done() and time.monotonic() - kept.since > _KEPT_SECONDS:
                del self._answers[key]
