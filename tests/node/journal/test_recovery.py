"""What a killed server had not saved: put into documents, and into the notebooks of a real JupyterLab."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jlab_mcp.node.journal.marks import fingerprint
from jlab_mcp.node.journal.recovery import Recovery, recover
from jlab_mcp.node.journal.replay import LostRun
from jlab_mcp.node.notebook.document import Document
from tests.commands import until
from tests.node.server import LIMIT, NodeServer, node_server


def notebook(*sources: str, minor: int = 5) -> Document:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            **({"id": f"c{number}"} if minor >= 5 else {}),
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    return Document.parse(
        json.dumps({"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": cells})
    )


def text(said: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": said}


def run(cell_id: str, code: str, *outputs: str, **more: Any) -> LostRun:
    given: dict[str, Any] = {
        "execution_id": f"e-{cell_id}",
        "index": None,
        "after": None,
        "was": None,
        "last_at": 1.0,
        "started": True,
        "state": "ok",
        "outputs": [text(output) for output in outputs],
        "execution_count": 7,
        "timing": {"iopub.status.busy": "2026-01-01T00:00:07Z"},
        **more,
    }
    return LostRun(cell_id=cell_id, code=code, **given)


def sources(document: Document) -> list[str]:
    return [cell["source"] for cell in document.cells]


def outputs(document: Document, cell: int | str) -> list[str]:
    return [output["text"] for output in document.cell(cell)["outputs"]]


def recovered_twice(document: Document, *runs: LostRun) -> Recovery:
    """Recover, and see that doing it again changes nothing more."""
    done = recover(document, runs)
    once = document.dump()
    recover(document, runs)
    assert document.dump() == once
    nbformat.validate(nbformat.reads(once, as_version=4))
    return done


def test_cells_that_were_never_saved_come_back_where_they_stood() -> None:
    document = notebook("0", "1")
    done = recovered_twice(
        document,
        run("n1", "between", "a", index=1, after="c0"),
        run("n2", "next", "b", index=2, after="n1"),
        run("n3", "queued", index=9, after="gone", started=False, state=None, execution_count=None),
    )
    assert sources(document) == ["0", "between", "next", "1", "queued"]
    assert (done.put_back, done.restored, done.unrun) == (["n1", "n2", "n3"], ["n1", "n2"], ["n3"])
    assert document.cell("n1")["execution_count"] == 7
    assert document.cell("n1")["metadata"]["execution"] == {"iopub.status.busy": "2026-01-01T00:00:07Z"}


def test_an_edit_that_was_not_saved_comes_back_and_the_last_run_of_a_cell_counts() -> None:
    document = notebook("old")
    was = {"source": fingerprint("old"), "run": [None, None]}
    done = recovered_twice(
        document,
        run("c0", "new", "first", was=was, execution_id="e-first"),
        run("c0", "newer", "second", was=was, execution_id="e-second"),
        run("c0", "newest", was=was, execution_id="e-third", started=False, state=None),
    )
    assert (sources(document), outputs(document, 0)) == (["newest"], ["second"])
    assert (done.restored, done.unrun) == (["c0"], ["c0"])


def test_what_a_person_has_changed_stays_and_what_was_lost_follows_it() -> None:
    document = notebook("by a person", "mine", "next")
    document.set_outputs("c1", [text("run by a person")], 7, {})
    done = recovered_twice(
        document,
        run("c0", "mine too", "lost", was={"source": fingerprint("before"), "run": [None, None]}),
        run("c1", "mine", "lost as well", was={"source": fingerprint("mine"), "run": [3, "earlier"]}),
    )
    assert sources(document) == ["by a person", "mine too", "mine", "mine", "next"]
    assert [outputs(document, cell) for cell in range(4)] == [
        [],
        ["lost"],
        ["run by a person"],
        ["lost as well"],
    ]
    assert done.beside == ["c0", "c1"]
    assert "changed since by somebody else" in (done.words() or "")


def test_outputs_of_an_older_run_and_of_the_same_one_are_replaced() -> None:
    document = notebook("a", "b")
    document.set_outputs("c0", [text("older")], 3, {"iopub.status.busy": "earlier"})
    document.set_outputs("c1", [text("half")], 7, {"iopub.status.busy": "2026-01-01T00:00:07Z"})
    was = {"source": fingerprint("a"), "run": [3, "earlier"]}
    done = recovered_twice(document, run("c0", "a", "whole", was=was), run("c1", "b", "whole"))
    assert (outputs(document, 0), outputs(document, 1)) == (["whole"], ["whole"])
    assert (done.restored, done.beside) == (["c0", "c1"], [])


def test_outputs_that_the_journal_has_not_to_the_end_do_not_replace_those_of_the_file() -> None:
    document = notebook("a", "b")
    document.set_outputs("c0", [text("more")], 7, {"iopub.status.busy": "2026-01-01T00:00:07Z"})
    cut = {"output_type": "stream", "name": "stderr", "text": "cut\n"}
    lost = run("c0", "a", "less", gap=True, state=None)
    lost.outputs.append(cut)
    done = recovered_twice(document, lost, run("c1", "b", "all there is", gap=True))
    assert (outputs(document, 0), outputs(document, 1)) == (["more", "cut\n"], ["all there is"])
    assert (done.partial, done.cut) == (["c0"], ["c0"])


def test_cells_of_a_file_without_ids_are_found_by_source_and_place() -> None:
    document = notebook("same", "other", "same", minor=4)
    was = {"source": fingerprint("same"), "run": [None, None]}
    done = recover(document, [run("cell-of-before", "same", "out", index=2, was=was)])
    assert (len(document), outputs(document, 2), outputs(document, 0)) == (3, ["out"], [])
    assert done.put_back == []


def test_nothing_lost_needs_no_words() -> None:
    assert recover(notebook("1"), []).words() is None


# -- with a real JupyterLab ------------------------------------------------------------------------

CODE = """
import os, sys, time
from IPython.display import display, clear_output
handle = display("shown 0", display_id=True)
print("begun", flush=True)
handle.update("shown 1")
sys.stderr.write("50%|##"); sys.stderr.flush()
while not os.path.exists(GO): time.sleep(0.01)
print("the last words", flush=True)
time.sleep(600)
"""


def kill(server: NodeServer) -> None:
    server.process.kill()
    server.process.wait(LIMIT)
    server.connection_file.unlink()


def journals(server: NodeServer) -> list[Path]:
    return list(server.connection_file.parent.glob("*.journals/*.jsonl"))


def read(server: NodeServer, name: str) -> dict[str, Any]:
    """Read a notebook that is not open."""
    page: dict[str, Any] = server.http.get("notebook", params={"path": name}).json()
    return page


def said(cell: dict[str, Any]) -> str:
    return json.dumps(cell["outputs"])


@pytest.mark.live
def test_what_a_killed_server_had_not_saved_is_shown_and_brought_in_once(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with node_server(tmp_path) as first:
        session = first.new_session("killed")
        path = Path(session["notebook_path"])
        first.run(session["session_id"], code="'saved'")
        first.saved(str(path))
        (journal,) = journals(first)
        until(lambda: journal.read_bytes().count(b"\n") == 1, "the journal to be cut back")
        # From here on nothing reaches the notebook's file: its folder is gone, as when a file system hangs.
        path.parent.rename(tmp_path / "away")
        path.parent.write_text("in the way")
        first.run(session["session_id"], code="print('done and not saved')")
        running = first.begin(session["session_id"], f"GO = {str(go)!r}\n" + CODE)
        queued = first.run(session["session_id"], wait=0, code="print('never')")
        go.touch()
        until(lambda: "last words" in json.dumps(first.execution(running)["outputs"]), "the last words")
        until(lambda: b'"text":"the last words' in journal.read_bytes(), "the journal")
        kill(first)
    path.parent.unlink()
    (tmp_path / "away").rename(path.parent)
    before = path.read_bytes()
    with node_server(tmp_path) as second:
        page = read(second, "killed.ipynb")
        assert path.read_bytes() == before
        assert "the file has not got this yet" in page["notice"]
        assert [said(cell).count("last words") for cell in page["cells"]] == [0, 0, 1, 0]
        opened = second.post("sessions", name="fork", mode="continue", notebook_path="killed.ipynb").json()
        assert opened["executions"] == []
        for told in (
            "taken from the journal of an earlier server",
            "put back, as the file had not got it yet: cells ",
            f"cut short while it ran, and marked so: cell {page['cells'][2]['cell_id']}",
            f"queued and not run: cell {queued['cell_id']}",
        ):
            assert told in opened["recovered"]
        assert not journal.exists()
        again = second.post("sessions", name="fork", mode="continue", notebook_path="killed.ipynb").json()
        assert again["recovered"] is None
        kept = nbformat.read(path, as_version=4)
        nbformat.validate(kept)
        assert [cell.source for cell in kept.cells][:2] == ["'saved'", "print('done and not saved')"]
        assert [cell.execution_count for cell in kept.cells] == [1, 2, 3, None]
        assert kept.cells[1].outputs[0].text == "done and not saved\n"
        cut = kept.cells[2].outputs
        assert [cut[0].data["text/plain"], cut[1].text] == ["'shown 1'", "begun\n"]
        assert cut[2].text.startswith("50%|##")
        assert cut[3].text == "the last words\n"
        assert cut[4].text.startswith(
            "jlab-mcp: the server ended (killed) while this cell ran; the last sign"
        )
        assert kept.cells[3].outputs == []
        assert said(second.cells(opened["session"]["session_id"])[2]).count("last words") == 1
        assert not journals(second) or all(p.stem != session["session_id"] for p in journals(second))


@pytest.mark.live
def test_resume_brings_cells_back_before_it_runs_all_again_and_spooled_text_is_whole(tmp_path: Path) -> None:
    with node_server(tmp_path) as first:
        session = first.new_session("again")
        path = Path(session["notebook_path"])
        execution = first.begin(
            session["session_id"],
            "import time\nprint('begun', flush=True)\nif 'n' in globals(): raise SystemExit\n"
            "n = 1\nprint('x' * 1_500_000)\nprint('end of it', flush=True)\ntime.sleep(600)",
        )
        until(lambda: first.execution(execution)["output_bytes"] > 1_500_016, "all of the text")
        (journal,) = journals(first)
        until(lambda: b"spooled" in journal.read_bytes(), "the journal")
        assert journal.stat().st_size < 1_300_000
        path.write_text(notebook().dump())  # as if the insert had never been saved
        kill(first)
    with node_server(tmp_path) as second:
        shown = said(read(second, "again.ipynb")["cells"][0])
        assert "characters left out; the full text is in" in shown
        assert "end of it" in shown
        code = json.loads(path.read_text())
        assert code["cells"] == []
        opened = second.post("sessions", name="again", mode="resume", notebook_path="again.ipynb").json()
        assert "put back" in opened["recovered"]
        (execution,) = opened["executions"]
        second.execution(execution["execution_id"], wait=1)
        assert [
            cell["source"].startswith("import time") for cell in second.cells(opened["session"]["session_id"])
        ] == [True]
        second.process.send_signal(signal.SIGTERM)
        second.process.wait(LIMIT)


@pytest.mark.live
def test_it_is_found_by_the_name_that_a_person_gave_the_notebook_meanwhile(tmp_path: Path) -> None:
    with node_server(tmp_path) as first:
        session = first.new_session("before")
        path = Path(session["notebook_path"])
        first.begin(session["session_id"], "import time\nprint('begun', flush=True)\ntime.sleep(600)")
        first.saved(str(path))
        contents = f"{first.connection['url']}api/contents/"
        renamed = first.http.patch(
            f"{contents}notebooks/before.ipynb", json={"path": "notebooks/after.ipynb"}
        )
        assert renamed.status_code == 200, renamed.text
        (journal,) = journals(first)
        until(lambda: b'"text":"begun' in journal.read_bytes(), "the journal")
        kill(first)
    assert not path.exists()
    path.with_name("after.ipynb").write_text(notebook().dump())  # as if the insert had never been saved
    with node_server(tmp_path) as second:
        page = read(second, "after.ipynb")
        assert "the file has not got this yet" in page["notice"]
        assert "begun" in said(page["cells"][0])


@pytest.mark.live
def test_the_journal_of_a_server_that_lives_is_left_alone_and_old_ones_go(tmp_path: Path) -> None:
    folder = tmp_path / "connections" / "test.journals"
    folder.mkdir(parents=True)
    path = tmp_path / "project" / "notebooks" / "held.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(notebook("1").dump())
    lines = [
        {"event": "session", "notebook_path": str(path)},
        {"event": "accepted", "execution_id": "e1", "cell_id": "c9", "code": "2", "at": 1.0},
    ]
    held, old = folder / "held.jsonl", folder / "old.jsonl"
    for each in (held, old):
        each.write_text("".join(json.dumps(line) + "\n" for line in lines))
    os.utime(old, (time.time() - 31 * 86400,) * 2)
    with held.open("rb") as file, node_server(tmp_path) as server:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert not old.exists()
        page = read(server, "held.ipynb")
        assert (page["total"], page["notice"]) == (1, None)
        fcntl.flock(file, fcntl.LOCK_UN)
        assert read(server, "held.ipynb")["total"] == 2
