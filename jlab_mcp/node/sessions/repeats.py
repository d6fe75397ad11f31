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

_KEPT = 500  # answers that are kept
_KEPT_CHARS = 20_000_000  # of JSON that are kept: answers may hold a cell's outputs
_KEPT_SECONDS = 600.0  # for so long more are kept: longer than any client tries


@dataclass
class _Kept:
    making: asyncio.Future[Answer]
    since: float


class Repeats:
    """The answers of the last requests, by the ids that their clients chose."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Kept] = OrderedDict()

    async def once(self, request_id: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to a request; `make` is called only if no request had this id before."""
        kept = self._answers.get(request_id)
        if kept is not None:
            return await asyncio.shield(kept.making)
        making: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request_id] = _Kept(making, time.monotonic())
        self._forget_old()
        try:
            # Not in a task of its own: requests that come later would overtake it.
            answer = await make()
        except BaseException:
            making.cancel()
            del self._answers[request_id]
            raise
        making.set_result(answer)
        return answer

    def _forget_old(self) -> None:
        done = [(key, kept) for key, kept in self._answers.items() if kept.making.done()]
        chars = sum(len(kept.making.result()[1]) for _, kept in done)
        for key, kept in done:
            old = len(self._answers) > _KEPT and time.monotonic() - kept.since > _KEPT_SECONDS
            if not old and chars <= _KEPT_CHARS:
                return
            chars -= len(kept.making.result()[1])
            del self._answers[key]
