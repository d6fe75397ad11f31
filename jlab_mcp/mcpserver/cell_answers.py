"""Answers about cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.core import words
from jlab_mcp.mcpserver import answers

if TYPE_CHECKING:
    from mcp_types import CallToolResult

    from jlab_mcp.app.notebooks import Place
    from jlab_mcp.client.models import Cell, CellChange, CellPage, Session

_SOURCE, _OUTPUT = 4_000, 2_000
"""Characters of a cell's source and outputs that are shown where there is room."""


def changed(what: str, change: CellChange, place: Place) -> CallToolResult:
    """Answer that a cell was added or deleted."""
    facts: dict[str, Any] = {
        **answers.place_facts(place),
        "cell_id": change.cell_id,
        "cell_index": change.cell_index,
        "cells": change.total,
        "notice": change.notice,
    }
    line = f"{what} {change.cell_index} (id {change.cell_id}); the notebook has {change.total} cells."
    return answers.answer([answers.notice_words(change.notice), line, answers.place_words(place)], facts)


def page(page: CellPage, place: Place, chars: int, session: Session | None) -> CallToolResult:
    """Answer with a page of cells in at most about `chars` characters; `session` has the notebook open."""
    end = page.start + len(page.cells)
    if page.cells:
        head = f"Cells {page.start} to {end - 1} of {page.total}."
    else:
        head = f"No cells from {page.start} on; the notebook has {page.total}."
    more = f"More cells: start={end}." if end < page.total else ""
    facts: dict[str, Any] = {
        **answers.place_facts(place),
        "total": page.total,
        "start": page.start,
        "cells": [
            {"cell_index": cell.cell_index, "cell_id": cell.cell_id, "cell_type": cell.cell_type}
            for cell in page.cells
        ],
        "save_error": session and answers.session_facts(session, place)["save_error"],
    }
    notes = [*(answers.session_notes(session) if session else []), answers.notice_words(page.notice)]
    cells = _cells_words(page.cells, chars)
    return answers.answer([*notes, head, cells, more, answers.place_words(place)], facts)


def _cells_words(cells: list[Cell], chars: int) -> str:
    """Show every cell in full if that fits, else each within its share."""
    text = "\n".join(cell_words(cell, _SOURCE, _OUTPUT) for cell in cells)
    if len(text) > chars:
        share = max(100, chars // len(cells) - 100)
        text = "\n".join(cell_words(cell, share * 2 // 3, share // 3) for cell in cells)
    return words.head_and_tail(text, chars)


def cell_words(cell: Cell, source: int, output: int) -> str:
    """Show a cell, with so many characters of its source and of its outputs."""
    from jlab_mcp.core.content import summary

    count = f" · execution count {cell.execution_count}" if cell.execution_count is not None else ""
    lines = [f"--- {cell.cell_index} · {cell.cell_type} · id {cell.cell_id}{count}"]
    lines.append(words.head_and_tail(words.clean(cell.source), source))
    if shown := summary(cell.outputs, output):
        lines += ["-> output:", shown]
    return "\n".join(lines)
