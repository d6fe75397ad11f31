"""Tools about the Jupyter server itself."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from jlab_mcp.mcpserver import answers, server_answers
from jlab_mcp.mcpserver.calls import Call

ProfileArgument = Annotated[str | None, Field(description="Default: the one in use.")]


async def ping(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """Check that this MCP server is alive and how the Jupyter server is; never starts anything."""
    from jlab_mcp.app.status import status

    desk = call.request_context.lifespan_context
    resolved = desk.look_up(profile) if profile else desk.settings()
    return server_answers.status_answer(await status(resolved))


async def check_resources(call: Call) -> CallToolResult:
    """Read CPU, memory and GPU use of the server's machine, without starting a kernel."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        found = await notebooks.resources(server)
        place = notebooks.place(server)
    facts = {**answers.place_facts(place), **found.model_dump(mode="json")}
    return answers.answer([*server_answers.resource_words(found), answers.place_words(place)], facts)


async def start_server(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """Start the project's Jupyter server and return when it is ready; a running one is used."""
    from jlab_mcp.app.start import start

    with call.request_context.lifespan_context.trying(profile) as resolved:
        return await server_answers.follow(call, start(resolved), resolved)


async def wait_for_server(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """Wait until a server that is being started is ready; starts nothing."""
    from jlab_mcp.app.start import wait

    with call.request_context.lifespan_context.trying(profile) as resolved:
        return await server_answers.follow(call, wait(resolved), resolved)


async def stop_server(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """Stop the project's Jupyter server: all sessions and kernels end; notebooks are saved first."""
    from jlab_mcp.app.stop import stop

    desk = call.request_context.lifespan_context
    resolved = desk.look_up(profile) if profile else desk.settings()
    return await server_answers.follow(call, stop(resolved), resolved)
