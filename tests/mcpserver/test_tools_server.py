"""The tools about the server itself, and what the others say when there is none."""

import asyncio
import json
import os
import signal

import pytest

from tests.agent import agent
from tests.conftest import Project

pytestmark = pytest.mark.live


async def test_without_a_server_every_tool_names_the_remedy(bare_project: Project):
    async with agent(bare_project) as me:
        assert (await me.ok("ping"))["state"] == "stopped"
        for tool, arguments in (
            ("start_new_session", {"experiment_name": "x"}),
            ("execute_code", {"session_id": "x", "code": "1"}),
            ("execute_scratch", {"code": "1"}),
            ("list_sessions", {}),
            ("check_resources", {}),
        ):
            assert "`start_server`" in await me.refused(tool, **arguments)
        assert "`start_server`" in await me.refused("wait_for_server")
        assert (await me.ok("stop_server"))["state"] == "nothing"
        status = await me.session.read_resource("jlab-mcp://server/status")
        assert json.loads(status.contents[0].text)["state"] == "stopped"  # type: ignore[union-attr]
    assert not bare_project.notebooks.exists()


async def test_start_wait_use_stop(bare_project: Project):
    async with agent(bare_project) as me:
        started = await me.ok("start_server")
        assert started["state"] == "ready"
        assert me.progress
        assert "token" not in json.dumps(started)
        assert (await me.ok("start_server"))["state"] == "ready"
        assert (await me.ok("wait_for_server"))["state"] == "ready"
        pinged = await me.ok("ping")
        assert pinged["state"] == "ready"
        assert pinged["info"]["sessions"] == 0
        found = await me.ok("check_resources")
        assert found["memory"]["total"] > 0
        assert found["kernels"] == []
        session_id = await me.open()
        assert (await me.ok("stop_server"))["state"] == "stopped"
        assert "`start_server`" in await me.refused("execute_code", session_id=session_id, code="1")
        assert (await me.ok("ping"))["state"] == "stopped"


async def test_a_server_that_is_killed_in_a_call_is_said_to_be_gone(bare_project: Project):
    async with agent(bare_project) as me:
        await me.ok("start_server")
        session_id = await me.open()
        pid = (await me.ok("ping"))["pid"]
        flag = bare_project.folder / "runs"
        code = f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\ntime.sleep(600)"
        waiting = asyncio.create_task(me.refused("execute_code", session_id=session_id, code=code))
        async with asyncio.timeout(30):
            while not flag.exists():
                await asyncio.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            said = await waiting
        assert "went away" in said
        assert "`start_server`" in said
        assert (await me.ok("ping"))["state"] in {"stale", "stopped"}
        assert (await me.ok("start_server"))["state"] == "ready"


async def test_another_mcp_server_goes_on_where_one_was_killed(live_project: Project):
    async with agent(live_project) as first:
        session_id = await first.open("handed over")
        await first.ok("execute_code", session_id=session_id, code="kept = 42")
    async with agent(live_project) as second:
        facts = await second.ok("execute_code", session_id=session_id, code="kept")
    assert facts["text"].splitlines()[0] == "42"


async def test_a_wrong_setting_is_named(bare_project: Project):
    wrong = Project(bare_project.folder, {**bare_project.env, "JLAB_MCP_PORT_MIN": "many"})
    async with agent(wrong) as me:
        for tool in ("ping", "start_server", "list_sessions"):
            said = await me.refused(tool)
            assert "JLAB_MCP_PORT_MIN" in said
            assert "many" in said
