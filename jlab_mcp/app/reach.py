"""The way to the server that every use case takes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from jlab_mcp.app.connect import connect
from jlab_mcp.app.observe import look, no_server, not_yet
from jlab_mcp.core.slurm.endings import job_words
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import JlabMcpError, NodeError, Remedy, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.observe import Seen
    from jlab_mcp.app.target import Target

_ENDING_SECONDS = 5.0
"""How long a job that is ending is watched, to say how it ended."""
_PAUSE = 0.5
_SILENCE = 2.0
"""Seconds of waiting for an answer after which a server in a job is asked for a sign of life, which may take
as long; without one, SLURM is asked about the job as often."""


@asynccontextmanager
async def reach(target: Target) -> AsyncIterator[Connected]:
    """Connect to the server of a profile for one use case.

    A server in a job that falls silent meanwhile is waited for as long as its job is there.

    Raises:
        ServerError: there is none, or it is not ready; or it went away meanwhile.
    """
    connected = await connect(target)
    try:
        async with _while_it_is_there(target, connected):
            yield connected
    except ServerUnreachable as lost:
        await _look_again(target, lost)
        raise
    except JlabMcpError as error:
        if error.remedy is Remedy.READ_LOG:
            error.details.setdefault("log_file", str(connected.record.log_file))
        raise


@asynccontextmanager
async def _while_it_is_there(target: Target, connected: Connected) -> AsyncIterator[None]:
    """End the block when SLURM says that the server's job has ended, or is back in the queue.

    A node without power closes no connection: who waits for its answer would wait on.

    Raises:
        ServerUnreachable: so it is.
    """
    if connected.record.job is None:
        yield
        return
    try:
        async with asyncio.timeout(None) as limit:
            watching = asyncio.ensure_future(_watch(target, connected, limit))
            try:
                yield
            finally:
                watching.cancel()
    except TimeoutError as error:
        if not limit.expired():
            raise
        url = connected.connection.url
        raise ServerUnreachable(f"the server at {url} does not answer any more") from error


async def _watch(target: Target, connected: Connected, limit: asyncio.Timeout) -> None:
    """Set the limit to now once the server is silent and its job, as SLURM says, no longer that one."""
    while True:
        await asyncio.sleep(_SILENCE)
        with suppress(TimeoutError, NodeError, ServerUnreachable):
            async with asyncio.timeout(_SILENCE):
                await connected.client.info()
            continue
        with suppress(JlabMcpError):  # what cannot be learned now is no end: the call waits on
            seen = await look(target, max_age=_SILENCE, doubt=True)
            same = seen.connection == connected.connection
            if not (seen.standing is Standing.STOPPING or (seen.standing is Standing.LISTENING and same)):
                limit.reschedule(0.0)
                return


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
        said, remedy = unanswered(lost, seen), Remedy.ASK_SLURM_AGAIN
        raise ServerUnreachable(said, remedy=remedy, details=lost.details) from lost
    if seen.job:
        raise ServerUnreachable(unanswered(lost, seen), details=lost.details) from lost
    await connect(target)


def unanswered(error: JlabMcpError, seen: Seen) -> str:
    """Say that a server does not answer, and what SLURM says of its job all the same."""
    if seen.unknown:
        return f"{error.message}; how its job stands is unknown: {seen.unknown}"
    if seen.job is None:
        return error.message
    silent = error.remedy is Remedy.CHECK_STATUS and seen.job.phase is Phase.RUNNING
    why = ", so its node or the network may be down" if silent else ""
    return f"{error.message}; {job_words(seen.job)}, as far as SLURM knows{why}"


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
