"""Signals that reach the command while code runs: noted, and acted on in one place."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    from types import TracebackType

_HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Attention:
    """Collects signals; those that were ignored when the command began stay ignored, as under nohup."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self._mine: list[signal.Signals] = []

    def __enter__(self) -> Self:
        for number in _HEEDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._loop.add_signal_handler(number, self._heard.put_nowait, number)
                self._mine.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self._mine:
            self._loop.remove_signal_handler(number)

    async def next(self) -> signal.Signals:
        """Wait for a signal."""
        return await self._heard.get()


def end_by(number: signal.Signals) -> NoReturn:
    """End the process by a signal, so that a shell sees what ended it.

    Nothing is waited for: a thread may still hang at a terminal or a pipe that takes nothing.
    """
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # it was blocked from outside


def end_with(code: int) -> NoReturn:
    """End the process with an exit status, and as `end_by` wait for nothing."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    os._exit(code)
