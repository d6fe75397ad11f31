"""How busy the host was in the last minutes, measured only while somebody looks."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

_FRESH = 2.0  # seconds: pages that ask within them share one measurement
_KEPT = 450  # measurements: fifteen minutes of them

Read = Callable[[], Awaitable[dict[str, Any]]]


class Curves:
    """Keeps the last measurements.

    Args:
        read: measures, as `GET resources` does.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._points: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._last: dict[str, Any] = {}
        self._reading: asyncio.Task[None] | None = None

    async def after(self, known: float) -> dict[str, Any]:
        """Measure if need be; return what there is now, and the curves' points since `known` (epoch)."""
        if not self._points or time.time() - self._points[-1]["at"] > _FRESH:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.ensure_future(self._measure())
            await asyncio.shield(self._reading)
        return {"host": self._last, "points": [each for each in self._points if each["at"] > known]}

    async def _measure(self) -> None:
        found = self._last = await self._read()
        memory = found["memory"]
        self._points.append(
            {
                "at": time.time(),
                "cpu": found["cpus"]["percent"],
                "memory": _share(memory["total"], memory["available"]),
                "gpus": [
                    {"busy": each.get("utilization"), "memory": _part(each)}
                    for each in map(dict, found["gpus"])
                ],
            }
        )


def _share(total: int | None, available: int | None) -> float | None:
    """How much is in use, in percent."""
    return None if not total or available is None else round(100 * (total - available) / total, 1)


def _part(gpu: dict[str, Any]) -> float | None:
    total, used = gpu.get("memory_total"), gpu.get("memory_used")
    return None if not total or used is None else round(100 * used / total, 1)
