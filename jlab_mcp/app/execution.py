"""Running code: send it once, wait for it, report progress, and stop it when the caller gives up."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jlab_mcp.core.ids import random_id
from jlab_mcp.errors import JlabMcpError, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.client import CellRef, News
    from jlab_mcp.client.models import Execution

    _Begin = Callable[[float, News | None], Awaitable[Execution]]
    """Sends the code, or finds it again; waits so many seconds for its end or for news."""

_PROGRESS_SECONDS = 10.0
"""How often a waiting caller hears something; clients give up on silence after a minute or so."""
_NEWS_SECONDS = 0.5
"""How far apart the reports of new lines of output are, at least."""
_OVERDUE_SECONDS = 2.0
"""How much later than asked an answer may come before the caller hears that it is waited for."""
_STOP_SECONDS = 8.0


async def _quiet(_execution: Execution, _seconds: float) -> None:
    """Report to nobody."""


async def _nothing(_lost: float | None, _seconds: float) -> None:
    """Tell nobody."""


async def no() -> bool:
    """Stop nothing."""
    return False


@dataclass(frozen=True, slots=True)
class Patience:
    """How a caller waits.

    Attributes:
        seconds: how long at most; None until the code is done.
        report: called every ten seconds, and at each new line of output but at most twice a second, with the
            execution as it stands, but for its outputs, and the seconds so far.
        overdue: called as often while no answer comes, with the seconds since the connection was lost
            (None where it may be well) and the seconds so far.
        stop: asked when the caller's own task is cancelled: shall the running code be interrupted?
    """

    seconds: float | None = None
    report: Callable[[Execution, float], Awaitable[None]] = _quiet
    overdue: Callable[[float | None, float], Awaitable[None]] = _nothing
    stop: Callable[[], Awaitable[bool]] = no


async def run_code(connected: Connected, session_id: str, code: str, patience: Patience) -> Execution:
    """Append a code cell and run it; returns when it has ended or patience has.

    Raises:
        SessionNotFound: there is no such session.
    """
    execution_id = random_id(16)
    return await _run(
        connected,
        lambda wait, news: connected.client.execute(
            session_id, execution_id, code=code, wait=wait, news=news
        ),
        patience,
        stops=[execution_id],
    )


async def run_cell(
    connected: Connected, session_id: str, cell: CellRef, patience: Patience, *, source: str | None = None
) -> Execution:
    """Run a cell, with its source replaced first if `source` is given; a markdown cell is only edited.

    Raises:
        SessionNotFound: there is no such session.
        CellNotFound: there is no such cell.
    """
    execution_id = random_id(16)
    return await _run(
        connected,
        lambda wait, news: connected.client.execute(
            session_id, execution_id, cell=cell, source=source, wait=wait, news=news
        ),
        patience,
        stops=[execution_id],
    )


async def run_scratch(
    connected: Connected, code: str, patience: Patience, *, kernel: str | None = None
) -> Execution:
    """Run code in a kernel of its own that leaves nothing behind."""
    execution_id = random_id(16)
    return await _run(
        connected,
        lambda wait, news: connected.client.scratch(execution_id, code, kernel=kernel, wait=wait, news=news),
        patience,
        stops=[execution_id],
    )


async def follow_all(
    connected: Connected, queued: Sequence[Execution], patience: Patience
) -> AsyncIterator[Execution]:
    """Yield the executions of a resumed notebook as each ends, in their order, while patience lasts.

    When it is over, the one that has not ended comes last, as it stands; it and those behind it go on. A
    caller who gives up stops all that are left.
    """
    since = time.monotonic()
    # From the end, so that none of them begins while another is taken off.
    left = [execution.execution_id for execution in reversed(queued)]
    while left:
        spent = time.monotonic() - since
        seconds = None if patience.seconds is None else max(0.0, patience.seconds - spent)
        found = await _attach(connected, left[-1], replace(patience, seconds=seconds), stops=left)
        yield found
        if not found.state.ended:
            return
        left.pop()


async def cancel(connected: Connected, execution_id: str) -> Execution:
    """Stop one execution, running or queued, and no other; returns it as it stands some seconds later.

    Raises:
        ExecutionNotFound: there is none of this id, or it ended long ago.
    """
    return await connected.client.interrupt_execution(execution_id)


async def attach(connected: Connected, execution_id: str, patience: Patience) -> Execution:
    """Wait for an execution that was sent before.

    Raises:
        ExecutionNotFound: there is none of this id, or it ended long ago.
    """
    return await _attach(connected, execution_id, patience, stops=[execution_id])


async def _attach(
    connected: Connected, execution_id: str, patience: Patience, *, stops: Sequence[str]
) -> Execution:
    return await _run(
        connected,
        lambda wait, news: connected.client.execution(execution_id, wait=wait, news=news),
        patience,
        stops=stops,
    )


async def _run(
    connected: Connected,
    begin: _Begin,
    patience: Patience,
    *,
    stops: Sequence[str],
) -> Execution:
    """Begin, and wait; a caller who gives up may have the executions `stops` stopped, in that order.

    Raises:
        ServerUnreachable: no answer came; the last of `stops` may have begun, and `details` says its id.
    """
    try:
        return await _wait(connected, begin, patience)
    except ServerUnreachable as lost:
        lost.details["execution_id"] = stops[-1]
        raise
    except asyncio.CancelledError:
        await given_up(patience.stop, lambda: _interrupt(connected, stops))
        raise


async def _wait(connected: Connected, begin: _Begin, patience: Patience) -> Execution:
    from jlab_mcp.client import News

    since = reported = time.monotonic()
    said = ""
    beginning = begin(_next_wait(patience, 0.0), News(pause=_NEWS_SECONDS))
    execution = await _answer(connected, beginning, patience, since)
    while not execution.state.ended:
        now = time.monotonic()
        if patience.seconds is not None and now - since >= patience.seconds:
            asking = connected.client.execution(execution.execution_id)
            return await _answer(connected, asking, patience, since)
        if execution.latest_line != said or now - reported >= _PROGRESS_SECONDS:
            said, reported = execution.latest_line, now
            await patience.report(execution, now - since)
        asking = connected.client.execution(
            execution.execution_id,
            wait=_next_wait(patience, now - since),
            news=News(execution.seq, _NEWS_SECONDS),
        )
        execution = await _answer(connected, asking, patience, since)
    return execution


async def _answer(
    connected: Connected, asking: Awaitable[Execution], patience: Patience, since: float
) -> Execution:
    """Wait for an answer; the caller hears of it when it is overdue.

    The request goes out in the caller's own task: in one of its own it would be overtaken by later calls.
    """
    telling = asyncio.create_task(_tell_while_overdue(connected, patience, since))
    try:
        return await asking
    finally:
        telling.cancel()


async def _tell_while_overdue(connected: Connected, patience: Patience, since: float) -> None:
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS + _OVERDUE_SECONDS)
        await patience.overdue(connected.client.lost_for, time.monotonic() - since)


def _next_wait(patience: Patience, elapsed: float) -> float:
    if patience.seconds is None:
        return _PROGRESS_SECONDS
    return max(0.0, min(_PROGRESS_SECONDS, patience.seconds - elapsed))


async def _interrupt(connected: Connected, execution_ids: Sequence[str]) -> None:
    """Stop these very executions: others may have code of theirs in the kernel's queue."""
    for execution_id in execution_ids:
        await connected.client.interrupt_execution(execution_id)


async def given_up(stop: Callable[[], Awaitable[bool]], undo: Callable[[], Awaitable[object]]) -> None:
    """Undo what a caller wanted whose task is cancelled, within seconds, if `stop` says so."""
    import anyio

    with anyio.move_on_after(_STOP_SECONDS, shield=True):
        try:
            if await stop():
                await undo()
        except JlabMcpError:
            # The caller is gone; there is nobody to tell.
            return
