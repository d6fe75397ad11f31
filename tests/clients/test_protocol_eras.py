"""The official Python client, in the protocol of the handshake and in the one without."""

from __future__ import annotations

import sys

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import PromptReference, ResourceTemplateReference
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION

from tests.clients.conftest import Project

pytestmark = [pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    ("mode", "version"), [("legacy", LATEST_HANDSHAKE_VERSION), ("auto", LATEST_MODERN_VERSION)]
)
async def test_both_eras_of_the_protocol_see_the_same_tools(
    plain_project: Project, mode: str, version: str
) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "jlab_mcp"], env=plain_project.env, cwd=plain_project.folder
    )
    async with Client(server, mode=mode, read_timeout_seconds=60) as client:
        assert client.protocol_version == version
        tools = {tool.name for tool in (await client.list_tools()).tools}
        answer = await client.call_tool("ping", {})

    assert {"ping", "execute_code", "start_server"} <= tools
    assert not answer.is_error


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_both_eras_complete_arguments(plain_project: Project, mode: str) -> None:
    # The Inspector's command line has no method for it.
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "jlab_mcp"], env=plain_project.env, cwd=plain_project.folder
    )
    template = ResourceTemplateReference(uri="jlab-mcp://profiles/{name}")
    async with Client(server, mode=mode, read_timeout_seconds=60) as client:
        by_template = await client.complete(template, {"name": "name", "value": "perl"})
        prompt = PromptReference(name="explore-data")
        by_prompt = await client.complete(prompt, {"name": "profile", "value": "loc"})

    assert "perlmutter" in by_template.completion.values
    assert by_prompt.completion.values[0] == "local"
