"""Pictures as the escape sequences of kitty and iTerm2, and the way of any of them through tmux.

Own code, because the packages that do this ask the terminal by themselves when they are imported, and write
for full-screen programs.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK = 4096
"""Characters of one piece, the most that kitty takes."""


def kitty(png: bytes, columns: int | None = None) -> Iterator[bytes]:
    """Yield the sequences by which kitty shows a PNG at the cursor.

    Args:
        png: the picture.
        columns: into how many columns of text it is scaled; None for its own size.
    """
    encoded = base64.standard_b64encode(png)
    pieces = [encoded[start : start + _CHUNK] for start in range(0, len(encoded), _CHUNK)]
    scaled = f",c={columns}" if columns else ""
    for number, piece in enumerate(pieces):
        more = int(number + 1 < len(pieces))
        # q=2: no answer, which would end up as if it were typed.
        keys = f"a=T,f=100,q=2{scaled},m={more}" if number == 0 else f"m={more},q=2"
        yield b"\x1b_G" + keys.encode() + b";" + piece + b"\x1b\\"


def iterm(picture: bytes, columns: int | None = None) -> Iterator[bytes]:
    """Yield the sequence by which iTerm2 shows a picture of any format; see `kitty`."""
    width = f";width={columns}" if columns else ""
    keys = f"inline=1;size={len(picture)}{width};preserveAspectRatio=1"
    yield b"\x1b]1337;File=" + keys.encode() + b":" + base64.standard_b64encode(picture) + b"\x07"


def through_tmux(sequences: Iterable[bytes]) -> Iterator[bytes]:
    """Wrap sequences so that tmux hands them on, if its option allow-passthrough lets it."""
    for sequence in sequences:
        yield b"\x1bPtmux;" + sequence.replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\"
