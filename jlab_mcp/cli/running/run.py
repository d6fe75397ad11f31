"""Runs code, or goes on with code that runs, until it ends or somebody has had enough of it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jlab_mcp.app import following
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import say, show_hint, show_warnings
from jlab_mcp.cli.running.attention import Attention, end_by, end_with
from jlab_mcp.client.models import ExecutionState
from jlab_mcp.errors import CannotWrite, CodeCutShort, ExitCode, JlabMcpError, NoServer, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.client.models import Execution, StreamPage

_TELL_SECONDS = 1.5
"""Seconds after which a person hears that interrupted code has not ended."""
_LOOK_SECONDS = 1.0
"""How often it is looked whether the connection is lost."""
_STOP_SECONDS = 8.0
"""How long the command waits for code to be stopped before it ends itself."""


class Gone(Exception):
    """Nobody reads stdout any more."""


@dataclass(frozen=True, slots=True)
class Code:
    """Code that is to be run, or that runs already.

    Attributes:
        execution_id: what names the run.
        where: names its session, in words; empty for scratch code.
        begin: sends it; None where it runs already.
    """

    execution_id: str
    where: str
    begin: Callable[[], Awaitable[Execution]] | None = None


async def run(connected: Connected, code: Code, show: Callable[[StreamPage], None] | None) -> Execution:
    """Run code to its end and show what it puts out meanwhile.

    Ctrl+C interrupts it, a second one leaves it running and ends the command. So does a terminal that is
    closed; SIGTERM and a reader that goes away stop it first, because nobody is left who wants it.

    Args:
        connected: the server.
        code: what to run.
        show: writes a page of output, and may hold up its thread; None shows nothing.

    Raises:
        JlabMcpError: the code could not be sent or followed to its end.
    """
    with Attention(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as attention:
        running = asyncio.ensure_future(_to_the_end(connected, code, show))
        watching = asyncio.ensure_future(_tell_while_lost(connected))
        try:
            return await _attended(connected, code, running, attention)
        except Gone:
            await _stop(connected, code)
            end_by(signal.SIGPIPE)
        except CannotWrite:
            await _stop(connected, code)
            raise
        except (ServerUnreachable, NoServer):
            PROGRESS.over()
            _say_how_to_go_on(code)
            raise
        finally:
            watching.cancel()
            PROGRESS.over()


async def _tell_while_lost(connected: Connected) -> None:
    """Show that the connection is lost, while it is tried again."""
    lost = False
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if connected.client.lost_for is not None:
            PROGRESS.expect(
                "connecting again: the connection to the server is lost, the code goes on meanwhile"
            )
            lost = True
        elif lost:
            PROGRESS.over()
            lost = False


def judge(execution: Execution, *, where: str) -> ExitCode:
    """Return the exit status of code that has ended.

    Raises:
        CodeCutShort: it did not run to its end.
        NoServer: the server ended before it.
    """
    show_warnings(_notices(execution))
    state, why = execution.state, execution.reason or "no reason is known"
    if state is ExecutionState.OK:
        return ExitCode.OK
    if state is ExecutionState.ERROR:
        return ExitCode.UNEXPECTED
    if state is ExecutionState.INTERRUPTED:
        return ExitCode.INTERRUPTED
    if state is ExecutionState.SERVER_ENDED:
        raise NoServer(f"the code was cut short: {why.rstrip('.')}")
    what = "the code was not run" if state is ExecutionState.NOT_RUN else "the code was cut short"
    raise CodeCutShort(f"{what}{f' in {where}' if where else ''}: {why.rstrip('.')}")


async def _to_the_end(
    connected: Connected, code: Code, show: Callable[[StreamPage], None] | None
) -> Execution:
    if code.begin is not None:
        PROGRESS.expect("sending the code")
        await code.begin()
    if show is None:
        PROGRESS.expect("waiting for the code")
        return await following.outcome(connected, code.execution_id)
    async for page in following.follow(connected, code.execution_id):
        if page.execution.state is ExecutionState.QUEUED:
            PROGRESS.expect("waiting for the kernel, or for what it runs before")
        else:
            PROGRESS.over()
        try:
            # In a thread: a reader that takes its time must not keep the connection from being tended.
            await asyncio.to_thread(show, page)
        except BrokenPipeError as error:
            raise Gone from error
        except OSError as error:
            raise CannotWrite(f"cannot write the output: {error.strerror}") from error
        found = page.execution
    return found


async def _attended(
    connected: Connected, code: Code, running: asyncio.Future[Execution], attention: Attention
) -> Execution:
    """Wait for the end of code, and heed signals meanwhile."""
    stopping: asyncio.Future[None] | None = None
    told = True
    while True:
        heard = asyncio.ensure_future(attention.next())
        both: set[asyncio.Future[Any]] = {running, heard}
        await asyncio.wait(both, timeout=None if told else _TELL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            heard.cancel()
            return running.result()
        if not heard.done():
            heard.cancel()
            told = True
            say("the code has not ended yet; press Ctrl+C again to leave it running")
            continue
        if heard.result() is signal.SIGINT and stopping is None:
            stopping = asyncio.ensure_future(_stop(connected, code))
            told = False
            continue
        await _leave(connected, code, heard.result())


async def _leave(connected: Connected, code: Code, number: signal.Signals) -> None:
    """End the command before the code has ended."""
    if number is signal.SIGTERM:
        await _stop(connected, code)
        end_by(number)
    _say_how_to_go_on(code)
    if number is signal.SIGHUP:
        end_by(number)
    end_with(ExitCode.INTERRUPTED)


async def _stop(connected: Connected, code: Code) -> None:
    """Interrupt the code, whatever becomes of that."""
    with suppress(JlabMcpError, TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            await following.stop(connected, code.execution_id)


def _say_how_to_go_on(code: Code) -> None:
    say(f"left the code running{f' in {code.where}' if code.where else ''}")
    show_hint(f"see the rest with `jlab-mcp exec --attach {code.execution_id}`")


def _notices(execution: Execution) -> list[str]:
    return [execution.notice.rstrip(".")] if execution.notice else []
