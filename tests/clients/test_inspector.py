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


def ask(project: Project, era: str, method: str, *arguments: str) -> dict[str, Any]:
    """Ask in one of the two eras of the protocol."""
    answer = json.loads(inspect(project, "--protocol-era", era, "--method", method, *arguments).stdout)
    assert isinstance(answer, dict)
    return answer


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


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_resources_and_prompts_are_seen_in_both_eras(project: Project, era: str) -> None:
    notebook = project.folder / "notebooks" / "some folder" / "ä?.ipynb"
    notebook.parent.mkdir(parents=True, exist_ok=True)
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Found"]}
    notebook.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))

    listed = {each["uri"]: each for each in ask(project, era, "resources/list")["resources"]}
    templates = ask(project, era, "resources/templates/list")["resourceTemplates"]
    prompts = {each["name"] for each in ask(project, era, "prompts/list")["prompts"]}
    [uri] = [each for each in listed if each.startswith("jlab-mcp://notebooks/")]
    [content] = ask(project, era, "resources/read", "--uri", uri)["contents"]
    [profiles] = ask(project, era, "resources/read", "--uri", "jlab-mcp://profiles")["contents"]
    chosen = ("--prompt-name", "resume-work", "--prompt-args", "notebook=some folder/ä?.ipynb")
    [message] = ask(project, era, "prompts/get", *chosen)["messages"]

    assert {"jlab-mcp://server/status", "jlab-mcp://sessions", "jlab-mcp://notebooks"} <= set(listed)
    assert "jlab-mcp://notebooks/{+path}" in {each["uriTemplate"] for each in templates}
    assert prompts == {"explore-data", "resume-work"}
    assert (content["mimeType"], content["uri"]) == ("text/plain", uri)
    assert "# Found" in content["text"]
    assert "local" in {each["name"] for each in json.loads(profiles["text"])["profiles"]}
    assert "some folder/ä?.ipynb` (1 cells)" in message["content"]["text"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_resource_that_is_not_there_is_an_error_in_words(project: Project, era: str) -> None:
    wanted = ("--method", "resources/read", "--uri", "jlab-mcp://notebooks/../secret.ipynb")
    answer = inspect(project, "--protocol-era", era, *wanted, check=False)

    assert answer.returncode != 0
    assert "outside the notebook folder" in answer.stderr


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
