"""Answers with output of code that was sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.core import words
from jlab_mcp.mcpserver import answers

if TYPE_CHECKING:
    from mcp_types import CallToolResult

    from jlab_mcp.app.notebooks import Place
    from jlab_mcp.app.output import Output
    from jlab_mcp.client import TextPart
    from jlab_mcp.client.models import Cell, Execution, TextPage
    from jlab_mcp.core.content import Limits


def part(limits: Limits, offset: int | None, limit: int | None, grep: str | None) -> TextPart | None:
    """Return the part of the full text that a call asks for, no longer than an answer; None if for none."""
    from jlab_mcp.client import TextPart

    if offset is None and limit is None and grep is None:
        return None
    return TextPart(offset or 0, min(limit or limits.chars, limits.chars), grep)


async def output_answer(found: Output, limits: Limits) -> CallToolResult:
    """Answer with an output as its own call would have, or with the part of its text that was asked for."""
    if found.page is not None:
        return _page_answer(found, found.page)
    if found.execution is not None:
        return await answers.execution_answer(found.execution, found.place, limits)
    if found.cell is not None:
        return _saved_answer(found.cell, found.place, limits)
    raise AssertionError("an output has an execution, a cell or a page")


async def cancel_answer(execution: Execution, place: Place, limits: Limits) -> CallToolResult:
    """Answer with an execution that was to be stopped, as it is now."""
    answer = await answers.execution_answer(execution, place, limits)
    if execution.state.ended:
        return answer
    note = "NOTE: The interrupt was sent, but the code has not ended: `restart_kernel` ends it."
    return answers.with_notes([note], answer)


def _page_answer(found: Output, page: TextPage) -> CallToolResult:
    ran, cell = found.execution, found.cell
    if page.matches is not None:
        shown = "\n".join(f"{match.offset}: {words.clean(match.text)}" for match in page.matches)
        what = f"{len(page.matches)} matching lines, each after its offset"
    else:
        shown = words.clean(page.text or "").rstrip("\n")
        what = "text"
    more = f"; more from offset={page.end}" if page.end < page.total else ", the end"
    if ran is not None and not ran.state.ended and page.end >= page.total:
        more = f", the end so far; later from offset={page.end}"
    where = f"[{what} of bytes {page.offset:,} to {page.end:,} of {page.total:,}{more}]"
    state = answers.state_words(ran) if ran else _saved_words(cell)
    facts: dict[str, Any] = {
        **answers.place_facts(found.place),
        **(answers.execution_facts(ran) if ran else _cell_facts(cell)),
        "offset": page.offset,
        "end": page.end,
        "total": page.total,
    }
    return answers.answer([shown, where, state, answers.place_words(found.place)], facts)


def _saved_answer(cell: Cell, place: Place, limits: Limits) -> CallToolResult:
    from jlab_mcp.core.content import render

    content = render(cell.outputs, limits, full_text="`get_output` with offset pages through all of it")
    facts = {**answers.place_facts(place), **_cell_facts(cell), "pictures": len(content.pictures)}
    lines = [content.text or "[no output]", _saved_words(cell), answers.place_words(place)]
    return answers.answer(lines, facts, content.pictures)


def _saved_words(cell: Cell | None) -> str:
    named = f"cell {cell.cell_index} (id {cell.cell_id}): " if cell else ""
    return f"[{named}saved output of an earlier run]"


def _cell_facts(cell: Cell | None) -> dict[str, Any]:
    return {"execution_id": None, "state": None} | (
        {"cell_id": cell.cell_id, "cell_index": cell.cell_index} if cell else {}
    )
