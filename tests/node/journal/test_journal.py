"""The journal of one session: what is written, what of it is kept, and what happens when it cannot be."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.node.journal.journal import Journal
from jlab_mcp.node.journal.replay import JournalEntry, LostRun, about, lost_runs, read


def only_run(path: str | Path) -> LostRun:
    (run,) = lost_runs(path)
    return run


def shown(run: LostRun) -> list[str]:
    """The texts of a run's outputs."""
    return [output.get("text") or output["data"]["text/plain"] for output in run.outputs]


def notebook_of(path: str | Path) -> str:
    """The path of the notebook that a journal tells."""
    return str((about(path) or {})["notebook_path"])


def display(text: str, display_id: str | None = None) -> dict[str, object]:
    transient = {"display_id": display_id} if display_id else {}
    return {"data": {"text/plain": text}, "metadata": {}, "transient": transient}


def test_an_execution_is_read_back_as_it_was_noted(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "session.jsonl"
    journal = Journal(path, {"notebook_path": "/n.ipynb"})
    assert not path.parent.exists()
    assert journal.accepted("e1", "c1", "print('é\n')", 1.5, index=0)
    assert journal.started("e1", 2.0)
    assert journal.done("e1", "ok", 3.0)
    journal.close()
    assert read(path) == [
        JournalEntry("session", more={"version": 1, "notebook_path": "/n.ipynb"}),
        JournalEntry("accepted", "e1", 1.5, {"cell_id": "c1", "code": "print('é\n')", "index": 0}),
        JournalEntry("started", "e1", 2.0),
        JournalEntry("done", "e1", 3.0, {"state": "ok"}),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@given(keep=st.integers(0, 10_000))
def test_a_torn_last_line_is_left_out_and_the_next_line_is_whole(
    tmp_path_factory: pytest.TempPathFactory, keep: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "session.jsonl"
    journal = Journal(path)
    for number in range(3):
        journal.accepted(f"e{number}", None, "1", number)
    journal.close()
    whole = path.read_bytes()
    torn = whole[: min(keep, len(whole))]
    path.write_bytes(torn)
    again = Journal(path)
    again.accepted("later", None, "2", 9.0)
    again.close()
    entries = [entry.execution_id for entry in read(path) if entry.event == "accepted"]
    # What was torn just before its newline is whole once that is written.
    complete = sum(1 for line in whole.split(b"\n")[1:4] if line in torn)
    assert entries == [*(f"e{number}" for number in range(complete)), "later"]


def test_foreign_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(
        b'[1]\n\xff\xfe\n{"execution_id":"done"}\n{"event":"started","execution_id":"e","at":1}\nnull\n'
        b'{"event":"saved","executions":3'
    )
    assert read(path) == [JournalEntry("started", "e", 1.0)]
    assert lost_runs(path) == []


def test_a_line_that_cannot_be_written_is_told_and_does_not_raise(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "session.jsonl")
    assert not journal.accepted("e", "c", "1", 1.0)
    assert "cannot be written" in (journal.trouble or "")
    journal.close()


def test_a_full_disk_is_told_and_what_is_missing_is_noted_once_there_is_room(tmp_path: Path) -> None:
    full = Journal("/dev/full")
    assert not full.accepted("e", "c", "1", 1.0)
    assert "No space left on device" in (full.trouble or "")
    full.close()
    journal = Journal(tmp_path / "session.jsonl")
    journal.accepted("e", "c", "1", 1.0)
    journal.started("e", 1.0)
    real, journal._file = journal._file, os.open("/dev/full", os.O_RDWR)
    journal.stream("e", "stdout", "lost\n", 2.0)
    assert not journal.flush()
    os.close(journal._file)
    journal._file = real
    journal.stream("e", "stdout", "kept\n", 3.0)
    journal.done("e", "ok", 4.0)
    journal.close()
    run = only_run(journal.path)
    assert (run.gap, run.state, shown(run)) == (True, "ok", ["kept\n"])


def test_a_lone_surrogate_is_no_failure(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl")
    assert journal.accepted("e", "c", "'\ud800'", 1.0)
    journal.output("e", "display_data", display("\ud800"), 1.0)
    journal.close()
    run = only_run(journal.path)
    assert (run.code, shown(run)) == ("'\ud800'", ["\ufffd"])


def test_consecutive_text_is_one_line_and_what_is_done_is_there_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl")
    journal.accepted("e", "c", "1", 1.0)
    journal.started("e", 1.0)
    for number in range(1000):
        journal.stream("e", "stdout", f"{number}\n", 2.0)
    journal.stream("e", "stderr", "bad\n", 2.0)
    assert [entry.event for entry in read(journal.path)] == ["session", "accepted", "started"]
    journal.done("e", "ok", 3.0)
    assert [entry.event for entry in read(journal.path)][3:] == ["output", "output", "done"]
    assert shown(only_run(journal.path)) == ["".join(f"{n}\n" for n in range(1000)), "bad\n"]
    journal.close()


async def test_what_is_put_out_is_written_within_a_moment_without_being_asked(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl", loop=asyncio.get_running_loop())
    journal.accepted("e", "c", "1", 1.0)
    journal.started("e", 1.0)
    journal.stream("e", "stdout", "soon", 2.0)
    async with asyncio.timeout(30):
        while not only_run(journal.path).outputs:
            await asyncio.sleep(0.02)
        while journal._sync_timer is not None or journal._syncing:  # it has been brought to the disk
            await asyncio.sleep(0.02)
    journal.close()


def test_a_journal_is_cut_back_once_all_is_saved_and_tells_what_is_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl", {"notebook_path": "/n.ipynb"})
    first = len(read(journal.path)) if Path(journal.path).exists() else 0
    for name in ("one", "two"):
        journal.accepted(name, name, "1", 1.0)
        journal.started(name, 1.0)
    journal.done("one", "ok", 2.0)
    assert journal.ended() == {"one"}
    journal.saved({"one"})
    assert [run.execution_id for run in lost_runs(journal.path)] == ["two"]
    journal.stream("one", "stdout", "late", 3.0)
    journal.done("two", "ok", 3.0)
    journal.saved({"one", "two"})
    assert [entry.event for entry in read(journal.path)] == ["session"]
    journal.accepted("three", "c", "1", 4.0)
    journal.close()
    assert (first, [run.execution_id for run in lost_runs(journal.path)]) == (0, ["three"])


def test_one_that_grows_is_written_anew_without_what_a_replay_does_not_need(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl", {"notebook_path": "/n.ipynb"})
    journal._compact_at = 10_000
    plain = Journal(tmp_path / "plain.jsonl")
    plain._compact_at = 1 << 60
    for each in (journal, plain):
        each.accepted("done", "a", "1", 1.0)
        each.accepted("e", "c", "1", 1.0)
        each.started("e", 1.0)
        each.output("e", "display_data", display("first", "bar"), 1.0)
        for number in range(300):
            each.output("e", "update_display_data", display(f"bar {number} {'x' * 500}", "bar"), 1.0)
            each.output("e", "clear_output", {"wait": True}, 1.0)
            each.output("e", "display_data", display(f"plot {number} {'x' * 500}", "plot"), 1.0)
            each.stream("e", "stdout", f"{number}\r", 1.0)
            each.flush()
        each.done("done", "ok", 2.0)
        each.saved({"done"})
        each.close()
    assert only_run(journal.path) == only_run(plain.path)
    assert Path(plain.path).stat().st_size > 300_000
    assert Path(journal.path).stat().st_size < 9 << 20
    assert [entry.event for entry in read(journal.path)].count("session") == 1


def test_outputs_beyond_the_cap_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl", cap=20_000)
    journal.accepted("e", "c", "1", 1.0)
    journal.started("e", 1.0)
    for _ in range(100):
        journal.output("e", "display_data", display("x" * 1000), 1.0)
        journal.flush()
    assert "is full" in (journal.trouble or "")
    journal.done("e", "ok", 2.0)
    assert Path(journal.path).stat().st_size < 21_000
    run = only_run(journal.path)
    assert (run.gap, run.state) == (True, "ok")
    journal.saved({"e"})
    assert journal.trouble is None
    journal.close()


def test_text_that_the_spool_has_is_noted_by_its_length_alone(tmp_path: Path) -> None:
    spool = tmp_path / "spool.txt"
    spool.write_text("heißt\n" * 1000)
    journal = Journal(tmp_path / "session.jsonl")
    journal.accepted("e", "c", "1", 1.0, spool=str(spool))
    journal.started("e", 1.0)
    flushed: list[int] = []
    journal.stream("e", "stdout", "heißt\n", 1.0)
    for number in range(1, 1000):
        journal.spooled("e", "stdout", 7 * number, 7, 1.0, (lambda: flushed.append(1), lambda: None))
    journal.done("e", "ok", 2.0)
    journal.close()
    assert (Path(journal.path).stat().st_size < 1000, flushed) == (True, [1])
    assert shown(only_run(journal.path)) == ["heißt\n" * 1000]
    os.truncate(spool, 7 * 10 + 4)  # the node lost its power before the rest was on the disk
    assert shown(only_run(journal.path)) == ["heißt\n" * 10 + "hei"]
    spool.unlink()
    assert shown(only_run(journal.path)) == ["heißt\n"]


def test_a_text_without_characters_is_no_output_that_a_clearing_waits_for(tmp_path):
    journal = Journal(tmp_path / "a.jsonl")
    journal.accepted("a", "cell", "a", 1.0)
    journal.started("a", 1.0)
    for kind, *more in (("error", "v"), ("clear_output", True), ("stream", "stdout", "")):
        note(journal, "a", kind, more)
        journal.flush()
        assert journal.tell()
    journal.done("a", "ok", 2.0)
    journal.close()
    assert [output["output_type"] for output in only_run(journal.path).outputs] == ["error"]


def test_what_it_tells_of_its_session_may_change(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl", {"notebook_path": "/before.ipynb", "pid": 7})
    journal.tell(notebook_path="/before it was written.ipynb")
    journal.accepted("a", "cell", "code", 1.0)
    assert about(journal.path) == {"version": 1, "notebook_path": "/before it was written.ipynb", "pid": 7}
    journal.stream("a", "stdout", "text", 1.0)
    assert journal.tell(notebook_path="/a much longer name, so that all the rest moves.ipynb")
    journal.stream("a", "stdout", " and more", 1.0)
    journal.done("a", "ok", 2.0)
    assert notebook_of(journal.path).startswith("/a much longer name")
    assert (only_run(journal.path).code, shown(only_run(journal.path))) == ("code", ["text and more"])
    journal.saved({"a"})
    assert Path(journal.path).read_bytes().count(b"\n") == 1
    journal.close()


def test_one_that_cannot_be_written_anew_goes_on_as_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.jsonl", {"notebook_path": "/before.ipynb"})
    journal.accepted("a", "cell", "code", 1.0)
    (tmp_path / "a.jsonl.new").mkdir()  # where it would be written
    assert not journal.tell(notebook_path="/after.ipynb")
    journal.done("a", "ok", 2.0)
    assert (notebook_of(journal.path), only_run(journal.path).code) == ("/before.ipynb", "code")
    journal.saved({"a"})
    assert notebook_of(journal.path) == "/before.ipynb"
    journal.close()


OUTPUTS = st.one_of(
    st.tuples(st.just("stream"), st.sampled_from(["stdout", "stderr"]), st.text(max_size=8)),
    st.tuples(st.just("display_data"), st.sampled_from(["d1", "d2", ""]), st.text(max_size=8)),
    st.tuples(st.just("update_display_data"), st.sampled_from(["d1", "d2"]), st.text(max_size=8)),
    st.tuples(st.just("clear_output"), st.booleans()),
    st.tuples(st.just("error"), st.text(max_size=8)),
)


@given(st.lists(st.tuples(st.sampled_from("ab"), OUTPUTS), max_size=30), st.data())
def test_every_prefix_replays_to_something_valid_and_writing_anew_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[str, tuple[Any, ...]]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    plain, compact = Journal(folder / "plain.jsonl"), Journal(folder / "compact.jsonl")
    for journal in (plain, compact):
        for name in "ab":
            journal.accepted(name, f"cell-{name}", name, 1.0)
            journal.started(name, 1.0)
        for name, (kind, *more) in messages:
            note(journal, name, kind, more)
            if journal is compact:
                journal.flush()
                assert journal.tell()
        journal.done("a", "ok", 2.0)
        journal.close()
    assert lost_runs(compact.path) == lost_runs(plain.path)
    whole = Path(plain.path).read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    (folder / "cut.jsonl").write_bytes(whole[:cut])
    runs = lost_runs(folder / "cut.jsonl")
    assert [run.execution_id for run in runs] == ["a", "b"][: len(runs)]
    for run in runs:
        json.dumps(run.outputs).encode()
        if run.started and run.state is None:
            assert "the server ended (killed) while this cell ran" in run.outputs[-1]["text"]


def note(journal: Journal, name: str, kind: str, more: list[Any]) -> None:
    if kind == "stream":
        journal.stream(name, more[0], more[1], 1.0)
    elif kind == "clear_output":
        journal.output(name, kind, {"wait": more[0]}, 1.0)
    elif kind == "error":
        journal.output(name, kind, {"ename": "E", "evalue": more[0], "traceback": []}, 1.0)
    else:
        journal.output(name, kind, display(more[1], more[0] or None), 1.0)


def test_a_journal_is_locked_while_it_is_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl")
    journal.accepted("e", "c", "1", 1.0)
    with Path(journal.path).open("rb") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
        journal.close()
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
