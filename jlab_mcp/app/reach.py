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
from jlab_mcp.errors import JlabMcpError, Remedy, ServerError, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.observe import Seen
    from jlab_mcp.app.target import Target

_GLANCE_SECONDS = 1.0
"""How often it is looked whether an answer is late."""
_ASK_SECONDS = 3.0
"""How often SLURM is asked about the job of a server whose answer is late."""
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
        async with _Vigil(target, connected):
            yield connected
    except ServerUnreachable as lost:
        raise await _look_again(target, lost) from lost
    except JlabMcpError as error:
        if error.remedy is Remedy.READ_LOG:
            error.details.setdefault("log_file", str(connected.record.log_file))
        raise


class _Vigil:
    """Watches over the calls of one use case, where a server is in a job.

    A node that loses its power or its network says nothing; the calls to it would wait for a minute or more.
    So when an answer is late, SLURM is asked about the job; if that is gone, the use case ends with its word.

    Args:
        target: which server.
        connected: the way to it.
    """

    def __init__(self, target: Target, connected: Connected) -> None:
        self._target = target
        self._client = connected.client
        self._has_job = connected.record.job is not None
        self._body: asyncio.Task[object] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._gone: ServerError | None = None

    async def __aenter__(self) -> None:
        self._body = asyncio.current_task()
        if self._has_job:
            self._watch = asyncio.create_task(self._look_out())

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if kind is asyncio.CancelledError and self._gone and self._body and self._body.uncancel() == 0:
            raise self._gone

    async def _look_out(self) -> None:
        while self._gone is None:
            await asyncio.sleep(_GLANCE_SECONDS)
            if not self._client.is_late:
                continue
            with suppress(JlabMcpError):
                self._gone = _is_gone(
                    self._target, await look(self._target, max_age=_ASK_SECONDS, doubt=True)
                )
        if self._body is not None:
            self._body.cancel()


async def _look_again(target: Target, lost: ServerUnreachable) -> JlabMcpError:
    """Tell a server that is gone from one that does not answer: only one of them can be started anew."""
    seen = await look_closely(target)
    if gone := _is_gone(target, seen):
        return gone
    if seen.unknown:
        said = f"{lost.message}; how its job stands is unknown: {seen.unknown}"
        return ServerUnreachable(said, remedy=Remedy.ASK_SLURM_AGAIN, details=lost.details)
    if seen.job:
        said = f"{lost.message}; {job_words(seen.job)}, says SLURM, so its node or the network may be down"
        return ServerUnreachable(said, details=lost.details)
    return lost


def _is_gone(target: Target, seen: Seen) -> ServerError | None:
    """Return the error of a server that is gone or back in the queue; None if it may be there."""
    if seen.record is None or seen.standing.stale:
        gone = no_server(target, seen)
        return type(gone)(
            f"the server went away during this call, and its kernels with it{_how(seen)}; "
            "the notebooks hold all but what came in the last second or so",
            details=gone.details,
        )
    if seen.standing is Standing.STARTING and not seen.unknown:
        return not_yet(target, seen)
    return no_server(target, seen) if seen.standing is Standing.STOPPING else None


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
