"""Entries for jlab-mcp in the files of MCP clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jlab_mcp.core.clients import ClientFile, client_files, entries

PROJECT = Path("/home/ann/project")
USER = ClientFile("Claude Code", Path("/home/ann/.claude.json"), "mcpServers", scope="user")


@pytest.mark.parametrize(
    "said",
    [
        {"command": "jlab-mcp"},
        {"command": "/opt/venv/bin/jlab-mcp", "args": []},
        {"command": "uvx", "args": ["--from", "jlab-mcp[local]==0.1", "jlab-mcp"]},
        {"command": "python3", "args": ["-m", "jlab_mcp"]},
        {"command": "uvx", "args": ["jlab-mcp@latest"]},
    ],
)
def test_an_entry_is_known_by_what_it_starts(said: dict[str, Any]) -> None:
    (found,) = entries(USER, {"mcpServers": {"notebooks": said}}, PROJECT)
    assert (found.name, found.command, found.scope) == ("notebooks", said["command"], "user")


def test_other_servers_and_odd_files_have_none() -> None:
    odd: list[Any] = [
        {"mcpServers": {"other": {"command": "npx", "args": ["-y", "jlab-mcp-not"]}}},
        {"mcpServers": {"other": {"type": "http", "url": "https://a.example"}, "x": 3}},
        {"mcpServers": ["jlab-mcp"], "projects": 3},
        {},
        [],
        None,
    ]
    for said in odd:
        assert list(entries(USER, said, PROJECT)) == []


def test_what_is_for_this_project_alone_comes_first() -> None:
    said = {
        "mcpServers": {"jlab-mcp": {"command": "old"}},
        "projects": {
            str(PROJECT): {"mcpServers": {"jlab-mcp": {"command": "new", "env": {"A": 1}}}},
            "/elsewhere": {"mcpServers": {"jlab-mcp": {"command": "another"}}},
        },
    }
    found = list(entries(USER, said, PROJECT))
    assert [(each.command, each.scope) for each in found] == [("new", "local"), ("old", "user")]
    assert found[0].env == {"A": "1"}


def test_clients_files_follow_the_variables_that_move_them() -> None:
    usual = {file.path for file in client_files(Path("/h"), Path("/p"), {})}
    assert {Path("/h/.claude.json"), Path("/p/.mcp.json"), Path("/h/.codex/config.toml")} <= usual
    moved = {"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/x"}
    found = {file.path for file in client_files(Path("/h"), Path("/p"), moved)}
    assert {Path("/c/.claude.json"), Path("/x/config.toml")} <= found
