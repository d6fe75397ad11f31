"""Sessions, cells and bad input of the node API, against a real JupyterLab."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.node.server import NodeServer, node_server

pytestmark = pytest.mark.live


def fault(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def write_notebook(node: NodeServer, name: str, *sources: str, kernel: str = "python3") -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    node.notebooks.mkdir(exist_ok=True)
    path = node.notebooks / name
    nbformat.write(notebook, path)
    return path


def test_resume_runs_all_cells_in_order_and_goes_on_past_a_failing_one(node: NodeServer) -> None:
    path = write_notebook(node, "resumed.ipynb", "x = 1", "1/0", "x + 1")
    answer = node.post("sessions", name="resumed", mode="resume", notebook_path=str(path)).json()
    assert [e["cell_index"] for e in answer["executions"]] == [0, 1, 2]
    states = [node.execution(e["execution_id"], wait=60)["state"] for e in answer["executions"]]
    assert states == ["ok", "error", "ok"]
    assert answer["session"]["notebook_path"] == str(path)
    again = node.post("sessions", name="resumed", mode="resume", notebook_path="resumed").json()
    assert again["already_open"] is True
    assert again["session"]["session_id"] == answer["session"]["session_id"]
    assert again["executions"] == []


def test_resume_that_stops_on_an_error_runs_nothing_after_it(node: NodeServer, tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    path = write_notebook(node, "stops.ipynb", "x = 1", "1/0", f"open({str(flag)!r}, 'w')", "2")
    body = {"name": "stops", "mode": "resume", "notebook_path": str(path), "stop_on_error": True}
    answer = node.http.post("sessions", json=body).json()
    ended = [node.execution(e["execution_id"], wait=60) for e in answer["executions"]]
    assert [e["state"] for e in ended] == ["ok", "error", "not_run", "not_run"]
    assert "before it failed" in ended[2]["reason"]
    assert not flag.exists()
    assert node.run(answer["session"]["session_id"], code="x")["state"] == "ok"


def test_continue_forks_the_notebook_and_runs_nothing(node: NodeServer) -> None:
    path = write_notebook(node, "origin.ipynb", "x = 1")
    before = path.read_bytes()
    answer = node.post("sessions", name="origin", mode="continue", notebook_path="origin.ipynb").json()
    session = answer["session"]
    assert Path(session["notebook_path"]).name == "origin_continued.ipynb"
    assert node.run(session["session_id"], code="x")["error"]["ename"] == "NameError"
    assert [c["source"] for c in node.cells(session["session_id"])] == ["x = 1", "x"]
    assert path.read_bytes() == before


def test_a_repeated_open_gives_one_session(node: NodeServer) -> None:
    first = node.post("sessions", name="twice", mode="new", session_id="abcd1234").json()
    second = node.post("sessions", name="twice", mode="new", session_id="abcd1234").json()
    assert first["session"]["notebook_path"] == second["session"]["notebook_path"]
    assert not (node.notebooks / "twice_2.ipynb").exists()


def test_cells_are_inserted_edited_moved_and_deleted_by_index_and_id(node: NodeServer) -> None:
    session = node.new_session("cells")["session_id"]

    def edit(**body):
        answer = node.post(f"sessions/{session}/cells", **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    edit(op="insert", cell_type="markdown", source="# title")
    code = edit(op="insert", cell_type="code", source="1")
    first = edit(op="insert", cell_type="code", source="0", index=0)
    assert first["cell_index"] == 0
    edit(op="edit", cell=-1, source="2")
    edit(op="move", cell=code["cell_id"], index=0)
    assert [c["source"] for c in node.cells(session)] == ["2", "0", "# title"]
    edit(op="delete", cell=first["cell_id"])
    assert [c["source"] for c in node.cells(session)] == ["2", "# title"]
    run = node.run(session, cell="0", source="3 * 3")
    assert run["outputs"][0]["data"]["text/plain"] == "9"
    markdown = node.run(session, cell=-1, source="# new title")
    assert (markdown["state"], markdown["cell_type"], markdown["outputs"]) == ("ok", "markdown", [])
    assert [c["source"] for c in node.cells(session)] == ["3 * 3", "# new title"]


def test_a_persons_edit_on_disk_is_merged_not_overwritten(node: NodeServer) -> None:
    session = node.new_session("merged")
    node.run(session["session_id"], code="a = 1")
    path = Path(session["notebook_path"])
    notebook = node.saved(str(path))
    notebook["cells"].append(
        {"cell_type": "markdown", "id": "person01", "metadata": {}, "source": ["a person wrote this"]}
    )
    path.write_text(json.dumps(notebook))
    execution = node.run(session["session_id"], code="b = 2")
    assert "changed on disk" in execution["notice"]
    sources = [c["source"] for c in node.cells(session["session_id"])]
    assert sources == ["a = 1", "a person wrote this", "b = 2"]
    nbformat.validate(nbformat.from_dict(node.saved(str(path))))


def test_shutdown_ends_the_kernel_process_and_keeps_the_notebook(node: NodeServer) -> None:
    session = node.new_session("ended")
    node.run(session["session_id"], code="'kept'")
    pid = node.get("sessions/" + session["session_id"]).json()["kernel_pid"]
    assert node.http.delete("sessions/" + session["session_id"]).status_code == 200
    assert not Path(f"/proc/{pid}").exists()
    assert "kept" in Path(session["notebook_path"]).read_text()
    assert fault(node.get("sessions/" + session["session_id"])) == (404, "session_not_found")
    listed = node.http.get(node.connection["url"] + "api/sessions").json()
    assert all(s["path"] != "notebooks/ended.ipynb" for s in listed)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "../../out", "mode": "new"}, (403, "path_outside_root")),
        ({"name": "", "mode": "new"}, (400, "bad_request")),
        ({"name": "..", "mode": "new"}, (400, "bad_request")),
        ({"name": "x" * 300, "mode": "new"}, (400, "bad_request")),
        ({"name": "n", "mode": "odd"}, (400, "bad_request")),
        ({"name": "n", "mode": "new", "kernel": "cobol"}, (422, "kernel_unknown")),
        ({"name": "n", "mode": "resume", "notebook_path": "nowhere.ipynb"}, (404, "notebook_not_found")),
        ({"name": "n", "mode": "resume", "notebook_path": "/etc/passwd"}, (403, "path_outside_root")),
        ({"name": "n", "mode": "continue", "notebook_path": "text.ipynb"}, (422, "not_a_notebook")),
        ({"name": "n", "mode": "resume", "notebook_path": "cobol.ipynb"}, (422, "kernel_unknown")),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(
    node: NodeServer, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    write_notebook(node, "cobol.ipynb", "DISPLAY 1", kernel="cobol")
    (node.notebooks / "text.ipynb").write_text("no notebook")
    files = {p: p.read_bytes() for p in node.notebooks.rglob("*") if p.is_file()}
    kernels = len(node.kernels())
    assert fault(node.http.post("sessions", json=body)) == expected
    assert {p: p.read_bytes() for p in node.notebooks.rglob("*") if p.is_file()} == files
    assert len(node.kernels()) == kernels


def test_unknown_cells_sessions_and_executions_are_named(node: NodeServer) -> None:
    session = node.new_session("unknown")["session_id"]
    url = f"sessions/{session}/executions"
    assert fault(node.post(url, execution_id="abcdef", cell=7)) == (404, "cell_not_found")
    assert fault(node.post(url, execution_id="abcdef", cell="none")) == (404, "cell_not_found")
    assert fault(node.post(url, execution_id="abcdef")) == (400, "bad_request")
    assert fault(node.post(url, execution_id="../x", code="1")) == (400, "bad_request")
    assert fault(node.post("sessions/nobody/executions", execution_id="abcdef", code="1")) == (
        404,
        "session_not_found",
    )
    assert fault(node.get("executions/nothing")) == (404, "execution_not_found")
    assert node.cells(session) == []


def test_a_symbolic_link_out_of_the_root_is_refused(node: NodeServer, tmp_path: Path) -> None:
    node.notebooks.mkdir(exist_ok=True)
    (node.notebooks / "door").symlink_to(tmp_path)
    try:
        assert fault(node.post("sessions", name="door/x", mode="new")) == (403, "path_outside_root")
    finally:
        (node.notebooks / "door").unlink()


def test_an_idle_kernel_needs_no_interrupt(node: NodeServer) -> None:
    session = node.new_session("idle")["session_id"]
    assert node.post(f"sessions/{session}/interrupt").json()["interrupted"] is False


def test_continue_takes_what_an_open_notebook_has_not_saved_yet(node: NodeServer) -> None:
    session = node.new_session("unsaved")
    node.run(session["session_id"], code="'just now'")
    fork = node.post("sessions", name="unsaved", mode="continue", notebook_path="unsaved.ipynb").json()[
        "session"
    ]
    assert [c["source"] for c in node.cells(fork["session_id"])] == ["'just now'"]


def test_a_file_that_somebody_broke_is_not_overwritten_and_code_still_runs(node: NodeServer) -> None:
    session = node.new_session("broken")
    path = Path(session["notebook_path"])
    node.run(session["session_id"], code="a = 1")
    node.saved(str(path))
    path.write_text("{ half a note")
    assert node.run(session["session_id"], code="a")["outputs"][0]["data"]["text/plain"] == "1"
    told = node.run(session["session_id"], code="a")
    assert "is not saved" in told["notice"]
    assert path.read_text() == "{ half a note"
    path.unlink()
    assert [c["source"] for c in node.cells(session["session_id"])] == ["a = 1", "a", "a"]
    nbformat.validate(nbformat.from_dict(node.saved_again(path)))


def test_scratch_that_is_cancelled_while_its_kernel_starts_is_not_run(
    node: NodeServer, tmp_path: Path
) -> None:
    flag = tmp_path / "ran"
    execution_id = os.urandom(8).hex()
    node.post("scratch", execution_id=execution_id, code=f"open({str(flag)!r}, 'w')")
    state = node.post(f"executions/{execution_id}/interrupt").json()["state"]
    assert state == "not_run"
    deadline = time.monotonic() + 60
    while any(k["execution_state"] == "starting" for k in node.kernels()):
        assert time.monotonic() < deadline
    assert not flag.exists()


def test_requests_without_the_token_get_nothing(node: NodeServer) -> None:
    node.http.cookies.clear()  # an answer to the right token also logs a browser in
    for path in ("info", "sessions", "resources", "executions/x", "notebook?path=x"):
        assert node.http.get(path, headers={"Authorization": "token wrong"}).status_code == 401


def test_an_empty_kernel_folder_leaves_no_notebook_when_the_kernel_cannot_start(tmp_path: Path) -> None:
    specs = tmp_path / "data" / "kernels" / "broken"
    specs.mkdir(parents=True)
    spec = {"argv": ["/nowhere/python", "{connection_file}"], "display_name": "Broken", "language": "python"}
    (specs / "kernel.json").write_text(json.dumps(spec))
    silent = {"argv": ["/bin/false"], "display_name": "Silent", "language": "python"}
    (tmp_path / "data" / "kernels" / "silent").mkdir()
    (tmp_path / "data" / "kernels" / "silent" / "kernel.json").write_text(json.dumps(silent))
    with node_server(tmp_path / "s", env={**os.environ, "JUPYTER_PATH": str(tmp_path / "data")}) as server:
        for kernel in ("broken", "silent"):
            answer = server.post("sessions", name="none", mode="new", kernel=kernel)
            assert fault(answer) == (500, "kernel_start_failed")
            assert list(server.notebooks.glob("*.ipynb")) == []
            assert server.kernels() == []


def test_a_stop_saves_everything_and_removes_the_connection_file(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        session = server.new_session("stopped")
        server.run(session["session_id"], code="'the last word'")
        running = server.run(
            session["session_id"], wait=0, code="print('begun', flush=True)\nimport time; time.sleep(600)"
        )
        while not server.execution(running["execution_id"], after=1, wait=5)["outputs"]:
            pass
        pid = server.get("sessions/" + session["session_id"]).json()["kernel_pid"]
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert not server.connection_file.exists()
        assert not Path(f"/proc/{pid}").exists()
        notebook = json.loads(Path(session["notebook_path"]).read_text())
        assert "the last word" in json.dumps(notebook["cells"][0])
        assert "begun" in json.dumps(notebook["cells"][1])


def test_a_taken_port_means_another_and_none_free_is_said(tmp_path: Path) -> None:
    ports = (18950, 18951)
    with node_server(tmp_path / "one", ports=ports) as one, node_server(tmp_path / "two", ports=ports) as two:
        assert {one.connection["port"], two.connection["port"]} == set(ports)
        said = pytest.raises(AssertionError, match="no free port from 18950 to 18951")
        with said, node_server(tmp_path / "three", ports=ports):
            pass


def test_a_folder_with_spaces_quotes_and_other_letters_works(tmp_path: Path) -> None:
    folder = tmp_path / "mein Ördner 'with\" 空"
    folder.mkdir()
    with node_server(folder) as server:
        session = server.new_session("naïve name 数")
        assert server.run(session["session_id"], code="1 + 1")["outputs"][0]["data"]["text/plain"] == "2"
        assert Path(session["notebook_path"]).name == "naïve name 数.ipynb"


def test_a_removed_notebook_folder_does_not_disturb_the_answer_and_is_said(tmp_path: Path) -> None:
    with node_server(tmp_path) as server:
        session = server.new_session("gone/folder")
        shutil.rmtree(server.notebooks / "gone")
        assert server.run(session["session_id"], code="1 + 1")["state"] == "ok"


def test_a_connection_file_that_cannot_be_written_ends_the_server_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "connections").write_text("a file where a folder should be")
    said = pytest.raises(AssertionError, match=r"connection file .* cannot be written")
    with said, node_server(tmp_path):
        pass


def test_the_runtime_folder_goes_with_the_server_and_that_of_a_killed_one_with_the_next(
    tmp_path: Path,
) -> None:
    with node_server(tmp_path / "killed") as server:
        session = server.new_session("sockets")
        code = "import ipykernel.connect as c; c.get_connection_file()"
        killed = Path(
            server.run(session["session_id"], code=code)["outputs"][0]["data"]["text/plain"].strip("'")
        ).parent
        assert killed.stat().st_mode & 0o777 == 0o700
        server.process.kill()
        server.process.wait(30)
    assert killed.exists()
    with node_server(tmp_path / "next"):
        assert not killed.exists()


def test_an_address_of_another_machine_is_said(tmp_path: Path) -> None:
    said = pytest.raises(AssertionError, match=r"nothing can listen on 192\.0\.2\.1")
    with said, node_server(tmp_path, ip="192.0.2.1"):
        pass


def test_resources_know_the_machine_from_the_first_call_on(node: NodeServer) -> None:
    session = node.new_session("resources")
    resources = node.get("resources").json()
    assert resources["cpus"]["count"] == os.cpu_count()
    assert 0 <= resources["cpus"]["percent"] <= 100
    assert resources["memory"]["total"] > resources["memory"]["available"] > 0
    rss = {kernel["session_id"]: kernel["rss"] for kernel in resources["kernels"]}
    assert rss[session["session_id"]] > 1_000_000
