"""Running code, as the tools do it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from jlab_mcp.app import execution, notebooks
from jlab_mcp.app.connect import close_clients
from jlab_mcp.client import NodeClient
from jlab_mcp.client.models import ExecutionState
from jlab_mcp.errors import ExecutionNotFound, ServerUnreachable
from tests.conftest import Project


def _write(path: Path, *cells: str) -> None:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)


@pytest.mark.live
async def test_who_gives_up_a_re_run_stops_the_cells_that_wait_too(live_project: Project) -> None:
    begun = live_project.folder / "re-run begun"
    path = live_project.notebooks / "given_up.ipynb"
    first = f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(600)"
    _write(path, first, "'second'", "'third'")

    async def yes() -> bool:
        return True

    async def rerun() -> None:
        async for _ended in execution.follow_all(server, opened.executions, execution.Patience(stop=yes)):
            pytest.fail("no cell ends by itself")

    server = await live_project.connect()
    try:
        opened = await notebooks.open_session(server, "given up", "resume", notebook_path=str(path))
        running = asyncio.create_task(rerun())
        await asyncio.sleep(0)  # a task that is cancelled before its first step does nothing
        async with asyncio.timeout(60):
            while not begun.exists():
                await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.wait([running])
        calm = execution.Patience()
        states = [
            (await execution.attach(server, each.execution_id, calm)).state for each in opened.executions
        ]
    finally:
        await close_clients()
    assert states == [ExecutionState.INTERRUPTED, ExecutionState.NOT_RUN, ExecutionState.NOT_RUN]


@pytest.mark.live
async def test_who_gets_no_answer_is_told_the_executions_id(live_project: Project) -> None:
    server = await live_project.connect()
    nobody = server.connection.model_copy(update={"url": "http://127.0.0.1:9/"})
    try:
        with pytest.raises(ServerUnreachable) as lost:
            await execution.run_code(
                replace(server, client=NodeClient(nobody)), "s", "1", execution.Patience()
            )
        with pytest.raises(ExecutionNotFound):  # it was never sent
            await execution.attach(server, str(lost.value.details["execution_id"]), execution.Patience())
    finally:
        await close_clients()


@pytest.mark.live
async def test_a_re_run_that_shall_stop_at_an_error_yields_every_cell(live_project: Project) -> None:
    path = live_project.notebooks / "stops_at_error.ipynb"
    _write(path, "1", "1 / 0", "2", "3")
    server = await live_project.connect()
    try:
        opened = await notebooks.open_session(
            server, "stops", "resume", notebook_path=str(path), stop_on_error=True
        )
        calm = execution.Patience()
        ended = [each async for each in execution.follow_all(server, opened.executions, calm)]
    finally:
        await close_clients()
    not_run = [ExecutionState.NOT_RUN] * 2
    assert [each.state for each in ended] == [ExecutionState.OK, ExecutionState.ERROR, *not_run]
