"""The MCP bundle: its own checker accepts it, and started as a client starts it, it runs code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from release.bundle import write_bundle
from tests.clients.conftest import path_of_clients
from tests.release.conftest import Built

pytestmark = [pytest.mark.timeout(900)]  # packages may have to come over a slow network


@pytest.fixture(scope="module")
def bundle(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(built.wheel, tmp_path_factory.mktemp("bundle"))


def test_the_same_wheel_gives_the_same_bundle(bundle: Path, built: Built, tmp_path: Path) -> None:
    assert write_bundle(built.wheel, tmp_path).read_bytes() == bundle.read_bytes()


@pytest.mark.clients
def test_the_formats_own_checker_accepts_it(bundle: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PATH": path_of_clients()}
    for command in (["unpack", str(bundle), str(tmp_path)], ["validate", str(tmp_path / "manifest.json")]):
        done = subprocess.run(
            ["mcpb", *command], env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.live
async def test_started_as_a_client_starts_it_it_runs_code_in_the_chosen_folder(
    bundle: Path, tmp_path: Path
) -> None:
    project = tmp_path / "my project"
    project.mkdir()
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "unpacked")
    manifest = json.loads((tmp_path / "unpacked/manifest.json").read_text())
    options = {name: option.get("default", "") for name, option in manifest["user_config"].items()}
    known = {f"user_config.{name}": value for name, value in {**options, "project": str(project)}.items()}
    known["__dirname"] = str(tmp_path / "unpacked")

    def fill(text: str) -> str:
        return re.sub(r"\$\{([^}]+)\}", lambda found: known[found[1]], text)

    config = manifest["server"]["mcp_config"]
    assert config["command"] == "uv"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JLAB_MCP_", "CLAUDE_"))}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "uv", *map(fill, config["args"])],
        env={
            **kept,
            **{name: fill(value) for name, value in config["env"].items()},
            "JLAB_MCP_DIR": str(tmp_path / "state"),
            "JLAB_MCP_RUN_MODE": "local",
        },
    )
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        tools = {tool.name: tool.description for tool in (await session.list_tools()).tools}
        started = await session.call_tool("start_server", {})
        where = await session.call_tool("execute_scratch", {"code": "import os; print(os.getcwd())"})
        stopped = await session.call_tool("stop_server", {})
    assert [tool["name"] for tool in manifest["tools"]] == [*tools]
    assert not started.is_error
    assert not stopped.is_error
    assert str(project) in str(where.content)
