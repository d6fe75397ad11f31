"""Running code and following what it puts out, piece by piece, whole and in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jlab_mcp.errors import NodeError, Remedy, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.client.models import Execution, StreamPage

_WAIT_SECONDS = 10.0
"""How long one request waits for output."""
_PAUSE = 0.05
"""Seconds between two requests for the output of code that puts out little at a time."""
_PAGE = 250_000
"""Bytes of one answer, about; larger ones are no quicker."""
_FULL = 100_000
"""Bytes of a page after which the next one is asked for at once."""
_NEVER = 2**53
"""More events than code ever has: only its end is news."""


async def begin(
    connected: Connected, execution_id: str, code: str, session_id: str | None, *, kernel: str | None = None
) -> Execution:
    """Send code, as a new cell of a session or, without one, as scratch code; does not wait for it.

    Raises:
        SessionNotFound: there is no such session.
        KernelUnknown: there is no such kernel.
    """
    if session_id is None:
        return await connected.client.scratch(execution_id, code, kernel=kernel, wait=0.0)
    return await connected.client.execute(session_id, execution_id, code=code, wait=0.0)


async def follow(connected: Connected, execution_id: str) -> AsyncIterator[StreamPage]:
    """Yield what code puts out, from its first byte on, until it has ended and all of it was given.

    The last page has the execution as it ended. A lost connection costs and doubles nothing, because each
    request says from which byte on.

    Raises:
        ExecutionNotFound: there is none of this id, or it ended long ago.
        ServerUnreachable: the server is gone; or it is older than this command.
    """
    offset = 0
    while True:
        try:
            page = await connected.client.follow(execution_id, offset, limit=_PAGE, wait=_WAIT_SECONDS)
        except NodeError as error:
            if error.details.get("api_code") != "no_such_route":
                raise
            url = connected.connection.url
            said = f"the server at {url} was started by an older jlab-mcp, whose output cannot be followed"
            raise ServerUnreachable(said, remedy=Remedy.RESTART_SERVER) from error
        read, offset = page.end - offset, page.end
        yield page
        if page.execution.state.ended and page.end >= page.total:
            return
        if read < _FULL and page.end >= page.total:
            await asyncio.sleep(_PAUSE)


async def outcome(connected: Connected, execution_id: str) -> Execution:
    """Wait for the end of code, however long it takes, and return it with its outputs as the cell has them.

    Raises:
        ExecutionNotFound: there is none of this id, or it ended long ago.
    """
    from jlab_mcp.client import News

    while True:
        found = await connected.client.execution(execution_id, wait=_WAIT_SECONDS, news=News(_NEVER))
        if found.state.ended:
            return found


async def stop(connected: Connected, execution_id: str) -> Execution:
    """Interrupt code, or take it from the queue; returns some seconds later at the latest."""
    return await connected.client.interrupt_execution(execution_id)
