"""Tools for output of code that was sent before, and to stop such code."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from jlab_mcp.mcpserver import answers, output_answers
from jlab_mcp.mcpserver.calls import Call, CellArgument, patience


async def get_output(
    call: Call,
    execution_id: str | None = None,
    session_id: Annotated[str | None, Field(description="With `cell`, instead of execution_id.")] = None,
    cell: CellArgument | None = None,
    wait_seconds: Annotated[float, Field(ge=0, description="Wait so long for code that still runs.")] = 0,
    offset: Annotated[
        int | None, Field(description="A page of the full text from this byte on; negative from the end.")
    ] = None,
    limit: Annotated[int | None, Field(ge=1, description="Bytes of the page.")] = None,
    grep: Annotated[
        str | None, Field(description="Lines that match this Python regex, from offset on.")
    ] = None,
) -> CallToolResult:
    """Get the output of code that was sent before: wait for it, page through it, or search it."""
    from jlab_mcp.app import output

    desk = call.request_context.lifespan_context
    source = output.Source(execution_id, session_id, cell)
    meant = await desk.holder(None, session_id, None, execution_id)
    part = output_answers.part(desk.limits(), offset, limit, grep)
    async with desk.at(meant.target) as server:
        found = await output.get(server, source, patience(call, wait_seconds, stops=False), part)
    answer = await output_answers.output_answer(found, desk.limits())
    return answers.with_notes(desk.news(server, meant), answer)


async def cancel_execution(execution_id: str, call: Call) -> CallToolResult:
    """Stop one execution, running or queued; code queued behind it goes on."""
    from jlab_mcp.app import execution, notebooks

    desk = call.request_context.lifespan_context
    meant = await desk.holder(None, None, None, execution_id)
    async with desk.at(meant.target) as server:
        stopped = await execution.cancel(server, execution_id)
        place = await notebooks.place_of(server, stopped)
    return await output_answers.cancel_answer(stopped, place, desk.limits())
