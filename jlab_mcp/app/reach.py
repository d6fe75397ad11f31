"""The way to the server that every use case takes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from jlab_mcp.app.connect import connect
from jlab_mcp.errors import JlabMcpError, NoServer, Remedy, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.target import Target


@asynccontextmanager
async def reach(target: Target) -> AsyncIterator[Connected]:
    """Connect to the server of a profile for one use case.

    Raises:
        ServerError: there is none, or it is not ready; or it went away meanwhile.
    """
    connected = await connect(target)
    try:
        yield connected
    except ServerUnreachable as lost:
        await _look_again(target, lost)
        raise
    except JlabMcpError as error:
        if error.remedy is Remedy.READ_LOG:
            error.details.setdefault("log_file", str(connected.record.log_file))
        raise


async def _look_again(target: Target, lost: ServerUnreachable) -> None:
    """Tell a server that is gone from one that does not answer: only one of them can be started anew."""
    try:
        await connect(target)
    except NoServer as gone:
        raise NoServer(
            "the server went away during this call, and its kernels with it; "
            "the notebooks hold all but what came in the last second or so",
            details=gone.details,
        ) from lost
