"""`jlab-mcp demo`: an agent's session at work, with real parts only, checked step by step."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from jlab_mcp.cli.demo_cells import CELLS, StepFailed, check_notebook
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import say, show_error
from jlab_mcp.errors import DemoFailed, ExitCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mcp import ClientSession
    from mcp_types import CallToolResult
    from rich.console import Console

_CALL_SECONDS = 180.0
# -P: a module of the project folder must not stand in for one of Python's own.
_COMMAND = [sys.executable, "-P", "-m", "jlab_mcp"]


def demo() -> None:
    """Start a server if none runs, work in a notebook as an agent would, and check every step."""
    from rich.console import Console

    # Whoever pipes it wants lines as they are, not wrapped at 80 columns.
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    environ = _surroundings(console)
    try:
        started = _start(console, environ)
    except (StepFailed, KeyboardInterrupt) as failure:
        raise typer.Exit(_failed(failure)) from None
    try:
        notebook = asyncio.run(_work(console, environ))
        checked = check_notebook(notebook)
    except (StepFailed, KeyboardInterrupt) as failure:
        code = _failed(failure)
    else:
        code = ExitCode.OK
        console.print(f"\nThe notebook is valid, with {checked} executed cells:", style="bold")
        console.print(str(notebook))
    if started:
        stopped = _stop(console, environ)
        code = code or stopped
    if code == ExitCode.OK:
        console.print("Everything worked.", style="bold green")
    raise typer.Exit(code)


def _failed(failure: StepFailed | KeyboardInterrupt) -> int:
    if isinstance(failure, KeyboardInterrupt):
        say("interrupted")
        return ExitCode.INTERRUPTED
    hints = {"hints": [failure.hint]} if failure.hint else {}
    show_error(DemoFailed(f"the demo failed at `{failure.step}`: {failure.why}", details=hints), None)
    return failure.code


def _surroundings(console: Console) -> dict[str, str]:
    """Return the environment of everything that follows: one in which a server can be started."""
    from jlab_mcp.app.context import load
    from jlab_mcp.errors import JlabMcpError

    # The folder the demo runs in is the project, whatever client's shell it was called from.
    environ = {key: value for key, value in os.environ.items() if key != "CLAUDE_PROJECT_DIR"}
    try:
        mode = load().mode
    except JlabMcpError:  # `start` says what is wrong
        return environ
    if mode == "slurm":
        console.print("The settings here are for SLURM. So as not to wait for a job, the demo runs here,")
        console.print("with the profile `local`.")
        environ.pop("JLAB_MCP_RUN_MODE", None)
        environ["JLAB_MCP_PROFILE"] = "local"
    return environ


def _start(console: Console, environ: Mapping[str, str]) -> bool:
    """Bring a server up; False if one was running already."""
    asking = [*_COMMAND, "status", "--json"]
    with PROGRESS.during("looking for a server that runs already"):
        seen = subprocess.run(asking, capture_output=True, text=True, check=False, env=environ)
    status = json.loads(seen.stdout) if seen.stdout.startswith("{") else {}
    if status.get("state") == "ready":  # where it failed there is the error instead
        console.print(
            f"A server runs already at {status['address']}: the demo uses it and leaves it running."
        )
        return False
    _title(console, "jlab-mcp start --detach")
    # Its words go straight to the terminal: they say what is wrong, and what mends it.
    command = [*_COMMAND, "start", "--detach"]
    if code := subprocess.run(command, check=False, stdout=sys.stderr, env=environ).returncode:
        raise StepFailed("start --detach", "the server did not start; its message stands above", code=code)
    return True


def _stop(console: Console, environ: Mapping[str, str]) -> int:
    """Stop the server; the command's exit code."""
    _title(console, "jlab-mcp stop")
    return subprocess.run([*_COMMAND, "stop"], check=False, stdout=sys.stderr, env=environ).returncode


@asynccontextmanager
async def _agent(environ: Mapping[str, str]) -> AsyncIterator[ClientSession]:
    """Speak to `jlab-mcp` as any MCP client does."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    server = StdioServerParameters(command=_COMMAND[0], args=_COMMAND[1:], env=dict(environ), cwd=Path.cwd())
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        with PROGRESS.during("waiting for jlab-mcp to speak"):
            await session.initialize()
        yield session


async def _work(console: Console, environ: Mapping[str, str]) -> Path:
    """Do what an agent does; return the notebook's path.

    Raises:
        StepFailed: something did not happen as it should.
    """
    failure: StepFailed | None = None
    path: Path | None = None
    try:
        async with _agent(environ) as session:
            # Not through the task groups of the client: they would wrap it into groups of errors.
            try:
                path = await _converse(console, session)
            except StepFailed as failed:
                failure = failed
    except Exception as error:  # noqa: BLE001 - whatever the client meets, the person gets one sentence
        failure = failure or StepFailed("speak to jlab-mcp", _innermost(error))
    if failure is not None or path is None:
        raise failure or StepFailed("speak to jlab-mcp", "the connection ended early")
    return path


def _innermost(error: BaseException) -> str:
    """Say what really happened, under the groups that task groups make of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


async def _converse(console: Console, session: ClientSession) -> Path:
    opened = _facts(await _call(console, session, "start_new_session", experiment_name="demo"))
    session_id = str(opened["session_id"])
    python = str(_facts(await session.call_tool("ping", {})).get("info", {}).get("python", "python"))
    try:
        for cell in CELLS:
            answer = await _call(console, session, "execute_code", session_id=session_id, code=cell.code)
            cell.check(answer, python)
    finally:
        await _call(console, session, "shutdown_session", session_id=session_id)
    return Path(str(opened["notebook_path"]))


async def _call(console: Console, session: ClientSession, tool: str, **arguments: Any) -> CallToolResult:
    """Call a tool, and print what an agent would see of it."""
    code = arguments.get("code")
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items() if name != "code")
    _title(console, f"{tool}({shown})")
    for line in str(code).splitlines() if code else ():
        console.print(f"  {line}", style="blue")
    try:
        with PROGRESS.during(f"waiting for {tool}"):
            async with asyncio.timeout(_CALL_SECONDS):
                answer = await session.call_tool(tool, arguments)
    except TimeoutError:
        raise StepFailed(tool, f"no answer within {_CALL_SECONDS:.0f} s") from None
    for block in answer.content:
        if block.type == "text":
            console.print(block.text, style="red" if answer.is_error else "")
        elif block.type == "image":
            console.print(_picture(block.data, tool), style="magenta")
    if answer.is_error:
        raise StepFailed(tool, "the tool answered with an error, which stands above")
    return answer


def _picture(encoded: str, tool: str) -> str:
    from jlab_mcp.cli.demo_cells import open_picture
    from jlab_mcp.core.words import bytes_in_words

    picture, size = open_picture(encoded, tool)
    return f"[picture {picture.width}\u00d7{picture.height} {picture.format}, {bytes_in_words(size)}]"


def _facts(answer: CallToolResult) -> dict[str, Any]:
    return dict(answer.structured_content or {})


def _title(console: Console, text: str) -> None:
    console.print(f"\n> {text}", style="bold cyan")
    console.file.flush()
