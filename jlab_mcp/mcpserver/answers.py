"""Answers of the tools: the same facts in words and as structured content.

Some clients hand the model the structured content instead of the text, so it carries the words again in
its field `text`. Pictures are image blocks only.
"""

from __future__ import annotations

import base64
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mcp_types import CallToolResult, ImageContent, TextContent

from jlab_mcp.core import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jlab_mcp.app.notebooks import Place
    from jlab_mcp.client.models import Execution, Session
    from jlab_mcp.core.content import Limits
    from jlab_mcp.core.images import Picture

_PICTURES_IN_THREAD = 200_000
"""Characters of encoded pictures from which fitting them would hold up other calls."""
_ASKED = frozenset({"StdinNotImplementedError", "BdbQuit"})
"""Errors of kernels whose code asked for input."""
_LINE = 500
"""Characters of an exception's text, a reason or a notice that are repeated outside the outputs."""


def answer(lines: Iterable[str], facts: dict[str, Any], pictures: Sequence[Picture] = ()) -> CallToolResult:
    """Make an answer of lines of words (empty ones are dropped) and facts."""
    text = "\n".join(line for line in lines if line)
    blocks: list[TextContent | ImageContent] = [TextContent(type="text", text=text)]
    for picture in pictures:
        data = base64.b64encode(picture.data).decode("ascii")
        blocks.append(ImageContent(type="image", data=data, mime_type=picture.mime_type))
    return CallToolResult(content=list(blocks), structured_content={**facts, "text": text})


def with_notes(notes: Sequence[str], result: CallToolResult) -> CallToolResult:
    """Put notes before what an answer says."""
    if not notes:
        return result
    head, *rest = result.content
    said = head.text if isinstance(head, TextContent) else ""
    text = "\n".join([*notes, said])
    facts = {**(result.structured_content or {}), "text": text}
    return CallToolResult(content=[TextContent(type="text", text=text), *rest], structured_content=facts)


def place_facts(place: Place) -> dict[str, Any]:
    """Return the facts that every answer which names a session carries."""
    facts = {each.name: getattr(place, each.name) for each in fields(place)}  # `asdict` copies deeply
    path = place.notebook_path
    return {**facts, "notebook_path": None if path is None else str(path)}


def place_words(place: Place) -> str:
    """Say where something happened, on one line; before it, that its job ends soon, if it does."""
    session = f"session {place.session_id} · " if place.session_id else ""
    notebook = f"notebook {place.notebook_path} · " if place.notebook_path else ""
    left = "" if place.time_left_s is None else words.duration(place.time_left_s)
    warning = f"NOTE: the job ends in {left}, and all kernels with it.\n" if place.ends_soon else ""
    job = f"job {place.job_id or 'none'}{f', {left} left' if left else ''}"
    return f"{warning}{session}{notebook}profile {place.profile} · host {place.hostname} · {job}"


async def execution_answer(
    execution: Execution,
    place: Place,
    limits: Limits,
    *,
    edited: bool = False,
) -> CallToolResult:
    """Answer with what an execution has put out, how it stands, and where.

    Args:
        execution: as it stands now.
        place: where it runs.
        limits: how much of the outputs is shown.
        edited: whether the cell's source was replaced first.
    """
    from jlab_mcp.core.content import render

    full = (
        f"the full text is in {execution.output_file}" if execution.output_file else _in_notebook(execution)
    )
    total = execution.output_bytes if execution.output_file else None
    if _picture_chars(execution) > _PICTURES_IN_THREAD or _has_svg(execution):
        import anyio.to_thread

        content = await anyio.to_thread.run_sync(
            lambda: render(execution.outputs, limits, full_text=full, full_chars=total)
        )
    else:
        content = render(execution.outputs, limits, full_text=full, full_chars=total)
    shown = content.text or _nothing_words(execution, edited=edited)
    state = [state_words(execution), _input_words(execution), _next_words(execution)]
    if execution.output_file and str(execution.output_file) not in shown:
        shown += f"\n[{full}]"  # as where a traceback was shortened
    lines = [notice_words(execution.notice), shown, *state, place_words(place)]
    facts = {**place_facts(place), **execution_facts(execution), "pictures": len(content.pictures)}
    return answer(lines, facts, content.pictures)


def execution_facts(execution: Execution) -> dict[str, Any]:
    """Return how an execution stands, without its outputs."""
    error = execution.error
    return {
        "execution_id": execution.execution_id,
        "state": execution.state.value,
        "cell_id": execution.cell_id,
        "cell_index": execution.cell_index,
        "execution_count": execution.execution_count,
        "seconds": seconds(execution),
        "output_file": str(execution.output_file) if execution.output_file else None,
        "error": error and {"ename": error.ename, "evalue": _line(error.evalue)},
        "reason": execution.reason and _line(execution.reason),
        "notice": execution.notice and _line(execution.notice),
    }


