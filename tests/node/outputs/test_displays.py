"""Displays that later cells change, through a real kernel."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from tests.node.server import NodeServer

pytestmark = pytest.mark.live


def plain(output: dict[str, Any]) -> str:
    return str(output["data"]["text/plain"])


def test_a_display_is_found_however_many_cells_ran_since(node: NodeServer) -> None:
    session = node.new_session("long ago")["session_id"]
    node.run(
        session,
        code="from IPython.display import display\nprint('text')\nh = display('first', display_id=True)",
    )
    for _ in range(203):
        node.run(session, code="1")
    node.run(session, code="h.update('second')")
    first = node.cells(session)[0]["outputs"]
    assert first[0]["text"] == "text\n"
    assert plain(first[1]) == "'second'"
    node.run(session, cell=0, source="print('run again')")
    node.run(session, code="h.update('third')")
    assert [each.get("text") for each in node.cells(session)[0]["outputs"]] == ["run again\n"]
    node.http.delete(f"sessions/{session}")


def test_a_cell_that_was_run_again_keeps_its_new_outputs(node: NodeServer) -> None:
    session = node.new_session("again")["session_id"]
    late = "def late():\n    go.wait()\n    h.update('late')\n    print('late')"
    node.run(
        session, code=f"import threading\nfrom IPython.display import display\ngo = threading.Event()\n{late}"
    )
    node.run(session, code="h = display('first', display_id=True); threading.Thread(target=late).start()")
    node.run(session, cell=1, source="print('new')")
    node.run(session, code="go.set()")
    node.run(session, code="h.update('late')")
    assert [each.get("text") for each in node.cells(session)[1]["outputs"]] == ["new\n"]
    node.http.delete(f"sessions/{session}")


@pytest.mark.parametrize("minor", range(6))
def test_a_notebook_of_any_minor_format_stays_one(node: NodeServer, minor: int) -> None:
    path = node.notebooks / f"minor {minor}.ipynb"
    ids = [{"id": f"cell-{number}"} if minor >= 5 else {} for number in range(3)]
    code: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": ["mine"]},
        "outputs": [],
    }
    picture = {"attachments": {"a.png": {"image/png": "iVBOR"}}} if minor >= 1 else {}
    cells = [
        {**code, "source": ["1+1"], **ids[0]},
        {
            "cell_type": "markdown",
            "metadata": {"foreign": {"x": [1]}},
            "source": ["text"],
            **picture,
            **ids[1],
        },
        {**code, "source": ["2+2"], **ids[2]},
    ]
    metadata = {
        "foreign": {"kept": [1, None]},
        "kernelspec": {"name": "python3", "display_name": "x", "language": "python"},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": cells})
    )
    opened = node.post("sessions", mode="resume", name="minor", notebook_path=str(path)).json()
    session = opened["session"]["session_id"]
    for execution in opened["executions"]:
        assert node.execution(execution["execution_id"], wait=60)["state"] == "ok"
    node.post(f"sessions/{session}/cells", op="insert", index=1, cell_type="code", source="3+3")
    node.post(f"sessions/{session}/cells", op="edit", cell=0, source="4+4")
    saved = node.saved(str(path))
    saved["cells"].append(
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": ["of a person"],
            **({"id": "person"} if minor >= 5 else {}),
        }
    )
    path.write_text(json.dumps(saved))  # as JupyterLab does beside us
    node.run(session, code="5+5")
    after = node.saved(str(path))
    nbformat.validate(nbformat.from_dict(after))
    assert (after["nbformat"], after["nbformat_minor"]) == (4, minor)
    assert ["".join(cell["source"]) for cell in after["cells"]] == [
        "4+4",
        "3+3",
        "text",
        "2+2",
        "of a person",
        "5+5",
    ]
    assert all(("id" in cell) == (minor >= 5) for cell in after["cells"])
    assert after["metadata"]["foreign"] == metadata["foreign"]
    assert after["cells"][2]["metadata"] == {"foreign": {"x": [1]}}
    assert after["cells"][2].get("attachments") == picture.get("attachments")
    assert after["cells"][0]["metadata"]["tags"] == ["mine"]
    node.http.delete(f"sessions/{session}")
