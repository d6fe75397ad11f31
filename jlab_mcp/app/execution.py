"""Running code: send it once, wait for it, report progress, and stop it when the caller gives up."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.errors import JlabMcpError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.client import CellRef
    from jlab_mcp.client.models import Execution

_PROGRESS_SECONDS = 10.0
"""How often a waiting caller hears something; clients give up on silence after a minute or so."""
_STOP_SECONDS = 8.0


async def _quiet(_execution: Execution, _seconds: float) -> None:
    """Report to nobody."""


async def _no() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Patience:
    """How a caller waits.

    Attributes:
        seconds: how long at most; None until the code is done.
        report: called about every ten seconds with the execution as it stands and the seconds so far.
        stop: asked when the caller's own task is cancelled: shall the running code be interrupted?
    """

    seconds: float | None = None
    report: Callable[[Execution, float], Awaitable[None]] = _quiet
    stop: Callable[[], Awaitable[bool]] = _no


async def run_code(connected: Connected, session_id: str, code: str, patience: Patience) -> Execution:
    """Append a code cell and run it; returns when it has ended or patience has.

    Raises:
        SessionNotFound: there is no such session.
    """
    execution_id = secrets.token_hex(8)
    return await _run(
        connected,
        session_id,
        execution_id,
        lambda wait: connected.client.execute(session_id, execution_id, code=code, wait=wait),
        patience,
    )


async def run_cell(
    connected: Connected, session_id: str, cell: CellRef, patience: Patience, *, source: str | None = None
) -> Execution:
    """Run a cell, with its source replaced first if `source` is given; a markdown cell is only edited.

    Raises:
        SessionNotFound: there is no such session.
        CellNotFound: there is no such cell.
    """
    execution_id = secrets.token_hex(8)
    return await _run(
        connected,
        session_id,
        execution_id,
        lambda wait: connected.client.execute(session_id, execution_id, cell=cell, source=source, wait=wait),
        patience,
    )


async def run_scratch(
    connected: Connected, code: str, patience: Patience, *, kernel: str | None = None
) -> Execution:
    """Run code in a kernel of its own that leaves nothing behind."""
    execution_id = secrets.token_hex(8)
    return await _run(
        connected,
        None,
        execution_id,
        lambda wait: connected.client.scratch(execution_id, code, kernel=kernel, wait=wait),
        patience,
    )


async def follow_all(
    connected: Connected, queued: Sequence[Execution], patience: Patience, *, stop_on_error: bool = False
) -> AsyncIterator[Execution]:
    """Yield the executions of a resumed notebook as each ends, in their order.

    With `stop_on_error`, what comes after the first that failed is taken off the queue.
    """
    stopped = False
    for waiting in queued:
        ended = await _run(
            connected,
            waiting.session_id,
            waiting.execution_id,
            lambda wait, key=waiting.execution_id: connected.client.execution(key, wait=wait),  # type: ignore[misc]
            patience,
        )
        yield ended
        if stop_on_error and not stopped and ended.state.value != "ok" and ended.session_id is not None:
            stopped = True
            await connected.client.interrupt(ended.session_id)


async def _run(
    connected: Connected,
    session_id: str | None,
    execution_id: str,
    begin: Callable[[float], Awaitable[Execution]],
    patience: Patience,
) -> Execution:
    try:
        return await _wait(connected, begin, patience)
    except asyncio.CancelledError:
        if session_id is not None:
            await _stop(connected, session_id, execution_id, patience)
        raise


async def _wait(
    connected: Connected, begin: Callable[[float], Awaitable[Execution]], patience: Patience
) -> Execution:
    since = time.monotonic()
    execution = await begin(_next_wait(patience, 0.0))
    while not execution.state.ended:
        elapsed = time.monotonic() - since
        if patience.seconds is not None and elapsed >= patience.seconds:
            break
        await patience.report(execution, elapsed)
        execution = await connected.client.execution(
            execution.execution_id, wait=_next_wait(patience, elapsed)
        )
    return execution


def _next_wait(patience: Patience, elapsed: float) -> float:
    if patience.seconds is None:
        return _PROGRESS_SECONDS
    return max(0.0, min(_PROGRESS_SECONDS, patience.seconds - elapsed))


async def _stop(connected: Connected, session_id: str, execution_id: str, patience: Patience) -> None:
    """Interrupt the kernel if it runs this very execution: others may have code of theirs in its queue."""
    import anyio

    with anyio.move_on_after(_STOP_SECONDS, shield=True):
        try:
            if not await patience.stop():
                return
            session = await connected.client.session(session_id)
            if session.running == execution_id:
                await connected.client.interrupt(session_id, execution_id=execution_id)
        except JlabMcpError:
            # The caller is gone; there is nobody to tell.
            return
