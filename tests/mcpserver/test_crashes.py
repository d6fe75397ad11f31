"""What is left when something is killed while a cell runs: the MCP server, JupyterLab, a kernel."""

import asyncio
import os
import signal
from pathlib import Path

import nbformat
import psutil
import pytest
from mcp import MCPError

from jlab_mcp.runners.processes import descendants, gone
from tests.agent import agent
from tests.commands import LIMIT
from tests.conftest import Project

pytestmark = pytest.mark.live


def waits_for(go: Path, begun: Path) -> str:
    """Code that counts how often it ran, says that it has begun, and goes on when it may."""
    return (
        "import pathlib, time\nn = globals().get('n', 0) + 1\nprint('begun', n, flush=True)\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\nprint('done', n)"
    )


async def seen(path: Path) -> None:
    """Wait until code has made a file."""
    async with asyncio.timeout(LIMIT):
        while not path.exists():
            await asyncio.sleep(0.02)


def outputs_of(notebook: str) -> list[str]:
    """Read a valid notebook's streams, one text for each cell."""
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in read.cells]


async def test_a_killed_mcp_server_costs_nothing_and_the_next_one_goes_on(live_project: Project):
    go, begun = live_project.folder / "go on after the kill", live_project.folder / "begun before the kill"
    before = {child.pid for child in psutil.Process().children()}
    async with agent(live_project) as me:
        (server,) = (child for child in psutil.Process().children() if child.pid not in before)
        opened = await me.ok("start_new_session", experiment_name="killed")
        session_id = opened["session_id"]
        call = asyncio.create_task(me.call("execute_code", session_id=session_id, code=waits_for(go, begun)))
        await seen(begun)
        server.kill()
        async with asyncio.timeout(LIMIT):
            with pytest.raises(MCPError):
                await call
    async with agent(live_project) as another:
        listed = (await another.ok("list_sessions"))["sessions"]
        running = next(each["running"] for each in listed if each["session_id"] == session_id)
        queued = asyncio.create_task(another.ok("execute_code", session_id=session_id, code="print(n)"))
        go.touch()
        ended = await another.ok("get_output", execution_id=running, wait_seconds=LIMIT)
        assert (ended["state"], ended["text"].splitlines()[:2]) == ("ok", ["begun 1", "done 1"])
        assert (await queued)["text"].splitlines()[0] == "1"
        await another.ok("shutdown_session", session_id=session_id)
    assert outputs_of(opened["notebook_path"]) == ["begun 1\ndone 1\n", "1\n"]


async def test_a_killed_jupyterlab_is_said_in_the_call_and_in_the_next_and_can_be_started_again(
    bare_project: Project,
):
    go, begun = bare_project.folder / "never", bare_project.folder / "begun"
    async with agent(bare_project) as me:
        pid = (await me.ok("start_server"))["pid"]
        opened = await me.ok("start_new_session", experiment_name="survives")
        session_id = opened["session_id"]
        await me.ok("execute_code", session_id=session_id, code="print('kept')")
        async with asyncio.timeout(LIMIT):  # what is put out is saved within a second
            while outputs_of(opened["notebook_path"]) != ["kept\n"]:
                await asyncio.sleep(0.02)
        call = asyncio.create_task(
            me.refused("execute_code", session_id=session_id, code=waits_for(go, begun))
        )
        await seen(begun)
        kernels = descendants(pid)
        assert kernels
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(LIMIT):
            said = await call
        assert "went away" in said
        assert "`start_server`" in said
        assert await gone(kernels, LIMIT) == []
        next_one = await me.refused("execute_code", session_id=session_id, code="1")
        assert "no server is running" in next_one.lower()
        assert "`start_server`" in next_one
        assert (await me.ok("ping"))["state"] == "stale"
        assert outputs_of(opened["notebook_path"])[0] == "kept\n"

        assert (await me.ok("start_server"))["state"] == "ready"
        lost = await me.refused("execute_code", session_id=session_id, code="1")
        assert lost.startswith(f"Session {session_id} (notebooks/survives.ipynb) belonged to an earlier run")
        assert f"`start_session_resume_notebook` with notebook_path {opened['notebook_path']} " in lost
        unknown = await me.refused("execute_code", session_id="00000000", code="1")
        assert "00000000" in unknown
        assert "list_sessions" in unknown
        go.touch()
        again = await me.ok(
            "start_session_resume_notebook", experiment_name="x", notebook_path="survives.ipynb"
        )
        assert (again["notebook_path"], again["failed"]) == (opened["notebook_path"], [])


