"""Tools that open, list, interrupt, restart and end sessions."""

from typing import Annotated, Any

from mcp_types import CallToolResult
from pydantic import Field

from jlab_mcp.mcpserver import answers
from jlab_mcp.mcpserver.calls import Call
from jlab_mcp.mcpserver.session_answers import (
    end_words,
    interrupt_words,
    rerun,
    rerun_facts,
    rerun_words,
    session_answer,
)

KernelArgument = Annotated[
    str | None, Field(description="Kernel name. Default: the notebook's, else the server's.")
]


async def start_new_session(
    experiment_name: str, call: Call, kernel: KernelArgument = None
) -> CallToolResult:
    """Open a session: a new notebook named after the experiment, with a kernel of its own."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        opened = await notebooks.open_session(server, experiment_name, "new", kernel=kernel)
        return session_answer(server, opened.session, "Opened a new notebook with a fresh kernel.")


async def start_session_resume_notebook(
    experiment_name: str,
    notebook_path: str,
    call: Call,
    stop_on_error: Annotated[bool, Field(description="Leave the cells after a failing one unrun.")] = False,
) -> CallToolResult:
    """Open a session on an existing notebook and re-run all its code cells in order.

    A notebook that is open already gives its running session, and nothing is re-run.
    """
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        opened = await notebooks.open_session(
            server, experiment_name, "resume", notebook_path=notebook_path, stop_on_error=stop_on_error
        )
        if opened.already_open and not opened.executions:
            line = "The notebook is open already: this is its running session. Nothing was re-run."
            return session_answer(server, opened.session, line, {"already_open": True})
        ended = await rerun(call, server, opened)
        session = await notebooks.session(server, opened.session.session_id)
        return session_answer(server, session, rerun_words(ended), rerun_facts(ended))


async def start_session_continue_notebook(
    experiment_name: str, notebook_path: str, call: Call, kernel: KernelArgument = None
) -> CallToolResult:
    """Fork a notebook as NAME_continued with a fresh kernel; nothing is re-run."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        opened = await notebooks.open_session(
            server, experiment_name, "continue", notebook_path=notebook_path, kernel=kernel
        )
        line = "Forked the notebook; the kernel is fresh, so run the cells you need (run_cell)."
        return session_answer(server, opened.session, line)


async def list_sessions(call: Call) -> CallToolResult:
    """List the open sessions of this project's server, whoever opened them."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        found = await notebooks.sessions(server)
        place = notebooks.place(server)
        lines = [line for session in found for line in answers.listed_words(session)]
        facts: dict[str, Any] = {
            "sessions": [
                answers.session_facts(
                    session, notebooks.place(server, session.session_id, session.notebook_path)
                )
                for session in found
            ]
        }
    head = f"{len(found)} open session{'' if len(found) == 1 else 's'}."
    return answers.answer([head, *lines, answers.place_words(place)], facts)


async def interrupt_kernel(session_id: str, call: Call) -> CallToolResult:
    """Interrupt what the session runs (KeyboardInterrupt); variables stay, queued cells are dropped."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        session = await notebooks.interrupt(server, session_id)
        facts = {"interrupted": session.interrupted}
        return session_answer(server, session, interrupt_words(session), facts)


async def restart_kernel(session_id: str, call: Call) -> CallToolResult:
    """Give the session a fresh kernel: variables are lost, the notebook stays, nothing is re-run."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        session = await notebooks.restart(server, session_id)
        line = "Restarted the kernel: all variables and imports are gone."
        return session_answer(server, session, line)


async def shutdown_session(session_id: str, call: Call) -> CallToolResult:
    """End a session and its kernel and free its memory; the notebook is saved first."""
    from jlab_mcp.app import notebooks

    async with call.request_context.lifespan_context.server() as server:
        session = await notebooks.shut_down(server, session_id)
        facts = {"rescued": None if session.rescued is None else str(session.rescued)}
        return session_answer(server, session, end_words(session), facts, ended=True)
