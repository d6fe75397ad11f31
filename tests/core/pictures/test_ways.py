"""How a terminal shows pictures."""

from __future__ import annotations

import pytest

from jlab_mcp.core.pictures.ways import Terminal, Way, answered, known_way


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        ({"TERM": "xterm-kitty"}, Way.KITTY),
        ({"TERM": "xterm-ghostty"}, Way.KITTY),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, Way.ITERM),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, Way.ITERM),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, Way.ITERM),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, Way.FILES),
        ({"TERM": "dumb"}, Way.FILES),
        ({"TERM": "linux", "TERM_PROGRAM": "iTerm.app"}, Way.FILES),
        ({}, Way.FILES),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "LC_TERMINAL": "iTerm2", "TMUX": "/t,1,0"}, None),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, None),
        ({"TERM": "xterm-kitty", "STY": "1.pts"}, None),
    ],
)
def test_variables_are_trusted_where_they_are_sure(environ: dict[str, str], way: Way | None) -> None:
    assert known_way(environ) is way


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (b"\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b[?62;52c", Terminal(Way.KITTY, (10, 20))),
        (b"\x1bP>|ghostty 1.2\x1b\\\x1b[?62;22c", Terminal(Way.KITTY)),
        (b"\x1bP>|iTerm2 3.5.3\x1b\\\x1b[?64;1;2;4;6c", Terminal(Way.ITERM)),
        (b"\x1bP>|WezTerm 20240203\x1b\\\x1b[?65;4;6c", Terminal(Way.ITERM)),
        (b"\x1bP>|foot(1.16.2)\x1b\\\x1b[6;18;9t\x1b[?62;4;22;28c", Terminal(Way.SIXEL, (9, 18))),
        (b"\x1bP>|tmux 3.5a\x1b\\\x1b[?1;2;4c", Terminal(Way.SIXEL)),
        (b"\x1bP>|XTerm(390)\x1b\\\x1b[?64;1;2;6;9;15;18;21;22c", Terminal(Way.FILES)),
        (b"\x1b[?1;2c", Terminal(Way.FILES)),
        (b"\x1b[?4c", Terminal(Way.SIXEL)),
        (b"\x1b[6;0;0t\x1b[?14;40c", Terminal(Way.FILES)),
        (b"typed before\x1b[?1;2c", Terminal(Way.FILES)),
        (b"\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t", None),
        (b"", None),
    ],
)
def test_an_answer_is_read_once_it_is_whole(reply: bytes, told: Terminal | None) -> None:
    assert answered(reply) == told