async def test_what_a_killed_jupyterlab_had_not_saved_is_read_and_brought_in_and_nothing_runs_twice(
    bare_project: Project,
):
    ran = bare_project.folder / "ran"
    count = f"import time\nopen({str(ran)!r}, 'a').write('x')\n"
    async with agent(bare_project) as me:
        pid = (await me.ok("start_server"))["pid"]
        opened = await me.ok("start_new_session", experiment_name="lost")
        own, path = {"session_id": opened["session_id"]}, Path(opened["notebook_path"])
        await me.ok("execute_code", **own, code=f"{count}print('first')")
        # No cell reaches the file from here on.
        path.unlink()
        path.mkdir()
        (path / "in the way").touch()
        await me.ok("execute_code", **own, code=f"{count}print('second')")
        call = asyncio.create_task(
            me.refused("execute_code", **own, code=f"{count}print('half', flush=True)\ntime.sleep(600)")
        )
        (journal,) = (bare_project.connection_file.parent).glob(f"*.journals/{opened['session_id']}.jsonl")
        async with asyncio.timeout(LIMIT):
            while b'"text":"half' not in journal.read_bytes():
                await asyncio.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(LIMIT):
            await call
        (path / "in the way").unlink()
        path.rmdir()
        nbformat.write(nbformat.v4.new_notebook(), path)

        await me.ok("start_server")
        shown = (await me.ok("read_notebook", notebook_path="lost.ipynb"))["text"]
        assert shown.startswith("NOTE: the file has not got this yet: taken from the journal of an earlier")
        assert "half" in shown
        assert nbformat.read(path, as_version=4).cells == []
        fork = await me.ok(
            "start_session_continue_notebook", experiment_name="fork", notebook_path="lost.ipynb"
        )
        assert fork["text"].startswith("NOTE: taken from the journal of an earlier server")
        assert outputs_of(str(path))[:2] == ["first\n", "second\n"]
        assert outputs_of(str(path))[2].startswith(
            "half\njlab-mcp: the server ended (killed) while this cell"
        )
        assert "half" in (await me.ok("read_notebook", session_id=fork["session_id"]))["text"]
        assert ran.read_text() == "xxx"


async def test_a_kernel_killed_from_outside_ends_its_cell_with_the_cause(live_project: Project):
    go, begun = live_project.folder / "never comes", live_project.folder / "begun in a kernel"
    async with agent(live_project) as me:
        opened = await me.ok("start_new_session", experiment_name="kernel killed")
        session_id = opened["session_id"]
        call = asyncio.create_task(me.ok("execute_code", session_id=session_id, code=waits_for(go, begun)))
        await seen(begun)
        queued = asyncio.create_task(me.ok("execute_code", session_id=session_id, code="print('not run')"))
        async with asyncio.timeout(LIMIT):
            while not next(
                each["queued"]
                for each in (await me.ok("list_sessions"))["sessions"]
                if each["session_id"] == session_id
            ):
                await asyncio.sleep(0.02)
        kernels = (await me.ok("check_resources"))["kernels"]
        os.kill(next(each["pid"] for each in kernels if each["session_id"] == session_id), signal.SIGKILL)
        async with asyncio.timeout(LIMIT):
            died, dropped = await call, await queued
        assert (died["state"], "SIGKILL" in died["reason"]) == ("kernel_died", True)
        assert died["text"].splitlines()[0] == "begun 1"
        assert "next call gets a new kernel" in died["text"]
        assert dropped["state"] == "not_run"
        after = await me.ok("execute_code", session_id=session_id, code="print('n' in globals())")
        assert "all variables and imports are gone" in after["notice"]
        await me.ok("shutdown_session", session_id=session_id)
    assert outputs_of(opened["notebook_path"]) == ["begun 1\n", "", "False\n"]
