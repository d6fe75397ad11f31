"""A real service, and a network that loses its answers."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest

from jlab_mcp.app.connect import close_clients
from jlab_mcp.client.models import ExecutionState
from jlab_mcp.errors import SessionNotFound
from tests.conftest import Project
from tests.network import network

_Answer = TypeVar("_Answer")
_ENDLESS = "import time\nwhile True: time.sleep(0.01)"


@pytest.mark.live
async def test_an_answer_that_is_lost_makes_nothing_happen_twice(
    live_project: Project, tmp_path: Path
) -> None:
    """Each request of a real service whose answer never arrives, as it is sent again."""
    async with network(live_project, tmp_path / "files") as (way, project):
        client = (await project.connect()).client

        async def lost(call: Awaitable[_Answer]) -> _Answer:
            await client.info()  # so that the connection stands
            way.swallow_answer()
            answer = await call
            assert way.swallowed.is_set()
            return answer

        try:
            opened = await lost(client.open_session("lost", "new", session_id="1057a115"))
            path = opened.session.notebook_path
            assert (opened.already_open, path.name) == (False, "lost.ipynb")
            count = "n = globals().get('n', 0) + 1; n"
            ran = await lost(client.execute("1057a115", "10570001", code=count, wait=30))
            assert ran.outputs[0]["data"]["text/plain"] == "1"
            again = client.execute("1057a115", "10570002", cell=0, source=f"0; {count}", wait=30)
            assert (await lost(again)).outputs[0]["data"]["text/plain"] == "2"
            made = await lost(client.insert_cell("1057a115", "markdown", "once"))
            assert (made.cell_index, made.total) == (1, 2)
            await client.insert_cell("1057a115", "markdown", "three")
            assert (await lost(client.move_cell("1057a115", -1, 0))).cell_index == 0
            assert (await lost(client.edit_cell("1057a115", -1, "edited"))).cell_id == made.cell_id
            assert (await lost(client.delete_cell("1057a115", 0))).total == 2
            page = await client.cells("1057a115", start=0, limit=9)
            assert [cell.source for cell in page.cells] == [f"0; {count}", "edited"]
            assert (await lost(client.restart("1057a115"))).generation == 2
            flag = tmp_path / "scratch"
            code = f"print(open({str(flag)!r}, 'x').name)"
            assert (await lost(client.scratch("10570003", code, wait=60))).error is None
            await client.execute("1057a115", "10570004", code=_ENDLESS, wait=0)
            await client.execute("1057a115", "10570005", code=_ENDLESS, wait=0)
            stopped = await lost(client.interrupt_execution("10570004"))
            assert stopped.state is ExecutionState.INTERRUPTED
            assert (await lost(client.interrupt("1057a115"))).interrupted
            assert (await client.session("1057a115")).generation == 2
            closed = await lost(client.close_session("1057a115"))
            assert closed.notebook_path == path
            with pytest.raises(SessionNotFound):
                await client.session("1057a115")
            resumed = client.open_session("lost", "resume", session_id="1057a116", notebook_path=str(path))
            opened = await lost(resumed)
            assert (opened.already_open, len(opened.executions)) == (False, 3)
            await client.close_session("1057a116")
        finally:
            await close_clients()
