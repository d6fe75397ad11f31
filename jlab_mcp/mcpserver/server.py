"""The MCP server: its tools, its resource, and how it words every failure."""

from __future__ import annotations

import inspect
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError, UnexpectedToolError
from pydantic import ValidationError

from jlab_mcp import __version__
from jlab_mcp.errors import BadRequest, JlabMcpError
from jlab_mcp.mcpserver import (
    calls,
    cell_tools,
    code_tools,
    output_tools,
    server_tools,
    session_tools,
    wording,
)
from jlab_mcp.mcpserver.desk import Desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations

INSTRUCTIONS = """\
Run code in live Jupyter notebooks that a person can open, read and continue.

1. `ping` tells whether the project's Jupyter server runs; `start_server` starts it. A profile is a machine,
   cluster or GPU type with a server of its own (`list_profiles`); without `profile`, the one in use is meant.
2. Open a session (a notebook with its own kernel): `start_new_session`, or for an existing notebook
   `start_session_continue_notebook` (fork, nothing re-run) or `start_session_resume_notebook` (re-runs all).
   `list_sessions` finds sessions that are open already; they outlive this MCP server.
3. `execute_code` appends a cell and runs it. Variables persist between calls. Fix a cell with `edit_cell`
   rather than appending a corrected copy; note findings with `add_markdown`; try things that should leave no
   trace with `execute_scratch`.
4. `shutdown_session` when done: it frees the kernel's memory; the notebook stays.

Cells are named by index (negative from the end) or by id; ids stay valid when cells move.
Code that raises is a normal answer with state `error`. A tool error means that the call itself could not be
done; it says what to do next.
Long code: a call answers after `wait_seconds` at the latest, and the code keeps running. Do not send it
again: `get_output` with its execution_id waits for it, `cancel_execution` stops it.
An answer that begins with NOTE tells something that changed, such as a restarted kernel whose variables are
gone. Long output is cut in the middle; `get_output` pages through it (`offset`) or searches it (`grep`).
Print summaries, not whole tables. Paths are inside the project's notebook folder.
"""

_TOOLS: tuple[tuple[Callable[..., Any], ToolAnnotations], ...] = (
    (session_tools.start_new_session, calls.ADDS),
    (session_tools.start_session_resume_notebook, calls.RUNS),
    (session_tools.start_session_continue_notebook, calls.ADDS),
    (session_tools.list_sessions, calls.LOOKS),
    (code_tools.execute_code, calls.RUNS),
    (code_tools.edit_cell, calls.RUNS),
    (code_tools.run_cell, calls.RUNS),
    (code_tools.execute_scratch, calls.RUNS),
    (output_tools.get_output, calls.LOOKS),
    (output_tools.cancel_execution, calls.ENDS),
    (cell_tools.add_markdown, calls.ADDS),
    (cell_tools.delete_cell, calls.REMOVES),
    (cell_tools.read_notebook, calls.LOOKS),
    (session_tools.interrupt_kernel, calls.ENDS),
    (session_tools.restart_kernel, calls.REMOVES),
    (session_tools.shutdown_session, calls.ENDS),
    (server_tools.ping, calls.LOOKS),
    (server_tools.list_profiles, calls.LOOKS),
    (server_tools.check_resources, calls.LOOKS),
    (server_tools.start_server, calls.SETTLES),
    (server_tools.wait_for_server, calls.LOOKS),
    (server_tools.stop_server, calls.ENDS),
)


class JlabServer(MCPServer[Desk]):
    """The SDK's server, with our words for whatever goes wrong in a tool."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Desk, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool.

        Raises:
            ToolError: it could not do its work; says what happened and what to do next.
        """
        tool = self._tool_manager.get_tool(name)
        if tool is not None and (wrong := wording.misfits(arguments, tool.parameters)):
            raise ToolError(wording.coded(wording.wrong_arguments(name, wrong), BadRequest))
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, JlabMcpError):
                raise ToolError(wording.coded(wording.error_words(cause), type(cause))) from cause
            if isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
                raise ToolError(wording.coded(wording.argument_words(name, cause), BadRequest)) from cause
            if isinstance(error, UnexpectedToolError) and cause is not None:
                # The SDK logs the cause with its traceback to stderr.
                said = wording.coded(wording.unexpected_words(name, cause), JlabMcpError)
                raise UnexpectedToolError(said) from cause
            raise


def build() -> JlabServer:
    """Make the server with all its tools; nothing is read or connected yet."""
    desk = Desk()

    @asynccontextmanager
    async def life(_server: MCPServer[Desk]) -> AsyncIterator[Desk]:
        try:
            yield desk
        finally:
            await desk.close()

    async def note_cancelled(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "notifications/cancelled" and ctx.params:
            desk.cancelled.note(ctx.params.get("requestId"))
        return await call_next(ctx)

    server = JlabServer(
        "jlab-mcp",
        version=__version__,
        instructions=INSTRUCTIONS,
        lifespan=life,
        log_level="WARNING",
        middleware=[note_cancelled],
    )
    for tool, hints in _TOOLS:
        server.add_tool(
            tool, description=inspect.cleandoc(tool.__doc__ or ""), annotations=hints, structured_output=False
        )
    _add_status(server, desk)
    return server


def _add_status(server: JlabServer, desk: Desk) -> None:
    @server.resource("jlab-mcp://server/status", mime_type="application/json")
    async def server_status() -> str:
        """State of the project's Jupyter server."""
        from jlab_mcp.app.status import status

        try:
            meant = desk.find()
            found = await status(meant.target, meant.resolved, notes=meant.notes)
            return found.model_dump_json(indent=1)
        except JlabMcpError as error:
            raise ResourceError(wording.coded(wording.error_words(error), type(error))) from error


def serve() -> None:
    """Serve MCP over stdin and stdout until the client goes away."""
    # The SDK's thread that reads stdin would keep the process until the next line came; nothing is lost here.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    build().run("stdio")
