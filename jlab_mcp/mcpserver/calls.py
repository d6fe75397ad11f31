"""What the tools share: types of their parameters, their hints, and how they wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import Field

from jlab_mcp.core import words
from jlab_mcp.mcpserver.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jlab_mcp.app.execution import Patience
    from jlab_mcp.client.models import Execution

Call = Context[Desk, Any]
"""The context of a tool call."""
CellArgument = Annotated[int | str, Field(description="Index (negative from the end) or cell id.")]
ProfileArgument = Annotated[str | None, Field(description="Whose server. Default: the one in use.")]
WaitArgument = Annotated[
    float | None,
    Field(ge=0, description="Answer after so long; the code keeps running. Default: the profile's."),
]

LOOKS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
SETTLES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
REMOVES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
ENDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
RUNS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)
"""Runs code, which may do anything that the user may."""

_LAST_LINE = 120


def patience(
    call: Call,
    seconds: float | None,
    *,
    done: Callable[[], int] = int,
    total: int | None = None,
    stops: bool = True,
) -> Patience:
    """Make the patience of a tool call.

    Args:
        call: gets the progress.
        seconds: how long to wait; None as long as the settings say.
        done: how many of many executions have ended.
        total: how many there are, if there are many.
        stops: whether the code is interrupted when the client cancels the call.
    """
    from jlab_mcp.app.execution import Patience, no

    desk = call.request_context.lifespan_context

    async def report(execution: Execution, elapsed: float) -> None:
        # Progress must grow; within one of many cells it creeps towards the next.
        progress = elapsed if total is None else done() + elapsed / (elapsed + 60.0)
        await call.report_progress(progress, total, progress_words(execution, elapsed))

    async def overdue(lost: float | None, elapsed: float) -> None:
        progress = elapsed if total is None else done() + elapsed / (elapsed + 60.0)
        await call.report_progress(progress, total, overdue_words(lost, elapsed))

    stop = cancelled(call) if stops else no
    return Patience(desk.wait_seconds() if seconds is None else seconds, report, overdue, stop)


def cancelled(call: Call) -> Callable[[], Awaitable[bool]]:
    """Return what tells of a call that ends early whether its client has cancelled it, or has gone away."""

    async def was_asked() -> bool:
        return await call.request_context.lifespan_context.cancelled.was_asked(call.request_id)

    return was_asked


def overdue_words(lost: float | None, elapsed: float) -> str:
    """Say that no answer comes, and since when the connection has been lost if it has."""
    if lost is None:
        return f"waiting for {elapsed:.0f} s; the server has not answered for a while"
    return (
        f"waiting for {elapsed:.0f} s; the connection to the server has been lost for {lost:.0f} s"
        " and is tried again; what runs there goes on"
    )


def progress_words(execution: Execution, elapsed: float) -> str:
    """Say how long code has been running, and what it printed last."""
    line = words.shorten(words.clean(execution.latest_line).strip(), _LAST_LINE)
    return f"{execution.state.value} for {elapsed:.0f} s{f': {line}' if line else ''}"
