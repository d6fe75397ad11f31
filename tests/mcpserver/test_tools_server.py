"""The tools about the server itself, and what the others say when there is none."""

import asyncio
import json
from pathlib import Path

import pytest
from mcp import MCPError
from mcp_types import TextResourceContents

from tests.agent import agent
from tests.commands import files_of
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


async def test_stopping_names_the_notebook_that_cannot_be_saved_and_the_log_its_copy(bare_project: Project):
    async with agent(bare_project) as me:
        await me.ok("start_server")
        opened = await me.ok("start_new_session", experiment_name="unsaved")
        path, own = Path(opened["notebook_path"]), {"session_id": opened["session_id"]}
        path.unlink()
        path.mkdir()
        await me.ok("execute_code", **own, code="'kept'")
        async with asyncio.timeout(30):
            while (await me.ok("read_notebook", **own))["save_error"] is None:
                await asyncio.sleep(0.1)  # the file is saved behind the answers
        stopped = await me.ok("stop_server")
    assert stopped["state"] == "stopped"
    assert stopped["text"].startswith(f"NOTE: `{path}` is not saved (")
    copy = path.with_name("unsaved_rescued.ipynb")
    assert "'kept'" in copy.read_text()
    assert str(copy) in bare_project.resolved().paths.log_file.read_text()


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("JLAB_MCP_PORT_MIN", "many", "JLAB_MCP_PORT_MIN: expected a whole number"),
        (
            "JLAB_MCP_PORT_MIN",
            "19001",
            'JLAB_MCP_PORT_MIN: server.port_min "19001" is above server.port_max (19000',
        ),
        ("JLAB_MCP_RUN_MODE", "cloud", "JLAB_MCP_RUN_MODE: expected local, slurm or auto"),
    ],
)
async def test_a_wrong_setting_is_named_by_every_tool_and_changes_nothing(
    bare_project: Project, setting: str, value: str, says: str
):
    async with agent(Project(bare_project.folder, {**bare_project.env, setting: value})) as me:
        for tool in ("ping", "start_server", "list_sessions"):
            assert says in await me.refused(tool)
        with pytest.raises(MCPError, match=setting):
            await me.session.read_resource("jlab-mcp://server/status")
    assert list(bare_project.folder.parent.iterdir()) == [bare_project.folder]
    assert list(bare_project.folder.iterdir()) == []


async def test_slurm_mode_is_refused_with_the_way_to_work_here(bare_project: Project):
    slurm = {**bare_project.env, "JLAB_MCP_RUN_MODE": "slurm", "PATH": str(bare_project.folder)}
    async with agent(Project(bare_project.folder, slurm)) as me:
        said = await me.refused("start_server")
    assert "`sbatch` is not on PATH" in said
    assert "JLAB_MCP_RUN_MODE=local" in said


async def test_a_profile_that_did_not_start_is_not_used_by_the_calls_that_follow(bare_project: Project):
    config = bare_project.folder.parent / "config"
    profiles = config / "jlab-mcp" / "profiles"
    profiles.mkdir(parents=True)
    (profiles / "cluster.toml").write_text('mode = "slurm"\n')
    (profiles / "here.toml").write_text('mode = "local"\n')
    env = {key: value for key, value in bare_project.env.items() if key != "JLAB_MCP_RUN_MODE"}
    env |= {"XDG_CONFIG_HOME": str(config), "JLAB_MCP_PROFILE": "here"}
    async with agent(Project(bare_project.folder, env)) as me:
        assert (await me.ok("ping"))["profile"] == "here"
        for tool in ("start_server", "wait_for_server"):
            await me.refused(tool, profile="cluster")
            assert (await me.ok("ping"))["profile"] == "here"
        said = await me.refused("ping", profile="nope")
    assert 'the argument profile: there is no profile "nope"' in said.lower()
    assert "--profile" not in said


@pytest.mark.parametrize("name", ["record_file", "connection_file"])
async def test_a_broken_record_is_told_with_the_tool_that_clears_it(bare_project: Project, name: str):
    async with agent(bare_project) as me:
        await me.ok("start_server")
        path: Path = getattr(bare_project.resolved().paths, name)
        path.write_text('{"token": "hidden')
        for tool, arguments in (("ping", {}), ("list_sessions", {}), ("execute_scratch", {"code": "1"})):
            said = await me.refused(tool, **arguments)
            assert str(path) in said
            assert "`stop_server`" in said
            assert "hidden" not in said
        assert path.read_text() == '{"token": "hidden'
        await me.ok("stop_server")
        assert (await me.ok("ping"))["state"] == "stopped"
    assert files_of(bare_project) == []


async def test_the_status_resource_shows_a_running_server_without_its_token(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("status")
        (shown,) = (await me.session.read_resource("jlab-mcp://server/status")).contents
        await me.ok("shutdown_session", session_id=session_id)
    assert isinstance(shown, TextResourceContents)
    status = json.loads(shown.text)
    assert (status["state"], status["profile"], status["job_id"]) == ("ready", "local", None)
    assert status["info"]["sessions"] >= 1
    assert json.loads(live_project.connection_file.read_text())["token"] not in shown.text
