"""Tools that change and read cells without running anything."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from jlab_mcp.mcpserver import answers, cell_answers
from jlab_mcp.mcpserver.calls import Call, CellArgument, ProfileArgument


async def add_markdown(
    session_id: str,
    markdown: str,
    call: Call,
    index: Annotated[int | None, Field(description="Insert before this cell. Default: append.")] = None,
) -> CallToolResult:
    """Add a markdown cell to the session's notebook."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.session(session_id) as server:
        change = await notebooks.add_markdown(server, session_id, markdown, index=index)
        session = await notebooks.session(server, session_id)
        place = notebooks.place(server, session_id, session.notebook_path)
    return cell_answers.changed("Added markdown cell", change, place)


async def delete_cell(session_id: str, cell_index: CellArgument, call: Call) -> CallToolResult:
    """Delete a cell from the notebook; the kernel keeps what the cell defined."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.session(session_id) as server:
        change = await notebooks.delete_cell(server, session_id, cell_index)
        session = await notebooks.session(server, session_id)
        place = notebooks.place(server, session_id, session.notebook_path)
    return cell_answers.changed(f"Deleted {change.cell_type} cell", change, place)


async def read_notebook(
    call: Call,
    session_id: str | None = None,
    notebook_path: Annotated[
        str | None, Field(description="Any notebook in the notebook folder, open or not.")
    ] = None,
    start: Annotated[int, Field(description="First cell; negative from the end.")] = 0,
    limit: Annotated[int, Field(ge=1, le=50)] = 20,
    profile: ProfileArgument = None,
) -> CallToolResult:
    """Read cells with their outputs in short, a page at a time."""
    from jlab_mcp.app import notebooks

    desk = call.request_context.lifespan_context
    meant = await desk.holder(profile, session_id, notebook_path, None)
    async with desk.at(meant.target) as server:
        page, session = await notebooks.read(
            server, session_id=session_id, notebook_path=notebook_path, start=start, limit=limit
        )
        place = notebooks.place(server, session_id, page.notebook_path)
    answer = cell_answers.page(page, place, desk.limits().chars, session)
    return answers.with_notes(desk.news(server, meant), answer)
