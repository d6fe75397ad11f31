"""Sessions and cells: open a notebook with a kernel, look at it, change it, and end it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jlab_mcp.app.execution import given_up, no
from jlab_mcp.app.queue import remaining
from jlab_mcp.core.ids import random_id
from jlab_mcp.errors import BadRequest, Remedy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.client import CellRef
    from jlab_mcp.client.models import (
        CellChange,
        CellPage,
        ClosedSession,
        Execution,
        InterruptedSession,
        OpenedSession,
        Resources,
        Session,
    )

Mode = Literal["new", "resume", "continue"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened: what every answer that names a session carries.

    Attributes:
        session_id: the session.
        notebook_path: its notebook.
        profile: the profile of its server.
        hostname: the server's host.
        job_id: the server's SLURM job.
        job_state: SLURM's name of its state, as last asked.
        time_left_s: seconds until the job's time limit is over, if that is known.
        ends_soon: whether that is little enough to warn.
    """

    session_id: str | None
    notebook_path: Path | None
    profile: str
    hostname: str
    job_id: str | None
    job_state: str | None = None
    time_left_s: float | None = None
    ends_soon: bool = False


def place(connected: Connected, session_id: str | None = None, notebook_path: Path | None = None) -> Place:
    """Return the place of a session on a server, or that of the server alone."""
    link = connected.connection
    left = remaining(connected.record, link)
    return Place(
        session_id,
        notebook_path,
        link.profile,
        link.hostname,
        link.job_id,
        left.state,
        left.seconds,
        left.warn,
    )


async def place_of(connected: Connected, execution: Execution) -> Place:
    """Return the place of an execution."""
    path = execution.notebook_path
    if path is None and execution.session_id is not None:
        path = (await connected.client.session(execution.session_id)).notebook_path
    return place(connected, execution.session_id, path)


async def open_session(
    connected: Connected,
    name: str,
    mode: Mode,
    *,
    notebook_path: str | None = None,
    kernel: str | None = None,
    stop_on_error: bool = False,
    stop: Callable[[], Awaitable[bool]] = no,
) -> OpenedSession:
    """Open a notebook with a kernel of its own.

    `new` makes a notebook (its name never overwrites one), `resume` opens one and queues all its code
    cells (`stop_on_error`: those after a failing one are not run), `continue` forks one as
    `NAME_continued` and runs nothing.

    A caller who gives up meanwhile, and says yes when `stop` asks, leaves no session, and no cell runs.

    Raises:
        NodeError: the path, the notebook or the kernel will not do.
    """
    if not name.strip():
        raise BadRequest("experiment_name is empty")
    session_id = random_id(8)
    try:
        return await connected.client.open_session(
            name,
            mode,
            session_id=session_id,
            notebook_path=notebook_path,
            kernel=kernel,
            stop_on_error=stop_on_error,
        )
    except asyncio.CancelledError:
        await given_up(stop, lambda: connected.client.give_up_opening(session_id))
        raise


async def sessions(connected: Connected) -> list[Session]:
    """List the sessions of a server, whoever opened them."""
    return await connected.client.sessions()


async def session(connected: Connected, session_id: str) -> Session:
    """Look a session up.

    Raises:
        SessionNotFound: there is none.
    """
    return await connected.client.session(session_id)


async def interrupt(connected: Connected, session_id: str) -> InterruptedSession:
    """Interrupt what a session runs; code may ignore it and run on."""
    return await connected.client.interrupt(session_id)


async def restart(connected: Connected, session_id: str) -> Session:
    """Give a session a fresh kernel: all its variables are gone, the notebook stays."""
    return await connected.client.restart(session_id)


async def shut_down(connected: Connected, session_id: str) -> ClosedSession:
    """End a session and its kernel; the notebook stays, or a copy where its file cannot be saved.

    Raises:
        NotebookUnwritable: neither can be written; the session stays open.
    """
    return await connected.client.close_session(session_id)


async def add_markdown(
    connected: Connected, session_id: str, markdown: str, *, index: int | None = None
) -> CellChange:
    """Insert a markdown cell before `index` (negative from the end), or append it."""
    return await connected.client.insert_cell(session_id, "markdown", markdown, index=index)


async def delete_cell(connected: Connected, session_id: str, cell: CellRef) -> CellChange:
    """Delete a cell; what it defined in the kernel stays."""
    return await connected.client.delete_cell(session_id, cell)


async def read(
    connected: Connected, *, session_id: str | None, notebook_path: str | None, start: int, limit: int
) -> tuple[CellPage, Session | None]:
    """Read cells of a session's notebook, or of any notebook in the notebook folder.

    Returns:
        The page, and the session that has the notebook open, if any.

    Raises:
        BadRequest: neither was named.
        NodeError: there is no such session or notebook.
    """
    if notebook_path is not None:
        page = await connected.client.notebook(notebook_path, start=start, limit=limit)
        # The file of an open notebook is saved a little behind; its session knows better.
        opened = [
            each for each in await sessions(connected) if same_file(each.notebook_path, page.notebook_path)
        ]
        if not opened:
            return page, None
        holder = opened[0]
    elif session_id is None:
        raise BadRequest("name a session_id or a notebook_path", remedy=Remedy.LIST_SESSIONS)
    else:
        holder = await session(connected, session_id)
    return await connected.client.cells(holder.session_id, start=start, limit=limit), holder


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one notebook, symbolic links followed."""
    return one == other or os.path.realpath(one) == os.path.realpath(other)


async def resources(connected: Connected) -> Resources:
    """Read the machine's CPUs, memory and GPUs; no kernel is started."""
    return await connected.client.resources()
