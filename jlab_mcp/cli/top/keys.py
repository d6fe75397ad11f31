"""Which key was pressed, by the bytes that a terminal sends."""

from __future__ import annotations

import re

_SEQUENCES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[H": "home",
    "\x1b[1~": "home",
    "\x1b[F": "end",
    "\x1b[4~": "end",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\x0c": "redraw",
    "k": "up",
    "j": "down",
    "g": "home",
    "G": "end",
    "o": "enter",
    "h": "?",
}
_ONE = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|.", re.DOTALL)


def keys(read: bytes) -> list[str]:
    """Return the names of the keys that some bytes stand for; a letter is its own name."""
    text = read.decode("utf-8", "ignore")
    return [_SEQUENCES.get(each, each) for each in _ONE.findall(text)]
