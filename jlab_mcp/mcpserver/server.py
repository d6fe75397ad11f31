"""The MCP server: its tools, resources and prompts, and how it words every failure."""

from __future__ import annotations

import inspect
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import (
    ResourceError,
    ResourceNotFoundError,
    ToolError,
    UnexpectedToolError,
)
from pydantic import ValidationError

from jlab_mcp import __version__
from jlab_mcp.errors import (
    BadRequest,
    JlabMcpError,
    NotANotebook,
    NotebookNotFound,
    PathOutsideRoot,
    SessionNotFound,
)
from jlab_mcp.mcpserver import (
    calls,
    cell_tools,
    code_tools,
    completions,
    output_tools,
    prompts,
    resources,
    server_tools,
    session_tools,
    stdio,
    wording,
)
from jlab_mcp.mcpserver.desk import Desk
from jlab_mcp.mcpserver.instructions import INSTRUCTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from mcp.server.lowlevel.helper_types import ReadResourceContents
    from mcp_types import CallToolResult, GetPromptResult, InputRequiredResult, Resource, ToolAnnotations
    from pydantic import AnyUrl

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


_NOT_THERE = (SessionNotFound, NotebookNotFound, NotANotebook, PathOutsideRoot)
"""What is wrong with the address of a resource, not with what it leads to."""


class JlabServer(MCPServer[Desk]):
    """The SDK's server, with our words for whatever goes wrong, and resources that come and go."""

    def __init__(self, desk: Desk, **settings: Any) -> None:
        super().__init__("jlab-mcp", version=__version__, instructions=INSTRUCTIONS, **settings)
        self._desk = desk

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

    async def list_resources(self) -> list[Resource]:
        """List the resources there are now; starts nothing, and waits a few seconds at most."""
        return await resources.listed(self._desk, await self.fixed_resources())

    async def fixed_resources(self) -> list[Resource]:
        """List the resources that are there in any project."""
        return await super().list_resources()

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Desk, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource.

        Raises:
            ResourceError: it cannot be read, or is not there; says what to do next.
        """
        try:
            return await super().read_resource(uri, context)
        except ResourceError as error:
            cause = error.__cause__
            if isinstance(cause, JlabMcpError):
                kind = ResourceNotFoundError if isinstance(cause, _NOT_THERE) else ResourceError
                raise kind(wording.coded(wording.error_words(cause), type(cause))) from cause
            if isinstance(error, ResourceNotFoundError) and str(error).startswith("Unknown resource"):
                raise ResourceNotFoundError(wording.unknown_resource(str(uri))) from error
            raise

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[Desk, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Fill a prompt in.

        Raises:
            MCPError: there is none of that name, or its arguments are wrong.
        """
        prompts.check(name, arguments, await self.list_prompts())
        return await super().get_prompt(name, arguments, context)

    async def run_stdio_async(self) -> None:
        """Serve over stdin and stdout."""
        inside = self._lowlevel_server
        async with stdio.wires() as (coming, going):
            await inside.run(coming, going, inside.create_initialization_options())


def build() -> JlabServer:
    """Make the server with all its tools, resources and prompts; nothing is read or connected yet."""
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

    server = JlabServer(desk, lifespan=life, log_level="WARNING", middleware=[note_cancelled])
    for tool, hints in _TOOLS:
        server.add_tool(
            tool, description=inspect.cleandoc(tool.__doc__ or ""), annotations=hints, structured_output=False
        )
    resources.add(server, desk)
    prompts.add(server)
    completions.add(server, desk)
    return server


def serve() -> None:
    """Serve MCP over stdin and stdout until the client goes away."""
    # Nothing is lost here. Where a thread reads stdin it would keep the process until the next line.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    build().run("stdio")
