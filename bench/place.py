"""A project folder of its own, the commands run in it, and an agent that speaks MCP to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult

COMMAND_SECONDS = 180.0
"""The most one command or one tool call may take; it only ends a run that hangs."""


class BenchError(Exception):
    """Something that had to run did not."""


@dataclass(frozen=True)
class Place:
    """A project folder and the environment of everything that is measured in it."""

    project: Path
    env: dict[str, str]

    def jlab_mcp(self, *arguments: str) -> None:
        """Run the jlab-mcp command to its end."""
        answer = subprocess.run(
            [*jlab_mcp_command(), *arguments],
            cwd=self.project,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if answer.returncode != 0:
            said = (answer.stderr or answer.stdout).strip()
            raise BenchError(f"`jlab-mcp {' '.join(arguments)}` exited {answer.returncode}: {said[-800:]}")

    def wait_for_spare(self) -> None:
        """Wait until the server has a spare kernel, as its node service tells."""
        (file,) = Path(self.env["HOME"], ".jlab-mcp/connections").glob("*.connection.json")
        connection = json.loads(file.read_text(encoding="utf-8"))
        headers = {"Authorization": f"token {connection['token']}"}
        deadline = time.monotonic() + COMMAND_SECONDS
        with httpx.Client(base_url=connection["url"], headers=headers, trust_env=False) as http:
            while not http.get("jlab-mcp/v1/info").raise_for_status().json()["spare_kernels"]:
                if time.monotonic() > deadline:
                    raise BenchError("there is no spare kernel")
                time.sleep(0.05)


def jlab_mcp_command() -> list[str]:
    """Give the installed command, which is what a client's configuration names."""
    script = Path(sys.executable).with_name("jlab-mcp")
    return [str(script)] if script.exists() else [sys.executable, "-m", "jlab_mcp"]


@contextmanager
def temporary_place() -> Iterator[Place]:
    """Make a project and a home in a folder of their own; at the end its server and the folder go."""
    root = Path(tempfile.mkdtemp(prefix="jlab-mcp-bench-"))
    project, home = root / "project", root / "home"
    (project / "notebooks").mkdir(parents=True)
    home.mkdir()
    bin_dir = str(Path(sys.executable).parent)
    # Run by an agent, CLAUDE_PROJECT_DIR would lead the MCP server to another project.
    foreign = ("JLAB_MCP_", "JUPYTER", "CLAUDE_", "XDG_CONFIG")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    env |= {"HOME": str(home), "JLAB_MCP_RUN_MODE": "local", "PATH": f"{bin_dir}:{env.get('PATH', '')}"}
    place = Place(project, env)
    try:
        yield place
    finally:
        stop = [*jlab_mcp_command(), "stop"]
        subprocess.run(
            stop,
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        shutil.rmtree(root, ignore_errors=True)


@dataclass(frozen=True)
class Agent:
    """An MCP client of `jlab-mcp` over stdio."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool; an answer that is an error ends the run."""
        answer = await self.client.call_tool(tool, arguments)
        if answer.is_error:
            raise BenchError(f"{tool} failed: {words_of(answer)}")
        return answer

    async def timed(self, tool: str, **arguments: Any) -> float:
        """Call a tool and give the seconds until its answer."""
        begun = time.perf_counter()
        await self.call(tool, **arguments)
        return time.perf_counter() - begun

    async def open_session(self, name: str) -> str:
        """Open a new notebook and give the session's id."""
        return str(facts_of(await self.call("start_new_session", experiment_name=name))["session_id"])


@asynccontextmanager
async def agent(place: Place) -> AsyncIterator[Agent]:
    """Start `jlab-mcp` as an MCP client does, and end it at the end."""
    program, *arguments = jlab_mcp_command()
    server = StdioServerParameters(command=program, args=arguments, env=place.env, cwd=place.project)
    async with Client(server, mode="legacy", read_timeout_seconds=COMMAND_SECONDS) as client:
        yield Agent(client)


def facts_of(answer: CallToolResult) -> dict[str, Any]:
    """Give the structured part of a tool's answer."""
    return dict(answer.structured_content or {})


def words_of(answer: CallToolResult) -> str:
    """Give the text of a tool's answer."""
    return "\n".join(block.text for block in answer.content if block.type == "text")
