"""What is waited for, shown once it takes longer than a second: the one place for it.

In a terminal it is a line at the bottom, with the seconds so far, which is replaced and leaves nothing
behind. In a pipe it is a plain line, and another one at growing distances. It goes to stderr.

The line is drawn here and not by rich: rich hides the cursor meanwhile, which Ctrl+Z or a kill would
leave so.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from jlab_mcp.cli.tone import CYAN, DIM, TONE, coloured, is_screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.app.events import LifecycleEvent

AFTER = 1.0
"""Seconds after which a wait is shown."""
_FRAME_SECONDS = 0.1
_AGAIN, _GROWTH = 30.0, 2.0
"""Seconds after which a plain line is repeated, and how these grow."""
_FRAMES, _PLAIN_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"
_CLEAR = "\r\x1b[K"
_RUNS = ("RUNNING", "CONFIGURING")


class Progress:
    """The wait of this process; drawn by a thread, because what is waited for may hold up all else."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._what: str | None = None
        self._since = 0.0
        self._told_at: float | None = None
        self._next = _AGAIN
        self._drawn = False
        self._frame = 0
        self._thread: threading.Thread | None = None

    def expect(self, what: str, *, told: bool = False) -> None:
        """Say what is waited for from now on, in a few words such as "waiting for JupyterLab".

        Args:
            what: in place of whatever was waited for before.
            told: whether a line has told it already, so that a pipe needs no other one.
        """
        if TONE.quiet:
            return
        with self._changed:
            if what != self._what:
                self._erase()
                self._what, self._since, self._next = what, time.monotonic(), _AGAIN
                self._told_at = self._since if told else None
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True, name="progress")
                self._thread.start()
            self._changed.notify()

    def over(self) -> None:
        """Say that nothing is waited for any more."""
        with self._changed:
            self._erase()
            self._what = None

    @contextlib.contextmanager
    def during(self, what: str, *, told: bool = False) -> Iterator[None]:
        """Show what a block waits for; `told` as for `expect`."""
        self.expect(what, told=told)
        try:
            yield
        finally:
            self.over()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while something else is printed; it comes back by itself."""
        with self._changed:
            self._erase()
            yield

    def _watch(self) -> None:
        with self._changed:
            while True:
                self._changed.wait(self._pause())
                if self._what is not None and time.monotonic() - self._since >= AFTER:
                    # A terminal that is gone, or a stream that is closed, must not hold up anything.
                    with contextlib.suppress(OSError, ValueError):
                        self._show(self._what, time.monotonic() - self._since)

    def _pause(self) -> float | None:
        if self._what is None:
            return None
        left = AFTER - (time.monotonic() - self._since)
        return max(left, _FRAME_SECONDS)

    def _show(self, what: str, elapsed: float) -> None:
        if is_screen():
            if _in_foreground():
                self._draw(what, elapsed)
        elif self._told_at is None or elapsed >= self._next:
            said = what if self._told_at is None else f"still {what}, {elapsed:.0f} s so far"
            self._next *= _GROWTH if self._told_at is not None else 1
            self._told_at = time.monotonic()
            print(said, file=sys.stderr, flush=True)

    def _draw(self, what: str, elapsed: float) -> None:
        frames = _FRAMES if "utf" in (sys.stderr.encoding or "").lower() else _PLAIN_FRAMES
        self._frame = (self._frame + 1) % len(frames)
        clock = _clock(elapsed)
        room = _columns() - len(clock) - 4
        mark, spent = coloured(frames[self._frame], CYAN), coloured(clock, DIM)
        # Written in one piece, so that nothing comes between.
        sys.stderr.write(f"{_CLEAR}{mark} {_cropped(what, room)} {spent}")
        sys.stderr.flush()
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._drawn = False
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(_CLEAR)
                sys.stderr.flush()


PROGRESS = Progress()
"""That of this process."""


def follow(event: LifecycleEvent) -> None:
    """Take from a step of a start, a wait or a stop what is waited for now."""
    what = _awaited(event)
    if what:
        PROGRESS.expect(what, told=True)
    elif event.stage not in ("note", "changed"):
        PROGRESS.over()


def is_only_a_sign_of_life(event: LifecycleEvent) -> bool:
    """Say whether a step tells no more than that it is still waited, which a terminal shows anyhow."""
    return "elapsed_s" in event.data and is_screen() and not TONE.quiet


def _awaited(event: LifecycleEvent) -> str | None:
    if event.stage in ("stopping", "killing"):
        return "waiting for its end"
    if event.stage in ("launched", "already_running"):
        return "waiting for SLURM" if event.data.get("job_id") else "waiting for JupyterLab"
    if event.stage != "waiting":
        return None
    state = event.data.get("job_state")
    if event.data.get("ending"):
        return "waiting for its end"
    if "elapsed_s" in event.data or state in _RUNS:
        return "waiting for JupyterLab"
    return "waiting in the queue" if state else "waiting for SLURM"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    minutes, hours = whole // 60, whole // 3600
    if hours:
        return f"{hours}:{minutes % 60:02}:{whole % 60:02}"
    return f"{minutes}:{whole % 60:02}" if minutes else f"{whole} s"


def _cropped(text: str, room: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= room else set_cell_size(text, max(room - 1, 1)) + "…"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _in_foreground() -> bool:
    """Say whether the terminal is ours: a job in a shell's background must not draw into it."""
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True  # it is a terminal, but not the one that controls this process
