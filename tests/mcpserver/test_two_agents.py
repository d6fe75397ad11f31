"""Two agents at once in one session, each with an MCP server of its own."""

import asyncio
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.agent import Agent, agent
from tests.commands import LIMIT
from tests.conftest import Project

pytestmark = pytest.mark.live

_CALLS = 50


async def test_fifty_calls_of_two_agents_give_fifty_cells_in_order_each_with_its_own_output(
    live_project: Project,
) -> None:
    async with agent(live_project) as one, agent(live_project) as two:
        opened = await one.ok("start_new_session", experiment_name="shared by two")
        session = opened["session_id"]
        await two.ok("execute_code", session_id=session, code="import time; ran = []")

        async def add(me: Agent, number: int) -> tuple[int, dict[str, Any]]:
            if number % 5 == 4:
                return number, await me.ok("add_markdown", session_id=session, markdown=f"note {number}")
            code = f"time.sleep(0.01); ran.append({number}); print('said', {number})"
            return number, await me.ok("execute_code", session_id=session, code=code)

        async with asyncio.timeout(LIMIT):
            answers = await asyncio.gather(*(add((one, two)[n % 2], n) for n in range(_CALLS)))
        order = await one.ok("execute_code", session_id=session, code="print(ran)")
        await two.ok("shutdown_session", session_id=session)
    notebook = nbformat.read(Path(opened["notebook_path"]), as_version=4)
    nbformat.validate(notebook)
    cells = notebook.cells[1:-1]
    assert len(cells) == _CALLS
    by_id = {cell.id: (index, cell) for index, cell in enumerate(cells, start=1)}
    places = {}
    for number, answer in answers:
        places[number], cell = by_id.pop(answer["cell_id"])
        assert answer["cell_index"] == places[number]
        if cell.cell_type == "markdown":
            assert cell.source == f"note {number}"
            continue
        assert answer["state"] == "ok"
        assert answer["text"].startswith(f"said {number}\n")
        assert [output.text for output in cell.outputs] == [f"said {number}\n"]
        assert cell.execution_count == answer["execution_count"]
    assert by_id == {}
    for mine in (0, 1):  # an agent's calls arrive in the order in which they were made
        own = [places[number] for number in range(mine, _CALLS, 2)]
        assert own == sorted(own)
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert counts == list(range(2, len(counts) + 2))
    in_order = [number for number in sorted(places, key=lambda n: places[n]) if number % 5 != 4]
    assert json.loads(order["text"].splitlines()[0]) == in_order
