"""Asks the terminal how it shows pictures; only one that a person sits at, and only once."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from contextlib import suppress

from jlab_mcp.core.pictures.drawing import Screen
from jlab_mcp.core.pictures.ways import QUESTION, Terminal, Way, answered, in_multiplexer, known_way

_ANSWER_SECONDS = 1.0
"""How long a terminal may take, also one at the other end of a slow line."""
_MOST = 4096
"""Bytes of an answer, at most."""


def screen(wanted: Way | None) -> Screen:
    """Return what pictures are drawn for on the terminal of stdout.

    Args:
        wanted: how they are to be shown; None for what the terminal can.
    """
    way = wanted or known_way(os.environ)
    cell = _cell_by_system()
    if way is None or (cell is None and way is Way.SIXEL):
        told = _ask()
        way = way or told.way
        cell = cell or told.cell
    size = os.get_terminal_size(1)
    # Behind tmux, sixels are tmux's own matter; whoever asks for another way means the terminal behind it.
    through = in_multiplexer(os.environ) and "TMUX" in os.environ and way in (Way.KITTY, Way.ITERM)
    return Screen(way, size.columns or 80, size.lines or 24, cell or (10, 20), in_tmux=through)


def _cell_by_system() -> tuple[int, int] | None:
    """Return the size of a character in pixels, if the terminal keeps the system informed of it."""
    with suppress(OSError, termios.error):
        import fcntl
        import struct

        packed = fcntl.ioctl(1, termios.TIOCGWINSZ, bytes(8))
        rows, columns, width, height = struct.unpack("HHHH", packed)
        if rows and columns and width and height:
            return max(width // columns, 1), max(height // rows, 1)
    return None


def _ask() -> Terminal:
    """Ask the terminal that controls this process; one that does not answer in time shows no pictures."""
    with suppress(OSError, termios.error):
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            # A job in the background would be stopped for touching it.
            if os.tcgetpgrp(descriptor) == os.getpgrp():
                return _answer(descriptor) or Terminal(Way.FILES)
        finally:
            os.close(descriptor)
    return Terminal(Way.FILES)


def _answer(descriptor: int) -> Terminal | None:
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        os.write(descriptor, QUESTION)
        reply, deadline = b"", time.monotonic() + _ANSWER_SECONDS
        while len(reply) < _MOST:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                return None
            piece = os.read(descriptor, 256)
            reply += piece
            if not piece or (told := answered(reply)) is not None:
                return told if piece else None
        return None
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
