"""A notebook as it is now: on the server that has it open, else in its file."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from jlab_mcp.app.notebooks import same_file
from jlab_mcp.app.reach import reach
from jlab_mcp.app.whereabouts import listening
from jlab_mcp.core.words import in_utf8
from jlab_mcp.errors import JlabMcpError, NotANotebook, NotebookNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.client.models import Cell, Session
    from jlab_mcp.core.resolver import ResolvedProfile

_PAGE = 50
"""Cells that are asked for at a time."""


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook.

    Attributes:
        path: its file.
        content: JSON of format 4, texts joined.
        session: the session that has it open, whose state this is; None where it is the file's.
        notes: what the reader should know, one sentence each, without a full stop.
    """

    path: Path
    content: dict[str, Any]
    session: Session | None = None
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> list[dict[str, Any]]:
        """Its cells."""
        return list(self.content["cells"])

    @property
    def language(self) -> str:
        """Name of the language of its code."""
        metadata = self.content.get("metadata", {})
        named = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get(
            "language"
        )
        return str(named or "python")

    @property
    def script_suffix(self) -> str:
        """Suffix of a script in that language, with its dot."""
        return str(self.content.get("metadata", {}).get("language_info", {}).get("file_extension") or ".py")


class ShownNotebook(BaseModel):
    """A notebook, or some of its cells, as a script reads it.

    Attributes:
        notebook_path: its file.
        session_id: the session that has it open, whose state this is; null where it is the file's.
        language: name of the language of its code.
        total: how many cells it has.
        cells: those that were asked for, as in the file, each with its `index`.
    """

    notebook_path: Path
    session_id: str | None = None
    language: str
    total: int
    cells: list[dict[str, Any]]


def shown(notebook: Notebook, which: Sequence[int]) -> ShownNotebook:
    """Return the cells of the given indexes for a script."""
    cells = notebook.cells
    return ShownNotebook(
        notebook_path=notebook.path,
        session_id=notebook.session.session_id if notebook.session else None,
        language=notebook.language,
        total=len(cells),
        cells=[{"index": index, **cells[index]} for index in which],
    )


async def read(resolved: ResolvedProfile, named: str) -> Notebook:
    """Read a notebook.

    Args:
        resolved: settings that say where notebooks and servers are.
        named: its path, from the working directory or from the notebook folder, with or without `.ipynb`.

    Raises:
        NotebookNotFound: there is no such file.
        NotANotebook: the file is none.
    """
    path = _find(resolved, named)
    notes: list[str] = []
    for each in listening(resolved):
        try:
            async with reach(each.server) as connected:
                session = await _holder(connected, path)
                if session is not None:
                    content = await _live(connected, session, path)
                    return Notebook(path, content, session)
        except JlabMcpError as error:
            notes.append(f"this is what the file has: {error.message}")
    return Notebook(path, _of_file(path), notes=tuple(notes))


def _find(resolved: ResolvedProfile, named: str) -> Path:
    given = Path(os.path.expanduser(named))  # noqa: PTH111 - Path refuses an unknown ~user
    tried = [
        folder / name for folder in (Path.cwd(), resolved.notebook_dir) for name in (given, f"{given}.ipynb")
    ]
    for path in tried:
        if path.is_file():
            return Path(os.path.normpath(path))
    if given.is_dir():
        raise NotANotebook(f"`{in_utf8(named)}` is a folder")
    raise NotebookNotFound(
        f"there is no notebook `{in_utf8(named)}`, neither here nor in `{resolved.notebook_dir}`"
    )


async def _holder(connected: Connected, path: Path) -> Session | None:
    found = [each for each in await connected.client.sessions() if same_file(each.notebook_path, path)]
    return found[0] if found else None


async def _live(connected: Connected, session: Session, path: Path) -> dict[str, Any]:
    """Return what a session's server has, with what only the file knows: metadata and attachments."""
    try:
        saved = _of_file(path)
    except (NotANotebook, NotebookNotFound):  # it is being replaced by something else
        saved = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5, "cells": []}
    known = {cell.get("id"): cell for cell in saved["cells"]}
    cells: list[dict[str, Any]] = []
    while True:
        page = await connected.client.cells(session.session_id, start=len(cells), limit=_PAGE)
        cells += [_cell(each, known.get(each.cell_id) or {}) for each in page.cells]
        if not page.cells or len(cells) >= page.total:
            return {**saved, "nbformat_minor": 5, "cells": cells}


def _cell(cell: Cell, saved: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": cell.cell_id,
        "cell_type": cell.cell_type,
        "metadata": saved.get("metadata", {}),
        "source": cell.source,
    }
    if cell.cell_type == "code":
        made |= {"execution_count": cell.execution_count, "outputs": cell.outputs}
    elif "attachments" in saved:
        made["attachments"] = saved["attachments"]
    return made


def _of_file(path: Path) -> dict[str, Any]:
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells of old notebooks have no ids
            content: dict[str, Any] = nbformat.reads(text, as_version=4)
    except FileNotFoundError as error:
        raise NotebookNotFound(f"there is no notebook `{path}`") from error
    except OSError as error:
        raise NotANotebook(f"cannot read `{path}`: {error.strerror}") from error
    except Exception as error:  # nbformat's readers raise whatever comes of what they are given
        raise NotANotebook(f"`{path}` is no notebook: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(content.get("cells"), list):
        raise NotANotebook(f"`{path}` is no notebook: it has no cells")
    return content
