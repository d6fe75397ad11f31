"""How the command line speaks: how much of it, in colour or not, and whether a script wants JSON.

`NO_COLOR` turns colour off, `FORCE_COLOR` turns it on, in a pipe, too; else it is for terminals that can
show it.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

RED, YELLOW, CYAN, GREEN, DIM = 31, 33, 36, 32, 2


@dataclass(slots=True)
class Tone:
    """What the command line's general options say.

    Attributes:
        quiet: only errors and data.
        verbose: also what is done: commands run, requests made, and how long each took.
        json: a script reads stdout; an error goes there as JSON, too.
    """

    quiet: bool = False
    verbose: bool = False
    json: bool = False


TONE = Tone()
"""That of this process."""


def colourful(stream: TextIO | None = None) -> bool:
    """Say whether text for a stream, stderr by default, may be coloured."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return is_screen(stream)


def is_screen(stream: TextIO | None = None) -> bool:
    """Say whether a stream, stderr by default, is a terminal in which text can be replaced."""
    stream = sys.stderr if stream is None else stream
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    except ValueError:  # it is closed
        return False


def coloured(text: str, colour: int | None, stream: TextIO | None = None) -> str:
    """Colour text for a stream, stderr by default, where its reader wants that."""
    return f"\x1b[{colour}m{text}\x1b[0m" if text and colour and colourful(stream) else text


def be_quiet(wanted: bool) -> None:
    """Say nothing but errors and data from now on."""
    TONE.quiet = TONE.quiet or wanted


def be_verbose(wanted: bool, say: Callable[[str], None]) -> None:
    """Say from now on what is done, with `say`; quiet wins over it."""
    if not wanted or TONE.verbose:
        return
    TONE.verbose = True
    log = logging.getLogger("jlab_mcp")
    log.addHandler(_Speaker(say))
    log.setLevel(logging.DEBUG)
    log.propagate = False


class _Speaker(logging.Handler):
    """Hands what modules log over to the printer."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Say one thing that was done."""
        self._say(coloured("debug: ", DIM) + record.getMessage())
