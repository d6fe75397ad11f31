"""Tags of cells that a resume heeds, as nbclient does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node.server import NodeServer

pytestmark = pytest.mark.live


def cell(source: str, *tags: str, outputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    metadata = {"tags": list(tags), "foreign": {"kept": True}} if tags else {}
    return {
        "cell_type": "code",
        "metadata": metadata,
        "source": source,
        "outputs": outputs or [],
        "execution_count": None,
    }


def resumed(
    node: NodeServer, name: str, cells: list[dict[str, Any]], **body: Any
) -> tuple[str, list[dict[str, Any]]]:
    path = node.notebooks / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": cells}))
    answer = node.post("sessions", mode="resume", name=name, notebook_path=str(path), **body)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    return opened["session"]["session_id"], [
        node.execution(execution["execution_id"], wait=60) for execution in opened["executions"]
    ]


def test_a_resume_heeds_the_tags_of_cells(node: NodeServer) -> None:
    old = [{"output_type": "stream", "name": "stdout", "text": "of an earlier run\n"}]
    session, (failed, skipped, after, stopper, last) = resumed(
        node,
        "tags",
        [
            cell("1/0", "raises-exception"),
            cell("1/0", "skip-execution", "other", outputs=old),
            cell("print('goes on')"),
            cell("2/0"),
            cell("print('never')", "raises-exception"),
        ],
        stop_on_error=True,
    )
    assert (failed["state"], failed["tag"]) == ("error", "raises-exception")
    assert "raises-exception" in failed["reason"]
    assert (skipped["state"], skipped["tag"]) == ("not_run", "skip-execution")
    assert (after["state"], after["tag"]) == ("ok", None)
    assert (stopper["state"], stopper["tag"], last["state"]) == ("error", None, "not_run")
    cells = node.cells(session)
    assert cells[0]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert cells[1]["outputs"] == old
    assert cells[1]["execution_count"] is None


def test_a_cell_that_may_fail_need_not(node: NodeServer) -> None:
    _, (fine, after) = resumed(node, "may", [cell("1", "raises-exception"), cell("2")], stop_on_error=True)
    assert (fine["state"], fine["tag"], after["state"]) == ("ok", None, "ok")
