"""What a session runs at the moment, in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.client.asking import News
from jlab_mcp.client.models import ExecutionState
from jlab_mcp.errors import NodeError

if TYPE_CHECKING:
    from jlab_mcp.client import NodeClient
    from jlab_mcp.client.models import Session


class RunningCell(BaseModel):
    """What a session runs."""

    model_config = ConfigDict(frozen=True)

    execution_id: str
    cell_index: int | None = None
    cell_id: str | None = None
    started_at: float | None = Field(default=None, description="Seconds since the epoch.")
    latest_line: str = Field(default="", description="What it printed last.")


async def running_cell(client: NodeClient, session: Session) -> RunningCell | None:
    """Return what a session runs; None if it has just ended.

    Raises:
        ServerError: the server does not answer.
    """
    if session.running is None:
        return None
    try:
        # Asked for news, the service leaves the outputs out.
        found = await client.execution(session.running, news=News())
    except NodeError:  # it has just been forgotten
        return None
    if found.state is not ExecutionState.RUNNING:
        return None
    return RunningCell.model_validate(found.model_dump(include=set(RunningCell.model_fields)))
