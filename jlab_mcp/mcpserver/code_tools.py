"""Tools that run code."""

from mcp_types import CallToolResult

from jlab_mcp.mcpserver import answers
from jlab_mcp.mcpserver.calls import Call, CellArgument, ProfileArgument, WaitArgument, patience


async def execute_code(
    session_id: str, code: str, call: Call, wait_seconds: WaitArgument = None
) -> CallToolResult:
    """Append a code cell to the session's notebook and run it; returns text, errors and pictures.

    Variables persist between calls.
    """
    from jlab_mcp.app import execution, notebooks

    desk = call.request_context.lifespan_context
    async with desk.session(session_id) as server:
        done = await execution.run_code(server, session_id, code, patience(call, wait_seconds))
        place = await notebooks.place_of(server, done)
    return await answers.execution_answer(done, place, desk.limits())


async def edit_cell(
    session_id: str, cell_index: CellArgument, code: str, call: Call, wait_seconds: WaitArgument = None
) -> CallToolResult:
    """Replace a cell's source and run it again; a markdown cell is only edited."""
    from jlab_mcp.app import execution, notebooks

    desk = call.request_context.lifespan_context
    async with desk.session(session_id) as server:
        waiting = patience(call, wait_seconds)
        done = await execution.run_cell(server, session_id, cell_index, waiting, source=code)
        place = await notebooks.place_of(server, done)
    return await answers.execution_answer(done, place, desk.limits(), edited=True)


async def run_cell(
    session_id: str, cell_index: CellArgument, call: Call, wait_seconds: WaitArgument = None
) -> CallToolResult:
    """Run an existing code cell again, unchanged."""
    from jlab_mcp.app import execution, notebooks

    desk = call.request_context.lifespan_context
    async with desk.session(session_id) as server:
        done = await execution.run_cell(server, session_id, cell_index, patience(call, wait_seconds))
        place = await notebooks.place_of(server, done)
    return await answers.execution_answer(done, place, desk.limits())


async def execute_scratch(
    code: str, call: Call, wait_seconds: WaitArgument = None, profile: ProfileArgument = None
) -> CallToolResult:
    """Run code in a fresh kernel that ends afterwards: no notebook, no session's variables."""
    from jlab_mcp.app import execution, notebooks

    desk = call.request_context.lifespan_context
    meant = desk.find(profile)
    async with desk.at(meant.target) as server:
        done = await execution.run_scratch(server, code, patience(call, wait_seconds))
        place = await notebooks.place_of(server, done)
    answer = await answers.execution_answer(done, place, desk.limits())
    return answers.with_notes(desk.news(server, meant), answer)
