"""A controller that is down or hangs, and the daemons it needs: nothing is cancelled, lost or submitted twice."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.agent import Agent
from tests.cluster.conftest import Lab
from tests.cluster.workplaces import LOGIN, Workplace, meanwhile, workplace
from tests.commands import finish, until

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
    assert f"job {place.job_id} was not cancelled: " in stop.stderr
    assert place.record
    assert not place.record.stopping


async def is_not_started(place: Workplace) -> subprocess.CompletedProcess[str]:
    """`start` says that SLURM does not answer."""
    done = await asyncio.to_thread(place.run, "start", "--detach")
    assert (done.returncode, done.stdout) == (15, "")
    assert "Traceback" not in done.stderr
    return done


async def test_a_controller_that_is_down(lab: Lab, ready: Workplace) -> None:
    queued, new = workplace(lab, slurm=LATER, command_timeout=4), workplace(lab, command_timeout=4)
    with queued.spawn("start", "--detach") as starting:
        await meanwhile(lambda: queued.record and queued.record.job_id, "job")
        async with untouched(ready) as me:
            with lab.without("alpha-ctl", "slurmctld"):
                await goes_on(ready, me)
                await is_not_stopped(ready)

                status = await asyncio.to_thread(queued.run, "status")
                assert status.returncode == 6
                assert "does not listen, and how its job stands is unknown: SLURM does not " in status.stdout
                second = await is_not_started(queued)
                assert f"how job {queued.job_id} stands is unknown: " in second.stderr
                assert "nothing was submitted, and nothing cancelled" in second.stderr

                refused = await is_not_started(new)
                assert "connect failure" in refused.stderr
                assert new.record is None
            assert starting.poll() is None
            queued.update("StartTime=now")
            assert await asyncio.to_thread(finish, starting) == (0, f"{queued.connection.url}\n", ANY)
        assert len(queued.jobs()) == 1
    assert new.run("status").returncode == 4
