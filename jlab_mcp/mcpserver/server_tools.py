"""Tools about the Jupyter servers themselves, and the profiles they are started with."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from jlab_mcp.mcpserver import answers, server_answers
from jlab_mcp.mcpserver.calls import Call, ProfileArgument

_QUEUE_SECONDS = 45.0
"""Many clients give up on a call after a minute."""
QueueArgument = Annotated[float, Field(ge=0, description="Seconds in a queue.")]


async def ping(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """Check that this MCP server is alive and how the Jupyter server is; never starts anything."""
    from jlab_mcp.app.status import status

    desk = call.request_context.lifespan_context
    meant = desk.find(profile)
    found = await status(meant.target, meant.resolved, notes=meant.notes)
    notes = desk.untold([*meant.notes, *(change.sentence for change in found.changes)])
    return server_answers.status_answer(found, notes)


async def list_profiles(call: Call) -> CallToolResult:
    """List the profiles (machines, GPU types) and the state of each one's server in this project."""
    from anyio import to_thread

    from jlab_mcp.app.profiles.states import profile_states

    desk = call.request_context.lifespan_context
    found = await to_thread.run_sync(lambda: profile_states(desk.chosen, project_dir=desk.project_dir))
    return server_answers.profiles_answer(found)


async def check_resources(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """Read CPU, memory and GPU use of the server's machine, without starting a kernel."""
    from jlab_mcp.app import notebooks

    desk = call.request_context.lifespan_context
    meant = desk.find(profile)
    async with desk.at(meant.target) as server:
        found = await notebooks.resources(server)
        place = notebooks.place(server)
    facts = {**answers.place_facts(place), **found.model_dump(mode="json")}
    answer = answers.answer([*server_answers.resource_words(found), answers.place_words(place)], facts)
    return answers.with_notes(desk.news(server, meant), answer)


async def start_server(
    call: Call, profile: ProfileArgument = None, wait_seconds: QueueArgument = _QUEUE_SECONDS
) -> CallToolResult:
    """Start the project's Jupyter server and return when it is ready; a running one is used.

    A job may be queued; it says why.
    The profile is in use from then on; each profile has a server of its own.
    """
    from jlab_mcp.app.start import start

    desk = call.request_context.lifespan_context
    with desk.trying(profile) as resolved:
        events = start(resolved, patience=wait_seconds)
        answer = await server_answers.follow(call, events, resolved)
    return answers.with_notes(desk.news_of(resolved), answer)


async def wait_for_server(
    call: Call, profile: ProfileArgument = None, wait_seconds: QueueArgument = _QUEUE_SECONDS
) -> CallToolResult:
    """Wait until a server that is starting or queued is ready; starts nothing."""
    from jlab_mcp.app.start import wait

    desk = call.request_context.lifespan_context
    meant = desk.find(profile)
    events = wait(meant.target, patience=wait_seconds)
    answer = await server_answers.follow(call, events, meant.target)
    desk.use(profile)
    return answers.with_notes(desk.untold(meant.notes), answer)


async def stop_server(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """Stop the project's Jupyter server: all sessions and kernels end; notebooks are saved first."""
    from jlab_mcp.app.stop import stop

    desk = call.request_context.lifespan_context
    meant = desk.find(profile, to_stop=True)
    answer = await server_answers.follow(call, stop(meant.target), meant.target)
    return answers.with_notes(desk.untold(meant.notes), answer)
