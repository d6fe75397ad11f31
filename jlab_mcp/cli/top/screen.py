"""The terminal while `top` has it: the other screen, no echo, and back to how it was in any case."""

from __future__ import annotations

import io
import os
import sys
import termios
import tty
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console

from jlab_mcp.cli.tone import colourful

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[2J", "\x1b[0m\x1b[?25h\x1b[?1049l"


class Screen:
    """Draws frames; of each, only the lines that have changed are sent."""

    def __init__(self) -> None:
        self._keyboard = sys.stdin.fileno()
        self._found: Any = None
        self._shown: list[str] = []
        self._ink = io.StringIO()
        self._size = (0, 0)
        # Colour or not is decided where all of it is; rich then writes what it is told to.
        self._console = Console(
            file=self._ink,
            force_terminal=True,
            color_system="standard" if colourful(sys.stdout) else None,
            no_color=not colourful(sys.stdout),
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            width=10_000,
        )

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    @property
    def keyboard(self) -> int:
        """Where keys are read from."""
        return self._keyboard

    @property
    def braille(self) -> bool:
        """Whether it can show more than ASCII."""
        return "utf" in (sys.stdout.encoding or "").lower()

    def enter(self) -> None:
        """Take the terminal: Ctrl+C and Ctrl+Z still make signals, all other keys come at once."""
        if self._found is None:
            self._found = termios.tcgetattr(self._keyboard)
            tty.setcbreak(self._keyboard, termios.TCSANOW)
            self._write(_ENTER)
            self.forget()

    def leave(self) -> None:
        """Give the terminal back as it was found; what is gone is let go."""
        if self._found is None:
            return
        found, self._found = self._found, None
        try:
            self._write(_LEAVE)
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, found)
        except (OSError, ValueError, termios.error):
            return

    def forget(self) -> None:
        """Draw every line anew at the next frame."""
        self._shown = []

    def size(self) -> tuple[int, int]:
        """Return columns and lines."""
        columns, lines = os.get_terminal_size(sys.stdout.fileno())
        return columns or 80, lines or 24

    def draw(self, lines: Sequence[Text], size: tuple[int, int]) -> None:
        """Show a frame that was made for a size."""
        if size != self._size:
            self._size = size
            self.forget()
        inked = [self._inked(line) for line in lines]
        changed = [] if self._shown else ["\x1b[2J"]
        for number, line in enumerate(inked):
            if number >= len(self._shown) or self._shown[number] != line:
                changed.append(f"\x1b[{number + 1};1H{line}\x1b[K")
        self._shown = inked
        if changed:
            self._write("".join(changed))

    def _inked(self, line: Text) -> str:
        self._ink.seek(0)
        self._ink.truncate()
        self._console.print(line, end="", soft_wrap=True)
        return self._ink.getvalue()

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
