"""The recorded terminal: a real shell's screens become a picture that asks nobody for anything."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.record.__main__ import COMMANDS
from docs.record.picture import picture
from docs.record.terminal import Terminal
from tests.docs.pages import ROOT
from tests.docs.test_examples import refusal

RECORDED = ROOT / "docs/images/session.svg"


def words_of(svg: str) -> str:
    """Return the text of a picture's lines."""
    return "\n".join(
        "".join(text.itertext())
        for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - ours
    )


def test_what_a_shell_shows_is_in_the_picture_with_its_colours(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
    terminal.type("printf 'a <b> & \\033[31mred\\033[0m\\n'")
    terminal.type("sleep 0.5; echo 'later'")
    frames = terminal.close()
    svg = picture(frames, "a <title>")
    assert "a <b> &" in words_of(svg)
    assert re.search(r'class="red"[^>]*>red<', svg)
    assert "later" in words_of(svg)
    assert len(frames) > 5
    assert sum(frame.seconds for frame in frames) > 3


@pytest.mark.parametrize(
    "forbidden", ["<script", 'href="http', "url(", "@import", "<image", "<foreignObject"]
)
def test_the_recorded_session_asks_nobody_and_runs_nothing(forbidden: str) -> None:
    assert forbidden not in RECORDED.read_text(encoding="utf-8")


def test_the_recorded_session_is_small_and_shows_every_command_to_its_good_end() -> None:
    svg = RECORDED.read_text(encoding="utf-8")
    assert len(svg) <= 300_000
    shown = words_of(svg)
    for command, _pause in COMMANDS:
        assert refusal(shlex.split(command)[1:]) is None
        assert command in re.sub(r"\s*\n\s*", " ", shown)
    assert "error" not in shown
    assert "has been stopped" in shown
