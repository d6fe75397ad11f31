"""A shell in a terminal of its own, watched while commands are typed into it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pexpect
import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COLUMNS, ROWS = 96, 26

_LONGEST = 180.0  # seconds that a command may take; it only ends a recording that hangs
_TICK = 0.1  # seconds between looks at the screen
_PATIENCE = 2.0  # seconds after which the rest of a command is shown four times as fast
_DONE = "\x1b]0;done\x07"
"""The shell sets this title before each prompt: a command's end is known, and nobody sees it."""


@dataclass(frozen=True)
class Run:
    """Characters of one line that look the same.

    Attributes:
        column: where it begins.
        text: the characters.
        colour: `default`, or a name or six hexadecimal digits, as pyte says it.
        bold: whether it is bold.
    """

    column: int
    text: str
    colour: str
    bold: bool


@dataclass(frozen=True)
class Frame:
    """What the screen showed, and for how many seconds."""

    lines: tuple[tuple[Run, ...], ...]
    cursor: tuple[int, int]
    seconds: float


class Terminal:
    """Types commands, and keeps every screen that was seen."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self._screen)
        self._frames: list[Frame] = []
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile"],
            cwd=str(folder),
            env={**env, "PS1": f"\\[{_DONE}\\]\\[\x1b[1;32m\\]$\\[\x1b[0m\\] ", "TERM": "xterm-256color"},
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
        )
        self._wait()

    def type(self, command: str, *, pause: float = 1.5) -> None:
        """Type a command, wait for its end, and leave its output for `pause` seconds.

        Raises:
            TimeoutError: it took longer than three minutes.
        """
        for word in command.split(" "):
            self._shell.send(word + " ")
            self._look(0.15)
        self._shell.send("\r")
        self._wait()
        self._add(pause)

    def close(self) -> list[Frame]:
        """End the shell, and return what was seen."""
        self._shell.close(force=True)
        return self._frames

    def _wait(self) -> None:
        end = time.monotonic() + _LONGEST
        self._screen.title = ""
        while self._screen.title != "done":
            if time.monotonic() > end:
                raise TimeoutError("\n".join(self._screen.display))
            waited = _LONGEST - (end - time.monotonic())
            self._look(_TICK, fast=4.0 if waited > _PATIENCE else 1.0)

    def _look(self, seconds: float, *, fast: float = 1.0) -> None:
        """Read for so long, and add the screen if it has changed."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self._stream.feed(self._shell.read_nonblocking(65_536, timeout=left))
            except pexpect.TIMEOUT:
                break
            if self._screen.title == "done":
                break
        self._add(seconds / fast)

    def _add(self, seconds: float) -> None:
        lines = tuple(_runs(self._screen.buffer[row]) for row in range(ROWS))
        cursor = (self._screen.cursor.x, self._screen.cursor.y)
        if self._frames and (self._frames[-1].lines, self._frames[-1].cursor) == (lines, cursor):
            last = self._frames.pop()
            seconds += last.seconds
        self._frames.append(Frame(lines, cursor, seconds))


def _runs(line: Mapping[int, pyte.screens.Char]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for column in range(COLUMNS):
        char = line[column]
        last = runs[-1] if runs else None
        if (
            last
            and (last.colour, last.bold) == (char.fg, char.bold)
            and len(last.text) + last.column == column
        ):
            runs[-1] = Run(last.column, last.text + char.data, char.fg, char.bold)
        else:
            runs.append(Run(column, char.data, char.fg, char.bold))
    return tuple(run for run in runs if run.text.strip())
