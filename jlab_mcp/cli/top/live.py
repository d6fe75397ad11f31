"""The life of `top` in a terminal: looks, keys and signals, until somebody quits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from typing import TYPE_CHECKING

from jlab_mcp.cli.top.draw import frame
from jlab_mcp.cli.top.keys import keys
from jlab_mcp.cli.top.paper import Paper
from jlab_mcp.cli.top.screen import Screen
from jlab_mcp.cli.top.state import Wish
from jlab_mcp.errors import ExitCode, JlabMcpError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from jlab_mcp.app.watch import Watcher
    from jlab_mcp.cli.top.state import View

_TICK = 1.0
"""Seconds after which what counts seconds is drawn anew; nobody is asked for it."""
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def live(view: View, watcher: Watcher, *, count: int | None) -> ExitCode:
    """Show servers until a key or a signal ends it, or so many looks have been shown.

    The terminal is given back as it was, whatever ends it.
    """
    with Screen() as screen, _silent():
        life = _Life(view, watcher, screen, count)
        try:
            return await life.run()
        finally:
            await watcher.aclose()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what is logged away from the screen."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Life:
    def __init__(self, view: View, watcher: Watcher, screen: Screen, count: int | None) -> None:
        self._view = view
        self._watcher = watcher
        self._screen = screen
        self._count = count
        self._over: asyncio.Future[ExitCode] = asyncio.get_running_loop().create_future()
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self) -> ExitCode:
        """Live until it is over.

        Raises:
            Exception: what a look or an errand did not foresee.
        """
        loop = asyncio.get_running_loop()
        for number in _ENDS:
            loop.add_signal_handler(number, self._end, ExitCode.INTERRUPTED)
        loop.add_signal_handler(signal.SIGWINCH, self._draw)
        loop.add_signal_handler(signal.SIGTSTP, self._pause)
        loop.add_reader(self._screen.keyboard, self._read)
        self._draw()
        for errand in (self._look(), self._tick()):
            self._send(errand)
        try:
            return await self._over
        finally:
            loop.remove_reader(self._screen.keyboard)
            for task in self._errands:
                task.cancel()

    def _send(self, errand: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._back)

    def _back(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and (failure := task.exception()) and not self._over.done():
            self._over.set_exception(failure)

    def _end(self, code: ExitCode) -> None:
        if not self._over.done():
            self._over.set_result(code)

    async def _look(self) -> None:
        looked = 0
        while self._count is None or looked < self._count:
            self._view.take(await self._watcher.look())
            looked += 1
            self._draw()
            await asyncio.sleep(self._view.interval)
        self._end(ExitCode.OK)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK - time.time() % _TICK)
            self._draw()

    def _draw(self) -> None:
        try:
            size = self._screen.size()
            paper = Paper(*size, self._screen.braille, time.time())
            self._screen.draw(frame(self._view, paper), size)
        except OSError:  # the terminal is gone
            self._end(ExitCode.INTERRUPTED)

    def _read(self) -> None:
        try:
            read = os.read(self._screen.keyboard, 1024)
        except OSError:
            read = b""
        if not read:
            self._end(ExitCode.INTERRUPTED)
            return
        for key in keys(read):
            wish = self._view.press(key)
            if wish is Wish.QUIT:
                self._end(ExitCode.OK)
            elif wish is Wish.REDRAW:
                self._screen.forget()
            elif wish is Wish.INTERRUPT:
                self._send(self._interrupt())
        self._draw()

    async def _interrupt(self) -> None:
        chosen, session = self._view.chosen, self._view.session()
        if chosen is None or session is None:
            return
        name = session.session.name
        self._view.message = f"interrupting {name}"
        self._draw()
        try:
            told = await self._watcher.interrupt(chosen.key, session.session.session_id)
        except JlabMcpError as error:
            self._view.message = f"error[{error.code}]: {error.message}"
        else:
            dropped = f", {len(told.not_run)} queued behind it not run" if told.not_run else ""
            done = "was interrupted" if told.interrupted else "has not ended yet"
            self._view.message = f"the cell of {name} {done}{dropped}"
        self._draw()

    def _pause(self) -> None:
        """Give the terminal back while the shell has it, as after Ctrl+Z; `fg` goes on from here."""
        self._screen.leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._screen.enter()
        self._draw()
