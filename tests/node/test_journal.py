from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.node.journal import Journal, JournalEntry, read


def test_an_execution_is_read_back_as_it_was_noted(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "session.jsonl"
    journal = Journal(path)
    assert not path.parent.exists()
    assert journal.accepted("e1", "c1", "print('é\n')", 1.5)
    assert journal.started("e1", 2.0)
    assert journal.done("e1", "ok", 3.0)
    journal.close()
    assert read(path) == [
        JournalEntry("accepted", "e1", 1.5, cell_id="c1", code="print('é\n')"),
        JournalEntry("started", "e1", 2.0),
        JournalEntry("done", "e1", 3.0, state="ok"),
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
    assert again.done("later", "ok", 9.0)
    again.close()
    entries = read(path)
    assert entries[-1] == JournalEntry("done", "later", 9.0, state="ok")
    lines = torn.split(b"\n")
    complete = len(lines) - 1 + (lines[-1] == whole.split(b"\n")[len(lines) - 1] and lines[-1] != b"")
    assert [entry.execution_id for entry in entries[:-1]] == [f"e{number}" for number in range(complete)]


def test_foreign_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(
        b'[1]\n\xff\xfe\n{"event":"done"}\n{"event":"started","execution_id":"e","at":1}\nnull\n'
    )
    assert read(path) == [JournalEntry("started", "e", 1.0)]


def test_a_line_that_cannot_be_written_is_told_and_does_not_raise(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "session.jsonl")
    assert not journal.started("e", 1.0)
    assert isinstance(journal.last_error, OSError)
    journal.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_and_does_not_raise() -> None:
    journal = Journal("/dev/full")
    assert not journal.accepted("e", "c", "1", 1.0)
    assert journal.last_error is not None
    assert journal.last_error.errno == errno.ENOSPC
    journal.close()


def test_a_lone_surrogate_in_the_code_is_no_failure(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "session.jsonl")
    assert journal.accepted("e", "c", "'\ud800'", 1.0)
    journal.close()
    assert read(journal.path)[0].code == "'\ud800'"
