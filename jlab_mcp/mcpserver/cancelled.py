"""Which calls the client itself has cancelled."""

from __future__ import annotations

import anyio

_WAIT_SECONDS = 0.5
_KEPT = 100


class Cancelled:
    """Ids of requests that the client itself has cancelled.

    When the client goes away its calls are cancelled too, but then the code shall run on: only a
    cancellation that was asked for interrupts a kernel.
    """

    def __init__(self) -> None:
        self._seen: dict[str, anyio.Event] = {}

    def note(self, request_id: object) -> None:
        """Take note of a `notifications/cancelled`."""
        self._event(str(request_id)).set()

    async def was_asked(self, request_id: object) -> bool:
        """Tell whether the client cancelled a request; its notification may still be on its way to us."""
        key = str(request_id)
        with anyio.move_on_after(_WAIT_SECONDS):
            await self._event(key).wait()
        event = self._seen.pop(key, None)
        return event is not None and event.is_set()

    def _event(self, key: str) -> anyio.Event:
        # Most cancelled calls never ask; their notes must not pile up.
        while len(self._seen) > _KEPT:
            del self._seen[next(iter(self._seen))]
        return self._seen.setdefault(key, anyio.Event())
