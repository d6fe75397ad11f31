"""Sessions that are given up while they are opened. A real kernel that takes its time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

from tests.commands import until
from tests.node.server import LIMIT, NodeServer, node_server
from tests.slowkernel import SlowKernel, slow_kernel

pytestmark = pytest.mark.live

KEY = "0badcafe"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    folder = tmp_path_factory.mktemp("node")
    with node_server(folder, env={**os.environ, "JUPYTER_PATH": str(folder / "jupyter")}) as server:
        yield server


@pytest.fixture
def kernel(node: NodeServer) -> Iterator[SlowKernel]:
    with slow_kernel(node.log.parent / "jupyter") as kernel:
        yield kernel


def write(node: NodeServer, name: str, kernel: SlowKernel) -> Path:
    node.notebooks.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    notebook.metadata.kernelspec = {"name": kernel.name, "display_name": kernel.name, "language": "python"}
    path = node.notebooks / name
    nbformat.write(notebook, path)
    return path


def kernels(node: NodeServer) -> list[str]:
    return [each["id"] for each in node.kernels()]


def given_up(node: NodeServer, slow: SlowKernel, **body: Any) -> httpx.Response:
    """Ask for a session, give it up while its kernel starts, and return what whoever asked is told."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(node.post, "sessions", session_id=KEY, **body)
        until(slow.begun.exists, "start of the kernel")
        until(lambda: len(kernels(node)) == 1, "kernel in the list")
        assert node.http.delete(f"openings/{KEY}").json() == {"open": False}
        slow.go.touch()
        return asked.result(LIMIT)


def check_gone(node: NodeServer, answer: httpx.Response) -> None:
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == (
        "session_not_found",
        f"session {KEY} was given up while it was opened",
    )
    assert node.get(f"sessions/{KEY}").status_code == 404
    assert kernels(node) == []


def test_nothing_is_left_of_a_new_notebook(node: NodeServer, kernel: SlowKernel) -> None:
    check_gone(node, given_up(node, kernel, name=kernel.name, mode="new", kernel=kernel.name))
    assert not (node.notebooks / f"{kernel.name}.ipynb").exists()
    again = node.new_session(kernel.name, session_id=KEY)  # the id and the name are free
    assert Path(again["notebook_path"]).stem == kernel.name
    node.run(KEY, code="1")
    assert node.http.delete(f"sessions/{KEY}").status_code == 200


def test_a_notebook_that_was_to_be_resumed_stays_as_it_is(node: NodeServer, kernel: SlowKernel) -> None:
    path = write(node, "resumed.ipynb", kernel)
    before = path.read_bytes(), path.stat().st_mtime_ns
    check_gone(node, given_up(node, kernel, name="resumed", mode="resume", notebook_path=path.name))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_the_copy_of_a_notebook_goes_and_the_notebook_stays(node: NodeServer, kernel: SlowKernel) -> None:
    path = write(node, "forked.ipynb", kernel)
    before = path.read_bytes()
    check_gone(node, given_up(node, kernel, name="forked", mode="continue", notebook_path=path.name))
    assert path.read_bytes() == before
    assert not path.with_name("forked_continued.ipynb").exists()


def test_a_persons_kernel_is_left_alone(node: NodeServer, kernel: SlowKernel) -> None:
    path = write(node, "persons.ipynb", kernel)
    body = {
        "path": "notebooks/persons.ipynb",
        "name": path.name,
        "type": "notebook",
        "kernel": {"name": kernel.name},
    }
    opened = node.http.post(node.connection["url"] + "api/sessions", json=body).json()
    assert given_up(node, kernel, name="persons", mode="resume", notebook_path=path.name).status_code == 404
    assert kernels(node) == [opened["kernel"]["id"]]
    resumed = node.post("sessions", name="persons", mode="resume", notebook_path=path.name)
    assert resumed.json()["attached"] is True
    session = resumed.json()["session"]["session_id"]
    assert node.run(session, code="6 * 7")["outputs"][0]["data"]["text/plain"] == "42"
    assert node.http.delete(f"sessions/{session}").status_code == 200


def test_one_that_is_open_by_then_stays_and_its_cells_are_stopped(
    node: NodeServer, kernel: SlowKernel
) -> None:
    begun = kernel.begun.with_name("cell begun")
    path = write(node, "late.ipynb", kernel)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(600)"
    notebook.cells.append(nbformat.v4.new_code_cell("'second'"))
    nbformat.write(notebook, path)
    kernel.go.touch()
    opened = node.post("sessions", name="late", mode="resume", notebook_path=path.name, session_id=KEY).json()
    until(begun.exists, "begin of the cell")
    assert node.http.delete(f"openings/{KEY}").json() == {"open": True}
    states = [node.execution(each["execution_id"], wait=60)["state"] for each in opened["executions"]]
    assert states == ["interrupted", "not_run"]
    assert node.run(KEY, code="'goes on'")["state"] == "ok"
    assert node.http.delete(f"sessions/{KEY}").status_code == 200
