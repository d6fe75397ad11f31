"""An agent: the official MCP client, speaking to `python -m jlab_mcp` over stdio."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult

from jlab_mcp.errors import JlabMcpError
from tests.conftest import Project


class Served(Protocol):
    """What has a server, or will."""

    @property
    def connection_file(self) -> Path:
        """Where its server says how to reach it."""


@dataclass
class Agent:
    """Calls tools, and checks that they answer as expected, without the token."""

    session: ClientSession
    project: Served
    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool, with progress noted."""

        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append((progress, total, message))

        self._note_token()
        answer = await self.session.call_tool(tool, arguments, progress_callback=note)
        self._note_token()
        said = answer.model_dump_json() + repr(self.progress)
        assert not [token for token in self.tokens if token in said], f"{tool} told the token"
        return answer

    def _note_token(self) -> None:
        # There may be no server, or a setting or a file that the test broke.
        with contextlib.suppress(OSError, ValueError, KeyError, JlabMcpError):
            self.tokens.add(json.loads(self.project.connection_file.read_bytes())["token"])

    async def ok(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; return its facts."""
        answer = await self.call(tool, **arguments)
        assert not answer.is_error, words(answer)
        facts = dict(answer.structured_content or {})
        assert facts["text"] == words(answer)
        return facts

    async def refused(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail; return what it says."""
        answer = await self.call(tool, **arguments)
        assert answer.is_error, words(answer)
        assert "Traceback" not in words(answer), words(answer)
        return words(answer)

    async def open(self, name: str = "test", **arguments: Any) -> str:
        """Open a new session; return its id."""
        return str((await self.ok("start_new_session", experiment_name=name, **arguments))["session_id"])

    async def execute(self, session: str, code: str) -> str:
        """Run code in a session; return all that the model is told."""
        return str((await self.ok("execute_code", session_id=session, code=code))["text"])


def words(answer: CallToolResult) -> str:
    """Return the text of an answer."""
    return "\n".join(block.text for block in answer.content if block.type == "text")


@asynccontextmanager
async def agent(project: Project) -> AsyncIterator[Agent]:
    """Start an MCP server in a project, and speak to it."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "jlab_mcp"], env=project.env, cwd=project.folder
    )
    async with speaking_to(server, project) as found:
        yield found


@asynccontextmanager
async def speaking_to(server: StdioServerParameters, project: Served) -> AsyncIterator[Agent]:
    """Start any MCP server that works in a project, and speak to it."""
    failure: Exception | None = None
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        # Not through the client's task groups, which would bury a failed assertion in groups of errors.
        try:
            yield Agent(session, project)
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = error
    if failure is not None:
        raise failure
