"""The way to the server that every use case takes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from jlab_mcp.app.connect import connect
from jlab_mcp.app.observe import look, no_server, not_yet
from jlab_mcp.core.slurm.endings import job_words
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import JlabMcpError, Remedy, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.observe import Seen
    from jlab_mcp.app.target import Target

_ENDING_SECONDS = 5.0
"""How long a job that is ending is watched, to say how it ended."""
_PAUSE = 0.5


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
    """Tell a server that is gone from one that does not answer: only one of them can be started anew.

    Raises:
        NoServer: it is gone; of a job, it says how that ended.
        ServerStarting: its job is back in the queue.
        ServerUnreachable: it should be there, as far as is known.
    """
    seen = await look_closely(target)
    if seen.record is None or seen.standing.stale:
        gone = no_server(target, seen)
        raise type(gone)(
            f"the server went away during this call, and its kernels with it{_how(seen)}; "
            "the notebooks hold all but what came in the last second or so",
            details=gone.details,
        ) from lost
    if seen.standing is Standing.STARTING and not seen.unknown:
        raise not_yet(target, seen) from lost
    if seen.unknown:
        said = f"{lost.message}; how its job stands is unknown: {seen.unknown}"
        raise ServerUnreachable(said, remedy=Remedy.ASK_SLURM_AGAIN, details=lost.details) from lost
    if seen.job:
        said = (
            f"{lost.message}; {job_words(seen.job)}, as SLURM knows, so its node or the network may be down"
        )
        raise ServerUnreachable(said, details=lost.details) from lost
    await connect(target)


def _how(seen: Seen) -> str:
    job = seen.record.job if seen.record else None
    return f" ({seen.why_stale})" if job else ""


async def look_closely(target: Target) -> Seen:
    """Ask SLURM about a server that does not answer; a job that is just ending is given a moment for it."""
    deadline = asyncio.get_running_loop().time() + _ENDING_SECONDS
    while True:
        seen = await look(target, max_age=0.0, doubt=True)
        ending = seen.job is not None and seen.job.phase is Phase.ENDING
        if not ending or asyncio.get_running_loop().time() > deadline:
            return seen
        await asyncio.sleep(_PAUSE)
