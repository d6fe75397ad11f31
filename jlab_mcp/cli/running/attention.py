"""Signals that reach the command while code runs: noted, and acted on in one place."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

_T = TypeVar("_T")


class Attention:
    """Collects signals; those that were ignored when the command began stay ignored, as under nohup."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self._mine: list[signal.Signals] = []

    def __enter__(self) -> Self:
        for number in self._numbers:
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


async def unless_ended(work: Coroutine[Any, Any, _T]) -> _T:
    """Do something that SIGTERM and a closed terminal cancel, as Ctrl+C does, and that ends the process."""
    with Attention(signal.SIGTERM, signal.SIGHUP) as attention:
        doing = asyncio.ensure_future(work)
        heard = asyncio.ensure_future(attention.next())
        try:
            await asyncio.wait({doing, heard}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            heard.cancel()
            if doing.cancel():
                await asyncio.wait({doing})
    if doing.cancelled():
        end_by(heard.result())
    return doing.result()


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
