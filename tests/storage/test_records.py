"""What a node leaves beside its connection file, as the front finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.core.record import ServerPaths, server_paths
from jlab_mcp.node.ending.note import write_end_note
from jlab_mcp.node.ownfiles import beside, write_private
from jlab_mcp.storage.records import read_end_note, remove_record

ID = "0123456789abcdef"


@pytest.fixture
def paths(tmp_path: Path) -> ServerPaths:
    return server_paths("k-local-0", connection_dir=tmp_path / "connections", log_dir=tmp_path)


def test_the_note_of_a_servers_end_is_read_as_the_node_wrote_it(paths: ServerPaths) -> None:
    assert read_end_note(paths, ID) is None
    session = {"session_id": "ab12cd34", "notebook_path": "/n/x.ipynb", "running": "e1", "saved": True}
    file = str(paths.connection_file)
    write_end_note(file, ID, "77", "signal", signal="SIGTERM", sessions=[session])
    note = read_end_note(paths, ID)
    assert note
    assert (note.cause, note.signal, note.job_id, note.exit_code) == ("signal", "SIGTERM", "77", None)
    assert [each.model_dump(mode="json") for each in note.sessions] == [session]
    assert read_end_note(paths, "f" * 16) is None
    write_end_note(file, ID, None, "crash", exit_code=4, message="no free port")
    crashed = read_end_note(paths, ID)
    assert crashed
    assert (crashed.cause, crashed.exit_code, crashed.message) == ("crash", 4, "no free port")


@pytest.mark.parametrize("text", ["", "{", '{"server_id": "0123456789abcdef", "at": 1, "cause": "magic"}'])
def test_a_broken_note_is_none(paths: ServerPaths, text: str) -> None:
    paths.end_file.parent.mkdir()
    paths.end_file.write_text(text)
    assert read_end_note(paths, ID) is None


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_removed_with_a_record_is_all_but_the_sessions_where_they_are_kept(
    paths: ServerPaths, keep: bool
) -> None:
    file = str(paths.connection_file)
    for kind in ("connection.json", "record.json", "sessions.json"):
        write_private(beside(file, kind), {})
    write_end_note(file, ID, None, "idle")
    remove_record(paths, keep_sessions=keep)
    assert list(paths.connection_file.parent.iterdir()) == ([paths.sessions_file] if keep else [])
