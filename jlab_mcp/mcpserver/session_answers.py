"""Answers about sessions, and the re-run of a resumed notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jlab_mcp.core import words
from jlab_mcp.errors import ServerError
from jlab_mcp.mcpserver import answers
from jlab_mcp.mcpserver.calls import patience
from jlab_mcp.mcpserver.kernel_answers import kernel_facts, left_words, other_words
from jlab_mcp.mcpserver.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_types import CallToolResult

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.client.models import (
        ClosedSession,
        Execution,
        InterruptedSession,
        OpenedSession,
        Session,
        SessionList,
    )
    from jlab_mcp.mcpserver.calls import Call
    from jlab_mcp.mcpserver.desk import Desk


@dataclass(frozen=True, slots=True)
class ListedServer:
    """A server and its sessions."""

    server: Connected
    listing: SessionList


_FAILED_SHOWN = 20
_FAILED_CHARS = 300
_SKIP = "skip-execution"


def session_answer(
    server: Connected,
    session: Session,
    line: str,
    facts: dict[str, Any] | None = None,
    *,
    ended: bool = False,
) -> CallToolResult:
    """Answer with a line of what was done and the session as it is now."""
    from jlab_mcp.app import notebooks

    place = notebooks.place(server, session.session_id, session.notebook_path)
    state = "" if ended else answers.session_words(session)
    return answers.answer(
        [*answers.session_notes(session), line, state, answers.place_words(place)],
        {**answers.session_facts(session, place), **(facts or {})},
    )


async def listed(desk: Desk, profile: str | None) -> tuple[list[ListedServer], list[str]]:
    """Ask the server of a profile for its sessions, or every one of the project that runs; with the news.

    Raises:
        ServerError: none runs, or the only one does not answer.
    """
    targets = [] if profile else desk.listening()
    if len(targets) < 2:  # noqa: PLR2004 - nothing to choose from
        meant = desk.find(profile)
        async with desk.at(meant.target) as server:
            return [ListedServer(server, await server.client.listing())], desk.news(server, meant)
    found: list[ListedServer] = []
    silent: list[ServerError] = []
    for target in targets:
        try:
            async with desk.at(target) as server:
                found.append(ListedServer(server, await server.client.listing()))
        except ServerError as error:
            silent.append(error)
    if not found:
        raise silent[0]
    notes = [f"NOTE: {sentence(error.message)}" for error in silent]
    return found, [*notes, *desk.news_of_all(each.server for each in found)]


def sessions_answer(found: Sequence[ListedServer]) -> CallToolResult:
    """Answer with the sessions of one server or of several."""
    from jlab_mcp.app import notebooks

    total = sum(len(each.listing.sessions) for each in found)
    lines = [f"{total} open session{'' if total == 1 else 's'}."]
    facts: list[dict[str, Any]] = []
    told: set[str] = set()
    for each in found:
        here = answers.place_words(notebooks.place(each.server))
        lines += [here] if len(found) > 1 else []
        for session in each.listing.sessions:
            place = notebooks.place(each.server, session.session_id, session.notebook_path)
            lines += answers.listed_words(session)
            facts.append(answers.session_facts(session, place))
        lines += other_words(each.listing.others)
        lines += left_words(kernel for kernel in each.listing.left if kernel.left_id not in told)
        told |= {kernel.left_id for kernel in each.listing.left}
        lines += [here] if len(found) == 1 else []
    return answers.answer(lines, {"sessions": facts, **kernel_facts(each.listing for each in found)})


def interrupt_words(session: InterruptedSession) -> str:
    """Say what an interrupt did, and how many executions that waited are not run now."""
    count = len(session.not_run)
    dropped = f" {count} queued execution{'s were' if count > 1 else ' was'} not run." if count else ""
    if session.interrupted:
        return f"Interrupted the running code.{dropped}"
    if session.running is None and session.kernel_state != "busy":
        return f"Nothing was running.{dropped}"
    return (
        f"Sent the interrupt, but the code has not ended: it may end later, or not react at all.{dropped} "
        "`restart_kernel` ends it (variables are lost)."
    )


def taken_up_words(opened: OpenedSession) -> str:
    """Say which running session, or which person's kernel, a notebook that is open already has given."""
    if opened.attached:
        return (
            "The notebook is open in JupyterLab: the session has taken up its kernel as it is, with all its "
            "variables. Nothing was re-run; `shutdown_session` would end this kernel for the person too."
        )
    return "The notebook is open already: this is its running session. Nothing was re-run."


