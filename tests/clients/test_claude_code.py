"""Claude Code's own health check, offline and without an account."""

from __future__ import annotations

import re
import sys

import pytest

from tests.clients.conftest import Project

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


def test_a_server_added_by_claude_mcp_add_is_connected(fresh_project: Project) -> None:
    fresh_project.run("claude", "mcp", "add", "jlab", "--", sys.executable, "-m", "jlab_mcp")

    listing = fresh_project.run("claude", "mcp", "list").stdout

    assert re.search(r"^jlab: .* -m jlab_mcp - \S+ Connected$", listing, re.MULTILINE), listing


def test_a_profile_named_in_the_project_file_reaches_the_server(fresh_project: Project) -> None:
    # `.mcp.json` is what a team commits. Claude Code asks a person before it runs such a server, so that only
    # the entry itself can be seen here.
    fresh_project.run(
        "claude", "mcp", "add", "--scope", "project", "team", "--", sys.executable, "-m", "jlab_mcp", "serve"
    )

    listing = fresh_project.run("claude", "mcp", "list").stdout

    assert re.search(r"^team: .* -m jlab_mcp serve - .*$", listing, re.MULTILINE), listing
