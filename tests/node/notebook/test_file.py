"""What becomes of notebooks that cannot be saved: nothing is lost in silence."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from tests.node.server import NodeServer, node_server

pytestmark = pytest.mark.live


@contextmanager
def files_no_longer_than(server: NodeServer, size: int) -> Iterator[None]:
    """Make the server's writes fail as on a full disk, by a limit of the system on its files."""
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)


def outputs_of(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return json.dumps(notebook.cells)


def test_a_session_whose_notebook_fits_nowhere_stays_open_until_it_does(node: NodeServer) -> None:
    session = node.new_session("full")
    path, url = Path(session["notebook_path"]), "sessions/" + session["session_id"]
    node.run(session["session_id"], code="'small'")
    before = node.saved(str(path))
    with files_no_longer_than(node, 20_000):
        assert node.run(session["session_id"], code="print('long ' * 20_000)")["state"] == "ok"
        refused = node.http.delete(url)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "notebook_unwritable")
        assert "no copy could be written" in refused.json()["error"]["message"]
        assert "could not be saved" in node.get(url).json()["save_error"]
        assert json.loads(path.read_text()) == before
        assert node.run(session["session_id"], code="1 + 1")["state"] == "ok"
    assert node.http.delete(url).json()["rescued"] is None
    assert "long long" in outputs_of(path)
    assert list(path.parent.glob("*full_rescued*")) == []


def test_a_notebook_that_somebody_broke_is_left_alone_and_a_copy_is_kept(node: NodeServer) -> None:
    session = node.new_session("smashed")
    path = Path(session["notebook_path"])
    node.run(session["session_id"], code="'kept'")
    node.saved(str(path))
    path.write_text("{ broken")
    node.run(session["session_id"], code="'kept too'")
    answer = node.http.delete("sessions/" + session["session_id"]).json()
    assert path.read_text() == "{ broken"
    assert Path(answer["rescued"]) == path.with_name("smashed_rescued.ipynb")
    assert "kept too" in outputs_of(Path(answer["rescued"]))


def test_a_stop_keeps_a_copy_of_what_cannot_be_saved_and_no_journal_of_what_can(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        sound, broken = server.new_session("sound"), server.new_session("broken")
        server.run(sound["session_id"], code="'fine'")
        server.run(broken["session_id"], code="'rescued'")
        server.saved(broken["notebook_path"])
        Path(broken["notebook_path"]).write_text("")
        server.run(broken["session_id"], code="'to the end'")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert "fine" in outputs_of(Path(sound["notebook_path"]))
        assert "to the end" in outputs_of(server.notebooks / "broken_rescued.ipynb")
        assert "broken_rescued.ipynb" in server.log.read_text()
        journals = [path.stem for path in server.connection_file.parent.glob("*.journals/*")]
        assert journals == [broken["session_id"]]


def test_a_new_notebook_that_cannot_be_written_leaves_no_stub(node: NodeServer) -> None:
    with files_no_longer_than(node, 10):
        refused = node.post("sessions", name="stub", mode="new")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "notebook_unwritable")
    assert list(node.notebooks.glob("stub*")) == []


def test_a_file_where_a_folder_should_be_is_said_and_hangs_nothing(node: NodeServer) -> None:
    node.notebooks.mkdir(exist_ok=True)
    (node.notebooks / "plain").write_text("a file")
    refused = node.post("sessions", name="plain/x", mode="new")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "notebook_unwritable")
    session = node.new_session("turned/x")
    node.run(session["session_id"], code="'kept'")
    node.saved(session["notebook_path"])
    shutil.rmtree(node.notebooks / "turned")
    (node.notebooks / "turned").write_text("a file")
    node.run(session["session_id"], code="'kept too'")
    rescued = node.http.delete("sessions/" + session["session_id"]).json()["rescued"]
    assert "kept too" in outputs_of(Path(rescued))
    (node.notebooks / "turned").unlink()


def test_a_runtime_folder_that_was_cleared_away_is_made_again(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        first = server.new_session("before")["session_id"]
        code = "import ipykernel.connect as c; c.get_connection_file()"
        shown = server.run(first, code=code)["outputs"][0]["data"]["text/plain"]
        shutil.rmtree(Path(shown.strip("'")).parent)
        second = server.new_session("after")["session_id"]
        assert server.run(second, code="1 + 1")["state"] == "ok"
        assert server.post(f"sessions/{first}/restart").status_code == 200
        assert server.run(first, code="1 + 1")["state"] == "ok"
        scratch = server.post("scratch", execution_id=os.urandom(8).hex(), code="1", wait=60).json()
        assert scratch["state"] == "ok"


def test_long_output_is_not_written_through_a_link_that_was_laid_in_its_place(
    node: NodeServer, tmp_path: Path
) -> None:
    session = node.new_session("laid-link")
    long = "print('x' * 1_200_000)"
    ran = node.run(session["session_id"], code=long)
    file = next(Path(session["notebook_path"].replace(".ipynb", "_outputs")).iterdir())
    mine = tmp_path / "mine"
    mine.write_text("untouched")
    file.unlink()
    file.symlink_to(mine)
    again = node.run(session["session_id"], cell=ran["cell_id"])
    assert (again["state"], mine.read_text()) == ("ok", "untouched")
    assert (file.is_symlink(), file.stat().st_size) == (False, 1_200_001)
