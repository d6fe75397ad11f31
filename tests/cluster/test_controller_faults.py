"""A controller that is down or hangs, and the daemons it needs: nothing is cancelled, lost or submitted twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.agent import Agent
from tests.cluster.conftest import Lab
from tests.cluster.workplaces import LOGIN, Workplace, meanwhile, workplace
from tests.commands import finish

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
LATER = 'extra_directives = ["--begin=now+1hour"]'
"""The job stays queued until somebody lets it begin."""


@pytest.fixture(scope="module")
def ready(quiet_lab: Lab) -> Iterator[Workplace]:
    """A server that is ready; no test ends it, and it is the same at the end of each."""
    place = workplace(quiet_lab, slurm='nodelist = "alpha-a1"', command_timeout=4)
    place.start()
    yield place
    assert place.run("stop").returncode == 0
    quiet_lab.reset()


@asynccontextmanager
async def untouched(place: Workplace) -> AsyncIterator[Agent]:
    """Have an agent with a session at work; whatever befalls SLURM meanwhile, its server stays as it is."""
    before = (place.record, place.connection, place.jobs())
    async with place.agent() as me:
        session = await me.open()
        await me.ok("execute_code", session_id=session, code="n = 1")
        yield me
        answer = await me.ok("execute_code", session_id=session, code="n")
        assert answer["text"].startswith("1\n")
        await me.ok("shutdown_session", session_id=session)
    assert (place.record, place.connection, place.jobs()) == before


async def goes_on(place: Workplace, me: Agent) -> None:
    """The server can be used, and is known to be ready, while SLURM cannot be asked."""
    assert "2\n" in (await me.ok("execute_scratch", code="1 + 1"))["text"]
    status = await asyncio.to_thread(place.run, "status")
    assert (status.returncode, status.stderr) == (0, "")
    assert status.stdout.startswith("state      ready\n")


async def is_not_stopped(place: Workplace) -> None:
    """`stop` says that it could not."""
    stop = await asyncio.to_thread(place.run, "stop")
    assert stop.returncode == 15
    assert f"job {place.job_id} was not cancelled: SLURM does not answer: " in stop.stderr
    assert place.record
    assert not place.record.stopping


async def is_not_started(place: Workplace) -> str:
    """`start` says that SLURM does not answer; return how."""
    done = await asyncio.to_thread(place.run, "start", "--detach")
    assert (done.returncode, done.stdout) == (15, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


async def is_unknown(place: Workplace) -> None:
    """Of a job in the queue, `status` and another `start` say that SLURM does not answer."""
    status, second = await asyncio.gather(asyncio.to_thread(place.run, "status"), is_not_started(place))
    assert status.returncode == 6
    assert "does not listen, and how its job stands is unknown: SLURM does not answer: " in status.stdout
    assert f"how job {place.job_id} stands is unknown: SLURM does not answer: " in second
    assert "nothing was submitted, and nothing cancelled" in second


async def test_a_controller_that_is_down_is_waited_for_and_costs_no_server(
    lab: Lab, ready: Workplace
) -> None:
    queued, new = workplace(lab, slurm=LATER, command_timeout=4), workplace(lab)
    with queued.spawn("start", "--detach") as starting:
        await meanwhile(lambda: queued.has_job, "job")
        async with untouched(ready) as me:
            with lab.without("alpha-ctl", "slurmctld"):
                _, _, refused = await asyncio.gather(
                    goes_on(ready, me), is_unknown(queued), is_not_started(new)
                )
                assert "SLURM does not answer, and nothing was submitted: " in refused
                assert new.record is None
                await is_not_stopped(ready)
            assert starting.poll() is None
            queued.update("StartTime=now")
            code, out, err = await asyncio.to_thread(finish, starting)
            assert (code, out) == (0, f"{queued.connection.url}\n")
            assert "how the job stands is unknown, still waiting: SLURM does not answer: " in err
    assert queued.jobs() == [queued.job_id]
    assert queued.run("stop").returncode == 0


async def test_a_controller_that_hangs_takes_a_job_late_and_no_second_one(lab: Lab, ready: Workplace) -> None:
    new = workplace(lab, slurm=LATER, command_timeout=4)
    async with untouched(ready) as me:
        with lab.paused("alpha-ctl", "slurmctld"):
            _, lost = await asyncio.gather(goes_on(ready, me), is_not_started(new))
            assert "sbatch did not say whether SLURM took the job: `sbatch` did not answer in 4 s" in lost
            assert new.job.job_id is None
            name = new.job.name
            assert name in lost
            await is_not_stopped(ready)
        with new.spawn("start", "--detach") as starting:
            await meanwhile(lambda: new.has_job, "job")
            new.update("StartTime=now")
            assert (await asyncio.to_thread(finish, starting))[0] == 0
    assert new.jobs() == [new.job_id]
    assert new.job.name == name, "what SLURM had been sent was taken up"


async def test_the_log_in_host_without_munge(lab: Lab, ready: Workplace) -> None:
    new = workplace(lab)
    async with untouched(ready) as me:
        with lab.without(LOGIN, "munged"):
            _, refused = await asyncio.gather(goes_on(ready, me), is_not_started(new))
            assert "authentication error" in refused
            await is_not_stopped(ready)
    assert new.record is None


async def test_a_node_without_munge_for_a_moment_and_a_cluster_without_accounting(
    lab: Lab, ready: Workplace
) -> None:
    new = workplace(lab, slurm='nodelist = "alpha-a2"')
    async with untouched(ready) as me:
        with lab.without("alpha-a1", "munged"):  # for longer, SLURM would take the node for dead
            assert "2\n" in (await me.ok("execute_scratch", code="1 + 1"))["text"]
        with lab.without("alpha-ctl", "slurmdbd"):
            await asyncio.gather(goes_on(ready, me), asyncio.to_thread(new.start))
            stopped = await asyncio.to_thread(new.run, "stop")
            assert stopped.returncode == 0
