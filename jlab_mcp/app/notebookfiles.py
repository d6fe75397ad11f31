"""Use case: a project's notebooks as files, without a server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jlab_mcp.client.models import Cell
from jlab_mcp.errors import NotANotebook
from jlab_mcp.storage.notebooks import Found, find_notebooks, read_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from jlab_mcp.core.resolver import ResolvedProfile

_SEARCH_SECONDS = 2.0
_READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SavedNotebook:
    """A notebook as it was last saved: its path relative to the notebook folder, with `/`."""

    file: Path
    path: str
    cells: list[Cell]


async def list_notebooks(resolved: ResolvedProfile, most: int) -> Found:
    """Return the newest notebooks of the project, within two seconds even of a folder that hangs."""
    search = asyncio.to_thread(find_notebooks, resolved.notebook_dir, most=most, seconds=_SEARCH_SECONDS / 2)
    try:
        return await asyncio.wait_for(search, _SEARCH_SECONDS)
    except TimeoutError:
        return Found((), complete=False)


async def saved_notebook(resolved: ResolvedProfile, path: str) -> SavedNotebook:
    """Read a notebook's file.

    Raises:
        NodeError: there is no such notebook in the notebook folder, or it cannot be read.
    """
    reading = asyncio.to_thread(read_notebook, resolved.notebook_dir, path)
    try:
        file, content = await asyncio.wait_for(reading, _READ_SECONDS)
    except TimeoutError:
        raise NotANotebook(f"{path} cannot be read: its file does not come in {_READ_SECONDS:g} s") from None
    cells = [_cell(index, cell) for index, cell in enumerate(content["cells"])]
    return SavedNotebook(file, file.relative_to(resolved.notebook_dir).as_posix(), cells)


def _cell(index: int, cell: dict[str, Any]) -> Cell:
    """Take a cell as it is in the file; what has no sense there is left out."""
    outputs, count = cell.get("outputs"), cell.get("execution_count")
    return Cell(
        cell_id=str(cell.get("id", "")),
        cell_index=index,
        cell_type=str(cell.get("cell_type", "raw")),
        source=_joined(cell.get("source")),
        execution_count=count if isinstance(count, int) else None,
        outputs=[each for each in outputs if isinstance(each, dict)] if isinstance(outputs, list) else [],
    )


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")
