"""What `top` draws, and what its keys do, at any size and for any server."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jlab_mcp.app.runningcell import RunningCell
from jlab_mcp.app.status import JobStatus
from jlab_mcp.app.watch import Snapshot, WatchedServer, WatchedSession
from jlab_mcp.cli.top.draw import frame, plain
from jlab_mcp.cli.top.history import graph
from jlab_mcp.cli.top.keys import keys
from jlab_mcp.cli.top.paper import Paper
from jlab_mcp.cli.top.state import Chosen, View, Wish
from jlab_mcp.client.models import Cpus, Gpu, Memory, Resources, Session

GIB = 1024**3
NOW = 1_700_000_000.0


def _session(name: str, *, runs: str | None = None, **more: Any) -> WatchedSession:
    session = Session(
        session_id=f"id-{name}",
        name=name,
        notebook_path=Path(f"/p/{name}.ipynb"),
        kernel_name="python3",
        kernel_state="idle" if runs is None else "busy",
        created_at=NOW - 100,
        last_activity=NOW - 5,
        cells=3,
        running=None if runs is None else "e1",
        **more,
    )
    cell = RunningCell(execution_id="e1", cell_index=2, started_at=NOW - 63, latest_line=runs or "")
    return WatchedSession(session=session, running=None if runs is None else cell)


def _server(name: str, state: str = "ready", *sessions: WatchedSession, **more: Any) -> WatchedServer:
    facts: dict[str, Any] = {
        "key": f"key-{name}",
        "state": state,
        "profile": name,
        "mode": "slurm",
        "project_dir": Path("/home/me/project"),
        "log_file": Path("/log"),
        "sessions": list(sessions),
    }
    return WatchedServer(**facts | more)


A100 = Gpu(
    index=0,
    name="A100-SXM4",
    memory_total=80 * GIB,
    memory_used=60 * GIB,
    utilization=87,
    temperature=71,
    power=300,
)
BUSY = Resources(
    hostname="gpu17",
    cpus=Cpus(count=64, usable=8, percent=50),
    memory=Memory(total=100 * GIB, available=60 * GIB),
    gpus=[A100],
)
QUEUED = JobStatus(job_id="4712", state="PENDING", expected_start="2026-11-28T09:00:00")
RUNNING = JobStatus(job_id="4711", state="RUNNING", time_left_s=13_262.0)
EXAMPLE = Snapshot(
    at=NOW,
    servers=[
        _server(
            "a100",
            "ready",
            _session("explore", runs="epoch 3/10\tloss=0.3"),
            _session("other"),
            job=RUNNING,
            hostname="gpu17",
            resources=BUSY,
            age_s=3_700.0,
        ),
        _server(
            "big", "queued", reason="job 4712 is queued: jobs with a higher priority come first", job=QUEUED
        ),
        _server("lost", "unreachable", reason="it has not answered for 12 s", silent_s=12.0, resources=BUSY),
    ],
)


def _view(snapshot: Snapshot = EXAMPLE) -> View:
    view = View("/home/me/project", 2.0)
    view.take(snapshot)
    return view


def _drawn(view: View, width: int = 100, height: int = 24, *, braille: bool = True) -> list[str]:
    return [line.plain for line in frame(view, Paper(width, height, braille, NOW))]


def test_the_list_has_all_that_matters() -> None:
    text = "\n".join(_drawn(_view(), 130))
    for said in (
        *("a100", "ready · 3:41:02 left · job 4711 on gpu17 · up 1 h 1 min"),
        *(
            "CPU",
            " 50 % of 8",
            "40.0/100.0 GiB",
            "GPU 0",
            " 87 %",
            "60.0/80.0 GiB",
            "71 °C",
            "300 W",
            "A100-SXM4",
        ),
        *("explore", "running 1:03  cell 2  epoch 3/10  loss=0.3", "idle for 5 s"),
        *("queued · job 4712 · expected at 2026-11-28 09:00:00", "jobs with a higher priority come first"),
        *("unreachable", "it has not answered for 12 s"),
    ):
        assert said in text, text


def test_what_was_measured_before_grows_to_the_left() -> None:
    view = _view()
    before = _drawn(view)
    view.take(EXAMPLE)
    view.take(EXAMPLE)
    row, old = _drawn(view)[3], before[3]
    assert row.count("⣤") > old.count("⣤") == 0
    assert len(row) == len(old)


def test_plain_text_has_no_graphs_and_no_choice() -> None:
    lines = plain(_view(), 200, braille=True)
    assert not any(0x2800 <= ord(char) < 0x2900 or char == "▶" for line in lines for char in line)
    assert any("87 %" in line for line in lines)


def test_without_unicode_all_is_ascii() -> None:
    drawn = "".join(_drawn(_view(), braille=False))
    assert drawn.replace("°", "").isascii(), drawn


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 200),
    st.integers(1, 50),
    st.lists(st.sampled_from(["up", "down", "enter", "?", "i", "y", "end", "escape", "x"]), max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.booleans(),
)
def test_nothing_is_drawn_outside_the_screen(
    width: int, height: int, pressed: list[str], said: str, braille: bool
) -> None:
    servers = [*EXAMPLE.servers, _server("odd", "ready", _session("s", runs=said), reason=said or None)]
    view = _view(Snapshot(at=NOW, servers=servers))
    for key in pressed:
        view.press(key)
        lines = frame(view, Paper(width, height, braille, NOW))
        assert len(lines) <= max(height, 1)
        assert all(line.cell_len <= width for line in lines)
        assert not any(char in line.plain for line in lines for char in "\n\r\t\x1b\x00\x7f")


@pytest.mark.parametrize("height", [4, 5, 7, 10])
def test_the_chosen_row_is_on_the_screen(height: int) -> None:
    many = [_server("one", "ready", *(_session(f"number-{at}", runs="x") for at in range(30)))]
    view = _view(Snapshot(at=NOW, servers=many))
    for key in ["down"] * 31 + ["up"] * 31 + ["page down"] * 4 + ["home", "end"]:
        view.press(key)
        drawn = _drawn(view, 50, height)
        assert any("▶" in line for line in drawn), (key, view.chosen)
        assert (len(drawn), drawn[-1].startswith("q quit")) == (height, True)


def test_a_choice_stays_while_its_row_does_and_goes_to_its_server_then() -> None:
    view = _view()
    view.press("down")
    assert view.chosen == Chosen("key-a100", "id-explore")
    view.press("i")
    assert view.asking
    view.take(EXAMPLE)
    assert view.asking
    gone = EXAMPLE.servers[0].model_copy(update={"sessions": [_session("other")]})
    view.take(Snapshot(at=NOW, servers=[gone, *EXAMPLE.servers[1:]]))
    assert (view.chosen, view.asking) == (Chosen("key-a100"), False)
    view.take(Snapshot(at=NOW, servers=EXAMPLE.servers[1:]))
    assert view.chosen == Chosen("key-big")
    view.take(Snapshot(at=NOW, servers=[]))
    assert view.chosen is None


def test_only_a_yes_interrupts_and_only_what_runs() -> None:
    view = _view()
    view.press("i")
    assert (view.asking, "choose a session first" in view.message) == (False, True)
    view.press("down")
    for answer in ("n", "q", "enter", "escape"):
        view.press("i")
        assert view.press(answer) is Wish.NOTHING
    view.press("i")
    assert view.press("y") is Wish.INTERRUPT
    view.press("down")
    assert view.press("i") is Wish.NOTHING
    assert (view.asking, view.message) == (False, "other runs nothing")
    assert view.press("q") is Wish.QUIT


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOAk", ["up", "up"]),
        (b"jjq", ["down", "down", "q"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[15~i", ["\x1b[15~", "i"]),
        (b"\r\x0c?", ["enter", "redraw", "?"]),
        (b"\xff\xfeq", ["q"]),
    ],
)
def test_bytes_of_a_terminal_are_keys(sent: bytes, named: list[str]) -> None:
    assert keys(sent) == named


def test_a_graph_has_the_newest_at_its_right_end() -> None:
    assert graph([0.0, 1.0], 3, braille=True) == "  ⣸"
    assert graph([0.0, 0.25, 0.5, 0.75, 1.0], 2, braille=True) == "⣠⣾"
    assert graph([None, 1.0, None], 4, braille=False) == "  # "
    assert graph([], 3, braille=True) == "   "
    assert graph([1.0] * 9, 0, braille=True) == ""
    assert len(graph([0.5] * 99, 7, braille=False)) == 7


def test_letters_and_dots_tell_idle_from_unknown() -> None:
    drawn = graph([0.0, None], 2, braille=False)
    assert (drawn[0] in string.whitespace, drawn[1]) == (False, " ")
