"""By which protocol a terminal shows pictures: what its variables say, and what it answers when asked.

It is asked only with sequences that every terminal knows or ignores: its name and version, the size of a
character in pixels, and last its device attributes: all of them answer that, and so end the waiting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

QUESTION = b"\x1b[>q\x1b[16t\x1b[c"
"""Asks for name and version, the size of a character, and the device attributes."""

_NAME = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
_CELL = re.compile(rb"\x1b\[6;(\d{1,4});(\d{1,4})t")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_SIXEL_ATTRIBUTE = b"4"
_MUTE = ("", "dumb", "linux", "unknown")


@unique
class Way(Enum):
    """How pictures are shown; `FILES` saves them, `NONE` drops them."""

    KITTY = "kitty"
    ITERM = "iterm"
    SIXEL = "sixel"
    FILES = "files"
    NONE = "none"


_BY_TERM = {"xterm-kitty": Way.KITTY, "xterm-ghostty": Way.KITTY}
_BY_PROGRAM = {
    "ghostty": Way.KITTY,
    "iTerm.app": Way.ITERM,
    "WezTerm": Way.ITERM,
    "mintty": Way.ITERM,
    "Apple_Terminal": Way.FILES,
}
_BY_NAME = ((b"kitty", Way.KITTY), (b"ghostty", Way.KITTY), (b"iTerm2", Way.ITERM), (b"WezTerm", Way.ITERM))


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a terminal has answered.

    Attributes:
        way: how it shows pictures.
        cell: width and height of a character in pixels, if it said so.
    """

    way: Way
    cell: tuple[int, int] | None = None


def in_multiplexer(environ: Mapping[str, str]) -> bool:
    """Say whether tmux or screen stands between: what lies behind it is not known."""
    term = environ.get("TERM", "")
    return "TMUX" in environ or "STY" in environ or term.startswith(("tmux", "screen"))


def known_way(environ: Mapping[str, str]) -> Way | None:
    """Return how a terminal shows pictures, if its variables say so for sure; else it has to be asked.

    `KITTY_WINDOW_ID` and the like say nothing: other terminals that were started there inherit them.
    """
    term = environ.get("TERM", "")
    if term in _MUTE:
        return Way.FILES
    if in_multiplexer(environ):
        return None
    if environ.get("LC_TERMINAL") == "iTerm2":
        return Way.ITERM
    return _BY_TERM.get(term) or _BY_PROGRAM.get(environ.get("TERM_PROGRAM", ""))


def answered(reply: bytes) -> Terminal | None:
    """Read what a terminal answers to `QUESTION`; None while the last part of it is missing."""
    attributes = _ATTRIBUTES.search(reply)
    if attributes is None:
        return None
    cell = _CELL.search(reply)
    size = (int(cell[2]), int(cell[1])) if cell and int(cell[1]) and int(cell[2]) else None
    name = _NAME.search(reply)
    for known, way in _BY_NAME:
        if name and name[1].startswith(known):
            return Terminal(way, size)
    has_sixel = _SIXEL_ATTRIBUTE in attributes[1].split(b";")
    return Terminal(Way.SIXEL if has_sixel else Way.FILES, size)
