"""What a client asks of a session's cells: read a page, edit, run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import BadRequest, CellMissing
from ..notebook.document import CellNotFound, Document
from ..outputs.fulltext import FullText
from ..outputs.plaintext import text_of
from ..outputs.spool import Spool
from ..sessions.executor import OK, Execution
from ..sessions.session import Session


def page(document: Document, path: str, start: int, limit: int) -> dict[str, Any]:
    """Cells `start` to `start + limit` with their outputs; a negative start counts from the end."""
    total = len(document.cells)
    first = max(0, total + start) if start < 0 else min(start, total)
    return {
        "notebook_path": path,
        "total": total,
        "start": first,
        "cells": [
            _shown(cell, first + offset) for offset, cell in enumerate(document.cells[first : first + limit])
        ],
    }


def _shown(cell: dict[str, Any], index: int) -> dict[str, Any]:
    return {
        "cell_id": cell["id"],
        "cell_index": index,
        "cell_type": cell["cell_type"],
        "source": cell["source"],
        "execution_count": cell.get("execution_count"),
        "outputs": cell.get("outputs", []),
    }


def cell_and_execution(session: Session, ref: Any) -> tuple[dict[str, Any], Execution | None]:
    """Return a cell as a page shows it, and its last execution that is still known.

    Raises:
        CellMissing: there is no such cell.
    """
    session.file.refresh()
    at = _index(session, ref)
    cell = session.document.cells[at]
    return _shown(cell, at), session.execution_of(cell["id"])


def saved_text(session: Session, outputs: list[dict[str, Any]], cell_id: str) -> FullText:
    """Return the full text of a cell whose execution is forgotten: its file, if its outputs name one."""
    text = "".join(map(text_of, outputs))
    path = session.output_file(cell_id)
    return FullText(path=path) if path in text and os.path.isfile(path) else FullText(text)


def edit(session: Session, body: Mapping[str, Any]) -> dict[str, Any]:
    """Insert, edit, delete or move a cell, as `body["op"]` says.

    Raises:
        CellMissing: there is no such cell.
        BadRequest: the operation is not known, or lacks a part.
    """
    session.file.refresh()
    operation = body.get("op")
    if operation == "insert":
        index, cell_type = _position(body, required=False), _cell_type(body)
        cell_id = _known(session.document.insert, index, cell_type, _source(body))
    elif operation in ("edit", "delete", "move"):
        at = _index(session, body.get("cell"))
        cell_id = session.document.cell(at)["id"]
        if operation == "edit":
            session.document.set_source(cell_id, _source(body))
        elif operation == "move":
            _known(session.document.move, cell_id, _position(body, required=True))
        else:
            return _deleted(session, at)
    else:
        raise BadRequest(f"op is insert, edit, delete or move, not {operation!r}")
    session.file.changed()
    return _described(session, _index(session, cell_id))


def _deleted(session: Session, at: int) -> dict[str, Any]:
    described = _described(session, at)
    session.document.delete(at)
    session.file.changed()
    return {**described, "total": len(session.document)}


def _described(session: Session, at: int) -> dict[str, Any]:
    cell = session.document.cell(at)
    notices = [*session.take_notices(), *filter(None, [session.file.save_error])]
    return {
        "cell_id": cell["id"],
        "cell_index": at,
        "cell_type": cell["cell_type"],
        "total": len(session.document),
        "notice": ". ".join(notices) + "." if notices else None,
    }


def run(session: Session, execution_id: str, body: Mapping[str, Any]) -> Execution:
    """Queue `body["code"]` as a new cell at the end, or the cell `body["cell"]`.

    A `source` beside `cell` edits that cell first. A markdown cell is only edited: its execution is
    ended at once.

    Raises:
        CellMissing: there is no such cell.
        BadRequest: neither or both are given.
    """
    session.file.refresh()
    if ("code" in body) == ("cell" in body):
        raise BadRequest("give either code or cell")
    if "code" in body:
        code = body["code"]
        if not isinstance(code, str):
            raise BadRequest(f"code must be a string, not {code!r}")
        cell = session.document.cell(session.document.insert(None, "code", code))
    else:
        cell = session.document.cell(_index(session, body["cell"]))
        if "source" in body:
            cell = session.document.cell(session.document.set_source(cell["id"], _source(body)))
    session.file.changed()
    if cell["cell_type"] != "code":
        return _unrun(session, execution_id, cell)
    return session.submit(execution_id, cell["source"], cell["id"])


def _unrun(session: Session, execution_id: str, cell: dict[str, Any]) -> Execution:
    execution = Execution(execution_id, session.session_id, cell["source"], cell["id"], Spool(""))
    execution.cell_type = cell["cell_type"]
    session.executions[execution_id] = execution
    execution.end(OK)
    return execution


def _index(session: Session, ref: Any) -> int:
    return int(_known(session.document.index_of, ref))


def _known(action: Callable[..., Any], *arguments: Any) -> Any:
    """Call a method of the document.

    Raises:
        CellMissing: it knows no such cell or place.
    """
    try:
        return action(*arguments)
    except CellNotFound as error:
        raise CellMissing(str(error)) from error


def _source(body: Mapping[str, Any]) -> str:
    source = body.get("source")
    if not isinstance(source, str):
        raise BadRequest(f"source must be a string, not {source!r}")
    return source


def _cell_type(body: Mapping[str, Any]) -> str:
    cell_type = body.get("cell_type", "code")
    if cell_type not in ("code", "markdown", "raw"):
        raise BadRequest(f"cell_type is code, markdown or raw, not {cell_type!r}")
    return str(cell_type)


def _position(body: Mapping[str, Any], *, required: bool) -> Any:
    index = body.get("index")
    if index is None and not required:
        return None
    if isinstance(index, bool) or not isinstance(index, int):
        raise BadRequest(f"index must be a whole number, not {index!r}")
    return index