def recovered_notes(opened: OpenedSession) -> list[str]:
    """Return what has to be known first of what was brought into the notebook."""
    return [f"NOTE: {sentence(opened.recovered)}"] if opened.recovered else []


def end_words(session: ClosedSession) -> str:
    """Say what became of a session that was ended, and where its notebook is."""
    if session.kernel_state == "left":
        return "Ended a kernel whose server was gone."
    if session.rescued is not None:
        return f"Ended the session; its notebook's file could not be saved, a copy is in {session.rescued}."
    if session.save_error is not None:
        return "Ended the session; its notebook's file does not hold the last changes."
    return "Ended the session; its notebook is saved."


@dataclass(frozen=True, slots=True)
class Rerun:
    """The code cells of a resumed notebook, in order: those that have ended, and those that have not."""

    ended: list[Execution]
    left: list[Execution]

    @property
    def failed(self) -> list[Execution]:
        """Those that did not end well, unless a tag of their cell says that this is right."""
        return [execution for execution in self.ended if execution.state.value != "ok" and not execution.tag]

    @property
    def tagged(self) -> list[Execution]:
        """Those that failed or were not run because a tag of their cell says so."""
        return [execution for execution in self.ended if execution.tag]


async def rerun(call: Call, server: Connected, opened: OpenedSession, wait_seconds: float | None) -> Rerun:
    """Wait for the queued cells, with progress for each; only what the answer needs is kept."""
    from jlab_mcp.app import execution

    total = len(opened.executions)
    ended: list[Execution] = []
    waiting = patience(call, wait_seconds, done=lambda: len(ended), total=total)
    async for found in execution.follow_all(server, opened.executions, waiting):
        brief = found.model_copy(update={"outputs": []})
        if not found.state.ended:
            return Rerun(ended, [brief, *opened.executions[len(ended) + 1 :]])
        ended.append(brief)
        line = f"code cell {len(ended)} of {total}: {found.state.value}"
        await call.report_progress(len(ended), total, line)
    return Rerun(ended, [])


def rerun_words(cells: Rerun) -> str:
    """Say how many cells succeeded, list those that did not, and say how to wait for those that still run."""
    took = sum(answers.seconds(execution) or 0.0 for execution in cells.ended)
    run = [execution for execution in cells.ended if execution.tag != _SKIP]
    good = len(cells.ended) - len(cells.failed) - len(cells.tagged)
    begun = "Re-ran the notebook" if not cells.left else "Re-running the notebook; so far"
    lines = [f"{begun} in {took:.3g} s: {good} of {len(run)} code cells succeeded."]
    for tag in dict.fromkeys(execution.tag for execution in cells.tagged):
        tagged = words.listed(str(each.cell_index) for each in cells.tagged if each.tag == tag)
        did = "was not run and keeps its outputs" if tag == _SKIP else "failed, as expected"
        lines.append(f"Tagged {tag}, so it {did}: cell {tagged}.")
    for execution in cells.failed[:_FAILED_SHOWN]:
        error = execution.error
        why = f" {error.ename}: {error.evalue}" if error else ""
        line = f"- {answers.state_words(execution)}{why}"
        lines.append(words.shorten(" ".join(words.clean(line).split()), _FAILED_CHARS))
    if len(cells.failed) > _FAILED_SHOWN:
        lines.append(f"- and {len(cells.failed) - _FAILED_SHOWN} more")
    if cells.left:
        lines.append(_left_words(cells.left))
    return "\n".join(lines)


def _left_words(left: list[Execution]) -> str:
    now, last = left[0], left[-1]
    return (
        f"{len(left)} more go on, now {answers.state_words(now)}. `get_output` with execution_id "
        f"{last.execution_id} and wait_seconds waits for the last one, `interrupt_kernel` stops them."
    )


def rerun_facts(cells: Rerun) -> dict[str, Any]:
    """Return the same as facts."""
    failed = []
    for execution in cells.failed[:_FAILED_SHOWN]:
        facts = answers.execution_facts(execution)
        failed.append({key: facts[key] for key in ("cell_index", "cell_id", "state", "error")})
    left = [execution.execution_id for execution in cells.left]
    return {
        "already_open": False,
        "code_cells": len(cells.ended) + len(left),
        "failed": failed,
        "tagged": [
            {"cell_index": each.cell_index, "cell_id": each.cell_id, "tag": each.tag}
            for each in cells.tagged[:_FAILED_SHOWN]
        ],
        "left": len(left),
        "execution_id": left[-1] if left else None,
    }
