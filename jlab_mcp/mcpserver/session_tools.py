"""Tools that open, list, interrupt, restart and end sessions."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from jlab_mcp.mcpserver import answers
from jlab_mcp.mcpserver.calls import Call, ProfileArgument, WaitArgument, cancelled
from jlab_mcp.mcpserver.kernel_answers import closed_facts, gone_words
from jlab_mcp.mcpserver.session_answers import (
    end_words,
    interrupt_words,
    listed,
    recovered_notes,
    rerun,
    rerun_facts,
    rerun_words,
    session_answer,
    sessions_answer,
    taken_up_words,
)

KernelArgument = Annotated[
    str | None, Field(description="Kernel name. Default: the notebook's, else the server's.")
]


async def start_new_session(
    experiment_name: str, call: Call, kernel: KernelArgument = None, profile: ProfileArgument = None
) -> CallToolResult:
    """Open a session: a new notebook named after the experiment, with a kernel of its own."""
    from jlab_mcp.app import notebooks

    desk = call.request_context.lifespan_context
    meant = desk.find(profile)
    async with desk.at(meant.target) as server:
        opened = await notebooks.open_session(
            server, experiment_name, "new", kernel=kernel, stop=cancelled(call)
        )
        desk.remember(opened.session.session_id, server)
        answer = session_answer(server, opened.session, "Opened a new notebook with a fresh kernel.")
        return answers.with_notes(desk.news(server, meant), answer)


async def start_session_resume_notebook(
    experiment_name: str,
    notebook_path: str,
    call: Call,
    stop_on_error: Annotated[bool, Field(description="Leave the cells after a failing one unrun.")] = False,
    wait_seconds: WaitArgument = None,
    profile: ProfileArgument = None,
) -> CallToolResult:
    """Open a session on an existing notebook and re-run all its code cells in order.

    A notebook that is open already gives its running session, or the kernel that a person has there, and
    nothing is re-run.
    """
    from jlab_mcp.app import notebooks

    desk = call.request_context.lifespan_context
    meant = await desk.find_for_notebook(notebook_path, profile)
    async with desk.at(meant.target) as server:
        opened = await notebooks.open_session(
            server,
            experiment_name,
            "resume",
            notebook_path=notebook_path,
            stop_on_error=stop_on_error,
            stop=cancelled(call),
        )
        desk.remember(opened.session.session_id, server)
        notes = [*recovered_notes(opened), *desk.news(server, meant)]
        if (opened.already_open or opened.attached) and not opened.executions:
            facts = {"already_open": True, "attached": opened.attached, "recovered": opened.recovered}
            answer = session_answer(server, opened.session, taken_up_words(opened), facts)
            return answers.with_notes(notes, answer)
        cells = await rerun(call, server, opened, wait_seconds)
        session = await notebooks.session(server, opened.session.session_id)
        facts = {**rerun_facts(cells), "recovered": opened.recovered}
        answer = session_answer(server, session, rerun_words(cells), facts)
        return answers.with_notes(notes, answer)


async def start_session_continue_notebook(
    experiment_name: str,
    notebook_path: str,
    call: Call,
    kernel: KernelArgument = None,
    profile: ProfileArgument = None,
) -> CallToolResult:
    """Fork a notebook as NAME_continued with a fresh kernel; nothing is re-run."""
    from jlab_mcp.app import notebooks

    desk = call.request_context.lifespan_context
    meant = desk.find(profile)
    async with desk.at(meant.target) as server:
        opened = await notebooks.open_session(
            server,
            experiment_name,
            "continue",
            notebook_path=notebook_path,
            kernel=kernel,
            stop=cancelled(call),
        )
        desk.remember(opened.session.session_id, server)
        line = "Forked the notebook; the kernel is fresh, so run the cells you need (run_cell)."
        answer = session_answer(server, opened.session, line, {"recovered": opened.recovered})
        return answers.with_notes([*recovered_notes(opened), *desk.news(server, meant)], answer)


async def list_sessions(call: Call, profile: ProfileArgument = None) -> CallToolResult:
    """List the open sessions of this project's servers, whoever opened them, and kernels that are in none."""
    desk = call.request_context.lifespan_context
    found, notes = await listed(desk, profile)
    return answers.with_notes(notes, sessions_answer(found))


async def interrupt_kernel(session_id: str, call: Call) -> CallToolResult:
    """Interrupt what the session runs (KeyboardInterrupt); variables stay, queued cells are dropped."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.session(session_id) as server:
        session = await notebooks.interrupt(server, session_id)
        facts = {"interrupted": session.interrupted, "not_run": session.not_run}
        return session_answer(server, session, interrupt_words(session), facts)


async def restart_kernel(session_id: str, call: Call) -> CallToolResult:
    """Give the session a fresh kernel: variables are lost, the notebook stays, nothing is re-run."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.session(session_id) as server:
        session = await notebooks.restart(server, session_id)
        line = "Restarted the kernel: all variables and imports are gone."
        return session_answer(server, session, line)


async def shutdown_session(session_id: str, call: Call) -> CallToolResult:
    """End a session and its kernel and free its memory; the notebook is saved first.

    It also ends a kernel without a server that `list_sessions` shows.
    """
    from jlab_mcp.app import notebooks

    desk = call.request_context.lifespan_context
    async with desk.session(session_id) as server:
        session = await notebooks.shut_down(server, session_id)
    desk.forget(session_id)
    line = f"{end_words(session)} {gone_words(session)}"
    return session_answer(server, session, line, closed_facts(session), ended=True)
