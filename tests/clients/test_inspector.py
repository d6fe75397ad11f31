"""The MCP Inspector's command line: each call is a new MCP server, so nothing may live in one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Project

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

IS_ERROR = 5
"""The Inspector's exit status for an answer with isError."""


def inspect(project: Project, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    server = ["-e", "JLAB_MCP_RUN_MODE=local", "--cwd", str(project.folder), sys.executable, "-m", "jlab_mcp"]
    return project.run("mcp-inspector", "--cli", *server, *arguments, check=check)


def call(project: Project, tool: str, **arguments: str) -> dict[str, Any]:
    words = [word for name, value in arguments.items() for word in ("--tool-arg", f"{name}={value}")]
    answer = json.loads(inspect(project, "--method", "tools/call", "--tool-name", tool, *words).stdout)
    assert isinstance(answer, dict)
    return answer


def words_of(answer: dict[str, Any]) -> str:
    return "\n".join(block["text"] for block in answer["content"] if block["type"] == "text")


def test_the_tools_are_listed_in_few_bytes_and_without_portability_errors(project: Project) -> None:
    answer = inspect(project, "--method", "tools/list", "--strict")

    tools = json.loads(answer.stdout)["tools"]
    names = {tool["name"] for tool in tools}
    assert {"start_new_session", "execute_code", "ping", "start_server", "stop_server"} <= names
    assert len(json.dumps(tools, separators=(",", ":"))) < 14_000  # as it is sent


def test_ping_answers_without_a_jupyter_server(project: Project) -> None:
    assert not call(project, "ping").get("isError")


def test_a_failure_is_an_error_that_says_what_to_do_next(project: Project) -> None:
    answer = inspect(
        project, "--method", "tools/call", "--tool-name", "execute_code",
        "--tool-arg", "session_id=nosuch", "--tool-arg", "code=print(1)",
        check=False,
    )  # fmt: skip

    assert answer.returncode == IS_ERROR
    assert "start_server" in answer.stdout


def test_each_call_of_a_new_server_goes_on_in_the_same_session(project: Project) -> None:
    call(project, "start_server")
    try:
        session = call(project, "start_new_session", experiment_name="inspected")["structuredContent"]
        call(project, "execute_code", session_id=session["session_id"], code="answer = 6 * 7")

        answer = call(project, "execute_code", session_id=session["session_id"], code="print(answer)")

        assert "42" in words_of(answer)
    finally:
        call(project, "stop_server")
    notebook = json.loads(Path(session["notebook_path"]).read_text())
    assert [cell["source"] for cell in notebook["cells"]] == [["answer = 6 * 7"], ["print(answer)"]]
    assert "stopped" in project.jlab_mcp("status", check=False).stdout.lower()
