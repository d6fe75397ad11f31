"""A node without power, and a network that is cut: nothing is declared dead that SLURM does not say has ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.servers import ClusterProject, make_project
from tests.commands import meanwhile, said

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def no_jobs_left(quiet_lab: Lab) -> Iterator[None]:
    """The lab is quiet before the first test, and after each."""
    yield
    quiet_lab.reset()


async def started(*projects: ClusterProject) -> None:
    """Start servers side by side."""
    await asyncio.gather(*(asyncio.to_thread(project.ok, "start", "--detach") for project in projects))


def ticking(file: str, end: str) -> str:
    """Return code that prints and writes down a number five times a second until the file `end` is there."""
    return (
        "import os, time\nn = 0\n"
        f"while not os.path.exists({end!r}):\n"
        f"    n += 1\n    print('tick', n)\n    open({file!r}, 'a').write('.')\n    time.sleep(0.2)\n"
    )


async def test_a_node_without_power_is_unknown_until_slurm_knows(lab: Lab) -> None:
    """Then a job that may not run again has ended, and one that may is followed to where it runs again.

    What the cell had put out is in the journal, up to the last second, and comes into the notebook.
    """
    lost = make_project(lab, nodelist="alpha-a1", requeue=False)
    # Its second run waits before JupyterLab starts, so that only the first run's connection file is there.
    waits = """[env]\nprologue = 'while [ "$SLURM_RESTART_COUNT" ] && [ ! -e go ]; do sleep 0.1; done'"""
    again = make_project(lab, nodelist="alpha-a1", requeue=True, more=waits)
    await started(lost, again)
    first = again.connection
    async with lost.agent() as me, again.agent() as other:
        session, ticks = await me.open(), lost.folder / "ticks"
        await other.open()
        code = ticking(str(ticks), str(lost.folder / "end"))
        waiting = asyncio.create_task(me.refused("execute_code", session_id=session, code=code))
        await meanwhile(ticks.exists, "tick")
        with lab.crashed("alpha-a1"):
            await _nobody_knows(lost, waiting)
            await asyncio.to_thread(lost.job.becomes, "NODE_FAIL")
            await _slurm_knows(lost, waiting)

            await asyncio.to_thread(again.job.becomes, "PENDING")
            assert (await asyncio.to_thread(again.status))["state"] == "queued"
            assert f"job {again.job_id} is queued" in await other.refused("list_sessions")

            again.job.update("StartTime=now", "ReqNodeList=alpha-a2")
            await asyncio.to_thread(again.job.becomes, "RUNNING")
            assert again.connection == first
            status = await asyncio.to_thread(again.status)
            assert (status["state"], status["hostname"], status["address"]) == ("starting", "alpha-a2", None)
            assert f"does not listen: job {again.job_id} runs on alpha-a2" in await other.refused(
                "list_sessions"
            )

            lab.run(again.host, "touch", str(again.folder / "go"))
            assert (await asyncio.to_thread(again.run, "wait")).stdout == again.connection.url + "\n"
            assert again.connection.token != first.token
            assert (await other.ok("list_sessions"))["sessions"] == []
        await _brought_in(lost, ticks.stat().st_size)


async def _brought_in(lost: ClusterProject, ticks: int) -> None:
    """Start the server again, and have its notebook hold what was printed up to the last two seconds, once."""
    (path,) = lost.notebooks.glob("*.ipynb")
    await started(lost)
    async with lost.agent() as me:
        assert "cut short while it ran" in (await me.ok("read_notebook", notebook_path=str(path)))["text"]
        fork = await me.ok("start_session_continue_notebook", experiment_name="fork", notebook_path=str(path))
    assert fork["recovered"].startswith("taken from the journal of an earlier server")
    *said, mark = printed(lost, path).splitlines()
    assert said == [f"tick {number}" for number in range(1, len(said) + 1)]
    assert len(said) >= ticks - 10
    assert mark.startswith(
        "jlab-mcp: the server ended (killed) while this cell ran; the last sign of it is of"
    )


async def _nobody_knows(lost: ClusterProject, waiting: asyncio.Task[str]) -> None:
    """Nobody answers, and SLURM has not noticed: so it is said, and who waits goes on waiting."""
    status = await asyncio.to_thread(lost.run, "status")
    assert lost.job.state == "RUNNING", "SLURM noticed before this test had looked"
    assert (status.returncode, said(status)) == (6, "")
    assert f"; job {lost.job_id} runs on alpha-a1, as far as SLURM knows, so its node" in status.stdout
    assert not waiting.done()


async def _slurm_knows(lost: ClusterProject, waiting: asyncio.Task[str]) -> None:
    """Both who waits and who asks are told how it ended; that is sooner than an answer would be overdue."""
    how = f"job {lost.job_id} was lost: its node alpha-a1 failed"
    assert how in await asyncio.wait_for(waiting, 45)
    status = await asyncio.to_thread(lost.run, "status")
    assert status.returncode == 4
    assert how in status.stdout
    assert "Traceback" not in status.stderr


async def test_a_call_outlives_a_cut_between_the_log_in_host_and_the_node(lab: Lab) -> None:
    """Two cuts: SLURM answers during the first, which is the node's, and not during the second."""
    project = make_project(lab, nodelist="alpha-a1", more="[server]\ncommand_timeout = 3")
    await started(project)
    before = (project.record, project.connection)
    ticks, end = project.folder / "ticks", project.folder / "end"
    async with project.agent() as me:
        session = await me.open()
        code = ticking(str(ticks), str(end))
        waiting = asyncio.create_task(me.ok("execute_code", session_id=session, code=code))
        await meanwhile(ticks.exists, "tick")
        with lab.cut_off("alpha-a1"):
            seen = ticks.stat().st_size
            await meanwhile(lambda: ticks.stat().st_size > seen + 25, "ticks")  # five seconds
        with lab.cut_off(project.host):
            status = await asyncio.to_thread(project.status)
            assert status["state"] == "unreachable"
            assert "how its job stands is unknown: SLURM does not answer: " in status["reason"]
            assert not waiting.done()
        lab.run(project.host, "touch", str(end))
        answer = await asyncio.wait_for(waiting, 60)
        whole = await me.ok("get_output", execution_id=answer["execution_id"])
        assert answer["state"] == "ok"
        listed = (await me.ok("list_sessions"))["sessions"]
    said = "".join(f"tick {number}\n" for number in range(1, ticks.stat().st_size + 1))
    assert printed(project) == said
    assert whole["state"] == "ok"
    assert [each["session_id"] for each in listed] == [session]
    assert (project.record, project.connection) == before
    assert project.submitted() == [project.job_id]


def printed(project: ClusterProject, path: Path | None = None) -> str:
    """Return what the code cells of a notebook, or of the only one, have printed."""
    if path is None:
        (path,) = project.notebooks.glob("*.ipynb")
    cells = json.loads(path.read_bytes())["cells"]
    return "".join(
        "".join(output["text"]) for cell in cells for output in cell.get("outputs", []) if "text" in output
    )