def state_words(execution: Execution) -> str:
    """Say on one line how an execution stands, in which cell, and for how long it ran."""
    state = execution.state.value.replace("_", " ")
    parts = [f"{state}: {_line(execution.reason)}" if execution.reason else state]
    if execution.cell_index is not None:
        parts.append(f"cell {execution.cell_index} (id {execution.cell_id})")
    if execution.execution_count is not None:
        parts.append(f"execution count {execution.execution_count}")
    if (took := seconds(execution)) is not None:
        parts.append(f"{took:.3g} s")
    return f"[{' · '.join(parts)}]"


def _input_words(execution: Execution) -> str:
    if execution.error is None or execution.error.ename not in _ASKED:
        return ""
    return (
        "Code cannot ask for input here, nor can a debugger: write what it would ask for into the code or"
        " read it from a file, and print what a debugger would show."
    )


def _next_words(execution: Execution) -> str:
    """Say what to do where the state alone does not tell."""
    if execution.state.value == "kernel_died" and execution.session_id is None:
        return "The kernel that was made for this code alone is gone; sessions and notebooks are untouched."
    if execution.state.value == "kernel_died":
        return (
            "All variables and imports are gone, and maybe what was printed last without flush. The notebook"
            " stays; the next call gets a new kernel."
        )
    if execution.state.ended:
        return ""
    begun = (
        f"It has run for {time.time() - execution.started_at:.0f} s" if execution.started_at else "It waits"
    )
    return (
        f"{begun} and goes on; do not send it again. `get_output` with execution_id {execution.execution_id} "
        "and wait_seconds waits for it, `cancel_execution` stops it."
    )


def _nothing_words(execution: Execution, *, edited: bool) -> str:
    if execution.cell_type not in {None, "code"}:
        return f"[{'edited; ' if edited else ''}a {execution.cell_type} cell has nothing to run]"
    return "[no output]" if execution.state.ended else "[no output yet]"


def seconds(execution: Execution) -> float | None:
    """Return how long an execution ran, in seconds; None while it has not ended."""
    if execution.started_at is None or execution.ended_at is None:
        return None
    return round(execution.ended_at - execution.started_at, 3)


def notice_words(notice: str | None) -> str:
    """Put a notice so that it is read first."""
    return f"NOTE: {_line(notice)}" if notice else ""


def session_notes(session: Session) -> list[str]:
    """Return what has to be known of a session first: what changed, and why it cannot be saved."""
    noted = session.notice or ""
    unsaved = session.save_error if session.save_error and session.save_error not in noted else None
    return [note for note in (notice_words(session.notice), notice_words(unsaved)) if note]


def session_facts(session: Session, place: Place) -> dict[str, Any]:
    """Return a session's facts."""
    return {
        **place_facts(place),
        "name": session.name,
        "kernel_name": session.kernel_name,
        "kernel_state": session.kernel_state,
        "cells": session.cells,
        "running": session.running,
        "queued": session.queued,
        "last_activity": session.last_activity,
        "notice": session.notice and _line(session.notice),
        "save_error": session.save_error and _line(session.save_error),
    }


def session_words(session: Session) -> str:
    """Say on one line how a session stands."""
    queued = f", {session.queued} queued" if session.queued else ""
    running = f", running {session.running}" if session.running else ""
    return (
        f"session {session.session_id} `{session.name}`: kernel {session.kernel_name} {session.kernel_state}"
        f"{running}{queued}{active_words(session.last_activity)}, {session.cells} cells, "
        f"{session.notebook_path}"
    )


def active_words(at: float | None) -> str:
    """Say how long ago something was last active, as a further part of a line."""
    return "" if at is None else f", last active {words.duration(max(0.0, time.time() - at))} ago"


def listed_words(session: Session) -> list[str]:
    """Return a session's line in a list of many, and below it what has to be known of it."""
    return [session_words(session), *(f"  {note}" for note in session_notes(session))]


def _line(text: str | None) -> str:
    return words.shorten(" ".join(words.clean(text or "").split()), _LINE)


def _in_notebook(execution: Execution) -> str | None:
    return None if execution.cell_id is None else "all of it is in the notebook's cell"


def _has_svg(execution: Execution) -> bool:
    return any("image/svg+xml" in (output.get("data") or {}) for output in execution.outputs)


def _picture_chars(execution: Execution) -> int:
    return sum(
        len(value)
        for output in execution.outputs
        for mime, value in (output.get("data") or {}).items()
        if mime.startswith("image/") and isinstance(value, str)
    )
