"""A controller that is down or hangs, and the daemons it needs: nothing is cancelled, lost or submitted twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.agent import Agent
from tests.cluster.conftest import Lab
from tests.cluster.servers import ClusterProject, finish, make_project
from tests.commands import meanwhile, said

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
LATER = ["--begin=now+1hour"]
"""With these directives a job stays queued until somebody lets it begin."""
IMPATIENT = "[server]\ncommand_timeout = 4"
"""A command of SLURM gets so many seconds."""


@pytest.fixture(scope="module")
def ready(quiet_lab: Lab) -> Iterator[ClusterProject]:
    """A server that is ready; no test ends it, and it is the same at the end of each."""
    project = make_project(quiet_lab, nodelist="alpha-a1", more=IMPATIENT)
    project.ok("start", "--detach")
    yield project
    project.ok("stop")
    quiet_lab.reset()


@asynccontextmanager
async def untouched(project: ClusterProject) -> AsyncIterator[Agent]:
    """Have an agent with a session at work; whatever befalls SLURM meanwhile, its server stays as it is."""
    before = (project.record, project.connection, project.submitted())
    async with project.agent() as me:
        session = await me.open()
        await me.ok("execute_code", session_id=session, code="n = 1")
        yield me
        answer = await me.ok("execute_code", session_id=session, code="n")
        assert answer["text"].startswith("1\n")
        await me.ok("shutdown_session", session_id=session)
    assert (project.record, project.connection, project.submitted()) == before


async def goes_on(project: ClusterProject, me: Agent) -> None:
    """The server can be used, and is known to be ready, while SLURM cannot be asked."""
    assert "2\n" in (await me.ok("execute_scratch", code="1 + 1"))["text"]
    status = await asyncio.to_thread(project.run, "status")
    assert (status.returncode, said(status)) == (0, "")
    assert status.stdout.startswith("state      ready\n")


async def is_not_stopped(project: ClusterProject) -> None:
    """`stop` says that it could not."""
    stop = await asyncio.to_thread(project.run, "stop")
    assert stop.returncode == 15
    assert f"job {project.job_id} was not cancelled: SLURM does not answer: " in stop.stderr
    assert not project.record.stopping


async def is_not_started(project: ClusterProject) -> str:
    """`start` says that SLURM does not answer; return how."""
    done = await asyncio.to_thread(project.run, "start", "--detach")
    assert (done.returncode, done.stdout) == (15, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


async def is_unknown(project: ClusterProject) -> None:
    """Of a job in the queue, `status` and another `start` say that SLURM does not answer."""
    status, second = await asyncio.gather(asyncio.to_thread(project.run, "status"), is_not_started(project))
    assert status.returncode == 6
    assert "does not listen, and how its job stands is unknown: SLURM does not answer: " in status.stdout
    assert f"how job {project.job_id} stands is unknown: SLURM does not answer: " in second
    assert "nothing was submitted, and nothing cancelled" in second


async def test_a_controller_that_is_down_is_waited_for_and_costs_no_server(
    lab: Lab, ready: ClusterProject
) -> None:
    queued, new = make_project(lab, more=IMPATIENT, extra_directives=LATER), make_project(lab)
    with queued.spawn("start", "--detach") as starting:
        await meanwhile(lambda: queued.has_job, "job")
        async with untouched(ready) as me:
            with lab.without("alpha-ctl", "slurmctld"):
                _, _, refused = await asyncio.gather(
                    goes_on(ready, me), is_unknown(queued), is_not_started(new)
                )
                assert "SLURM does not answer, and nothing was submitted: " in refused
                assert new.left() == []
                await is_not_stopped(ready)
            assert starting.poll() is None
            queued.job.update("StartTime=now")
            done = await asyncio.to_thread(finish, starting)
            assert (done.returncode, done.stdout) == (0, f"{queued.connection.url}\n")
            assert "how the job stands is unknown, still waiting: SLURM does not answer: " in done.stderr
    assert queued.submitted() == [queued.job_id]
    queued.ok("stop")


async def test_a_controller_that_hangs_takes_a_job_late_and_no_second_one(
    lab: Lab, ready: ClusterProject
) -> None:
    new = make_project(lab, more=IMPATIENT, extra_directives=LATER)
    async with untouched(ready) as me:
        with lab.paused("alpha-ctl", "slurmctld"):
            _, lost = await asyncio.gather(goes_on(ready, me), is_not_started(new))
            assert "`sbatch` did not say whether SLURM took the job: `sbatch` did not answer in 4 s" in lost
            assert not new.has_job
            name = new.job_name
            assert name in lost
            await is_not_stopped(ready)
        with new.spawn("start", "--detach") as starting:
            await meanwhile(lambda: new.has_job, "job")
            new.job.update("StartTime=now")
            assert (await asyncio.to_thread(finish, starting)).returncode == 0
    assert new.submitted() == [new.job_id]
    assert new.job_name == name, "what SLURM had been sent was taken up"


async def test_the_log_in_host_without_munge(lab: Lab, ready: ClusterProject) -> None:
    new = make_project(lab)
    async with untouched(ready) as me:
        with lab.without(new.host, "munged"):
            _, refused = await asyncio.gather(goes_on(ready, me), is_not_started(new))
            assert "authentication error" in refused
            await is_not_stopped(ready)
    assert new.left() == []


async def test_a_node_without_munge_for_a_moment_and_a_cluster_without_accounting(
    lab: Lab, ready: ClusterProject
) -> None:
    new = make_project(lab, nodelist="alpha-a2")
    async with untouched(ready) as me:
        with lab.without("alpha-a1", "munged"):  # for longer, SLURM would take the node for dead
            assert "2\n" in (await me.ok("execute_scratch", code="1 + 1"))["text"]
        with lab.without("alpha-ctl", "slurmdbd"):
            await asyncio.gather(goes_on(ready, me), asyncio.to_thread(new.ok, "start", "--detach"))
            await asyncio.to_thread(new.ok, "stop")
