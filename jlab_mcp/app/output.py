"""Output of code that was sent before: by its execution, or by the cell that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.app import execution, notebooks
from jlab_mcp.errors import BadRequest

if TYPE_CHECKING:
    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.execution import Patience
    from jlab_mcp.client import CellRef, TextPart
    from jlab_mcp.client.models import Cell, Execution, TextPage


@dataclass(frozen=True, slots=True)
class Source:
    """Whose output is meant: an execution's, or else that of a session's cell."""

    execution_id: str | None = None
    session_id: str | None = None
    cell: CellRef | None = None

    def __post_init__(self) -> None:
        """Check that one is named.

        Raises:
            BadRequest: neither or both are.
        """
        by_cell = self.session_id is not None and self.cell is not None
        if by_cell == (self.execution_id is not None):
            raise BadRequest("give either execution_id, or session_id and cell")


@dataclass(frozen=True, slots=True)
class Output:
    """What was found.

    Attributes:
        place: where.
        execution: how it stands; None once the service has forgotten it.
        cell: the cell as it is saved, where there is no execution.
        page: the part of the full text, if one was asked for.
    """

    place: notebooks.Place
    execution: Execution | None = None
    cell: Cell | None = None
    page: TextPage | None = None


async def get(
    connected: Connected, source: Source, patience: Patience, part: TextPart | None = None
) -> Output:
    """Wait for the code as `patience` says, and return its output, or part of the full text.

    Raises:
        ExecutionNotFound: there is none of this id, or it ended long ago.
        SessionNotFound, CellNotFound: there is no such cell.
        BadRequest: the search is no regular expression, or takes too long.
    """
    client = connected.client
    if source.session_id is None or source.cell is None:
        return await _of(connected, source.execution_id or "", patience, part)
    last = await client.cell_output(source.session_id, source.cell)
    if last.execution is not None:
        return await _of(connected, last.execution.execution_id, patience, part)
    session = await notebooks.session(connected, source.session_id)
    place = notebooks.place(connected, session.session_id, session.notebook_path)
    page = await client.cell_text(source.session_id, last.cell.cell_id, part) if part else None
    return Output(place, cell=last.cell, page=page)


async def _of(connected: Connected, execution_id: str, patience: Patience, part: TextPart | None) -> Output:
    ran = await execution.attach(connected, execution_id, patience)
    page = await connected.client.execution_text(execution_id, part) if part else None
    return Output(await notebooks.place_of(connected, ran), ran, page=page)
