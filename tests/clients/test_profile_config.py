"""What `jlab-mcp profile mcp-config` gives works in real clients."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from tests.clients.conftest import Project

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


def test_the_printed_command_adds_a_server_that_connects_with_the_profile(fresh_project: Project) -> None:
    printed = fresh_project.jlab_mcp(
        "profile", "mcp-config", "--profile", "local", "--client", "claude", "--name", "printed"
    ).stdout
    fresh_project.run(*shlex.split(printed))

    listing = fresh_project.run("claude", "mcp", "list").stdout
    details = fresh_project.run("claude", "mcp", "get", "printed").stdout

    assert re.search(r"^printed: .*jlab-mcp.* - \S+ Connected$", listing, re.MULTILINE), listing
    assert "JLAB_MCP_PROFILE=local" in details


def test_the_written_file_is_read_by_clients(project: Project) -> None:
    project.jlab_mcp("profile", "mcp-config", "--profile", "local", "--name", "written", "--write", "--yes")

    listing = project.run("claude", "mcp", "list").stdout
    config = ("--config", str(project.folder / ".mcp.json"), "--server", "written")
    answer = project.run("mcp-inspector", "--cli", *config, "--method", "tools/call", "--tool-name", "ping")

    assert re.search(r"^written: .*jlab-mcp.* - .*$", listing, re.MULTILINE), listing
    assert json.loads(answer.stdout)["structuredContent"]["profile"] == "local"
