"""`jlab-mcp profile mcp-config`."""

from __future__ import annotations

import json
import os
import shlex
import sys
import sysconfig
from pathlib import Path

import pexpect
import pytest

from tests.cli.profiles import User
from tests.commands import LIMIT

SCRIPTS = sysconfig.get_path("scripts")
OTHER = '{"mcpServers": {"other": {"command": "x", "custom": true}}, "more": 1}'


def test_the_entry_names_the_profile_and_this_very_command(user: User) -> None:
    told = user.run("profile", "mcp-config", "--profile", "local", PATH="/usr/bin:/bin")
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout) == {
        "mcpServers": {
            "jlab-mcp": {"command": f"{SCRIPTS}/jlab-mcp", "args": [], "env": {"JLAB_MCP_PROFILE": "local"}}
        }
    }


def test_a_command_that_is_on_path_goes_by_its_name(user: User) -> None:
    path = f"{SCRIPTS}{os.pathsep}/usr/bin"
    told = user.run("profile", "mcp-config", "-p", "local", "--client", "claude", PATH=path)
    assert told.stdout == "claude mcp add jlab-mcp -e JLAB_MCP_PROFILE=local -- jlab-mcp\n"
    renamed = user.run("profile", "mcp-config", "--client", "claude", "--name", "a b", PATH=path)
    assert shlex.split(renamed.stdout)[3] == "a b"


def test_what_a_variable_chooses_goes_in_and_what_a_file_chooses_stays_there(user: User) -> None:
    by_variable = user.run("profile", "mcp-config", JLAB_MCP_PROFILE="local")
    assert json.loads(by_variable.stdout)["mcpServers"]["jlab-mcp"]["env"] == {"JLAB_MCP_PROFILE": "local"}
    user.run("profile", "use", "local")
    by_file = user.run("profile", "mcp-config")
    assert json.loads(by_file.stdout)["mcpServers"]["jlab-mcp"]["env"] == {}
    assert "local is used, chosen by ~/.config/jlab-mcp/config.toml:1" in by_file.stderr


def test_an_unknown_profile_is_refused(user: User) -> None:
    told = user.run("profile", "mcp-config", "--profile", "locla", "--write", "--yes")
    assert (told.returncode, told.stdout) == (3, "")
    assert "did you mean `local`?" in told.stderr
    assert not any(user.project.iterdir())


def test_the_projects_file_keeps_all_else_that_it_says(user: User) -> None:
    path = user.project / ".mcp.json"
    path.write_text(OTHER)
    told = user.run("profile", "mcp-config", "-p", "local", "--write", "--yes")
    assert (told.returncode, told.stdout) == (0, "")
    found = json.loads(path.read_text())
    assert found["mcpServers"].pop("jlab-mcp")["env"] == {"JLAB_MCP_PROFILE": "local"}
    assert found == json.loads(OTHER)
    written = path.read_bytes()
    again = user.run("profile", "mcp-config", "-p", "local", "--write", "--yes")
    assert ".mcp.json` says so already" in again.stderr
    assert path.read_bytes() == written


def test_a_broken_file_is_left_untouched(user: User) -> None:
    path = user.project / ".mcp.json"
    path.write_text("{ // mine\n}")
    told = user.run("profile", "mcp-config", "-p", "local", "--write", "--yes")
    assert (told.returncode, ".mcp.json: is left as it is: " in told.stderr) == (3, True)
    assert path.read_text() == "{ // mine\n}"


def test_without_anybody_to_ask_nothing_is_written(user: User) -> None:
    told = user.run("profile", "mcp-config", "-p", "local", "--write")
    assert (told.returncode, "--yes" in told.stderr) == (2, True)
    assert not any(user.project.iterdir())


def test_a_command_to_run_cannot_be_written(user: User) -> None:
    told = user.run("profile", "mcp-config", "-p", "local", "--client", "claude", "--write")
    assert told.returncode == 2
    assert not any(user.project.iterdir())


@pytest.mark.parametrize(("answer", "written"), [("yes", True), ("", False)])
def test_a_person_sees_the_entry_and_is_asked(user: User, answer: str, written: bool) -> None:
    with pexpect.spawn(
        sys.executable,
        ["-m", "jlab_mcp", "profile", "mcp-config", "--profile", "local", "--write"],
        cwd=str(user.project),
        env={**user.env, "TERM": "xterm"},
        encoding="utf-8",
        timeout=int(LIMIT),
    ) as terminal:
        terminal.expect('"JLAB_MCP_PROFILE": "local"')
        terminal.expect("Write .mcp.json\\? ")
        terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
    assert Path(user.project / ".mcp.json").exists() is written


def test_a_file_that_changes_while_a_person_is_asked_is_left_untouched(user: User) -> None:
    with pexpect.spawn(
        sys.executable,
        ["-m", "jlab_mcp", "profile", "mcp-config", "--profile", "local", "--write"],
        cwd=str(user.project),
        env={**user.env, "TERM": "xterm"},
        encoding="utf-8",
        timeout=int(LIMIT),
    ) as terminal:
        terminal.expect("Write .mcp.json\\? ")
        (user.project / ".mcp.json").write_text(OTHER)
        terminal.sendline("y")
        terminal.expect(".mcp.json: has changed meanwhile, and is left as it is; run the command again")
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 3
    assert (user.project / ".mcp.json").read_text() == OTHER
