"""What commands leave on disk, and what the documents say of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.commands import COMMAND, alive, record_of, run
from tests.conftest import Project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def homely_project(bare_project: Project, tmp_path: Path) -> Project:
    """A project of a user who has set nothing, in a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        key: value
        for key, value in bare_project.env.items()
        if not key.startswith(("JLAB_MCP_", "XDG_")) or key == "JLAB_MCP_RUN_MODE"
    }
    return Project(bare_project.folder, {**kept, "HOME": str(home)})


def traces(project: Project) -> list[Path]:
    """List all that is in the project and in the home."""
    folders = (project.folder, Path(project.env["HOME"]))
    return [path for folder in folders for path in folder.rglob("*")]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("--help", 0),
        ("--version", 0),
        ("start --help", 0),
        ("start --dry-run", 0),
        ("status", 4),
        ("status --json", 4),
        ("status --profile local", 4),
        ("wait", 4),
        ("stop", 0),
        ("start soon", 3),
        ("status --profile nosuch", 3),
        ("begin", 2),
        ("start --no-such-flag", 2),
    ],
)
def test_a_command_that_starts_nothing_leaves_nothing(
    homely_project: Project, arguments: str, status: int
) -> None:
    done = run(homely_project, *arguments.split())
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert traces(homely_project) == []


@pytest.mark.live
def test_a_server_whose_files_were_deleted_is_found_and_stopped(homely_project: Project) -> None:
    assert run(homely_project, "start", "-d").returncode == 0
    record = record_of(homely_project)
    assert record
    shutil.rmtree(record.connection_file.parent)
    stopped = run(homely_project, "stop")
    assert (stopped.returncode, alive(record)) == (0, False), stopped.stderr


@pytest.mark.parametrize(
    "command", [COMMAND, [*COMMAND, "serve"], [str(Path(sys.executable).parent / "jlab-mcp")]]
)
async def test_an_mcp_server_that_starts_nothing_leaves_nothing(
    homely_project: Project, command: list[str]
) -> None:
    server = StdioServerParameters(
        command=command[0], args=command[1:], env=homely_project.env, cwd=homely_project.folder
    )
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        hello = await session.initialize()
        tools = await session.list_tools()
        await session.list_resources()
        pinged = await session.call_tool("ping", {})
        status = await session.read_resource("jlab-mcp://server/status")
        refused = await session.call_tool("execute_scratch", {"code": "1"})
    assert (hello.server_info.name, bool(hello.instructions)) == ("jlab-mcp", True)
    assert (
        len(
            json.dumps(
                [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools.tools],
                separators=(",", ":"),  # as it is sent
            )
        )
        < 14_000
    )
    assert all(tool.annotations and tool.annotations.read_only_hint is not None for tool in tools.tools)
    assert (pinged.is_error, refused.is_error) == (False, True)
    assert status.contents
    assert traces(homely_project) == []


def test_make_alone_lists_the_targets() -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    told = subprocess.run(
        ["make"], cwd=ROOT, env=kept, capture_output=True, text=True, timeout=60, check=True
    )
    listed = {line.split()[0] for line in told.stdout.splitlines()}
    assert {"demo", "test", "bench", "setup", "format", "clean"} <= listed
    assert re.search(r"^exec make .*\btest\b", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_pins_name_no_registry() -> None:
    assert "://" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not (ROOT / "uv.lock").exists()
