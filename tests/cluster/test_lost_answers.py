"""A job is submitted once, whoever dies or falls silent in the middle of it; and it ends when SLURM says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.workplaces import Workplace, meanwhile, workplace
from tests.commands import finish
from tests.sites import put

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
LATER = 'extra_directives = ["--begin=now+1hour"]'
"""The job stays queued, so that none of it needs a node."""
TIMED_OUT = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
# The answer has to get lost just after SLURM has the job, or before: no fault of the lab can be timed so.
SUBMITS_AND_HANGS = '/usr/bin/sbatch "$@" >/dev/null && touch submitted && exec sleep 3600'
SUBMITS_AND_FAILS = f'/usr/bin/sbatch "$@" >/dev/null && echo "{TIMED_OUT}" >&2; exit 1'
SUBMITS_NOTHING = f'echo "{TIMED_OUT}" >&2; exit 1'


@pytest.fixture(autouse=True)
def no_jobs_left(quiet_lab: Lab) -> Iterator[None]:
    """The lab is quiet before the first test, and after each."""
    yield
    quiet_lab.reset()


async def is_taken_up(place: Workplace) -> str:
    """Start again; there is one job then, which may be that of before. Return its id."""
    with place.spawn("start", "--detach") as again:
        await meanwhile(lambda: place.has_job, "job")
        await meanwhile(lambda: place.jobs() == [place.job_id], "one job, and no other")
        place.kill()
        await asyncio.to_thread(finish, again)
    return place.job_id


async def _answer_is_lost(place: Workplace, sbatch: str, said: str) -> None:
    put(place.bin, "sbatch", sbatch)
    lost = await asyncio.to_thread(place.run, "start", "--detach")
    (place.bin / "sbatch").unlink()
    assert lost.returncode == 15
    assert f"sbatch did not say whether SLURM took the job: {said}" in lost.stderr
    before = place.job.name
    submitted = place.jobs()
    assert len(submitted) == (sbatch != SUBMITS_NOTHING)

    job_id = await is_taken_up(place)
    assert submitted in ([], [job_id])
    assert (place.job.name == before) == bool(submitted)


async def test_a_job_whose_answer_was_lost_is_found_by_its_name_or_submitted_once(lab: Lab) -> None:
    places = [workplace(lab, slurm=LATER, command_timeout=5) for _ in range(3)]
    await asyncio.gather(
        _answer_is_lost(places[0], SUBMITS_AND_HANGS, "`sbatch` did not answer in 5 s"),
        _answer_is_lost(places[1], SUBMITS_AND_FAILS, TIMED_OUT),
        _answer_is_lost(places[2], SUBMITS_NOTHING, TIMED_OUT),
    )


async def test_a_start_that_is_killed_leaves_a_job_that_the_next_one_takes_up(lab: Lab) -> None:
    early, late = workplace(lab, slurm=LATER), workplace(lab, slurm=LATER)
    put(early.bin, "sbatch", SUBMITS_AND_HANGS)
    with early.spawn("start", "--detach") as unanswered, late.spawn("start", "--detach") as waiting:
        await meanwhile((early.folder / "submitted").exists, "submission")
        await meanwhile(lambda: late.has_job, "job")
        early.kill()
        late.kill()
        assert {await asyncio.to_thread(unanswered.wait), await asyncio.to_thread(waiting.wait)} == {-9}
    (early.bin / "sbatch").unlink()
    assert not early.has_job
    submitted = [*early.jobs(), *late.jobs()]
    assert [await is_taken_up(early), await is_taken_up(late)] == submitted


async def test_a_launcher_that_is_killed_ends_its_job_and_who_has_its_port_is_not_believed(lab: Lab) -> None:
    place = workplace(lab, slurm='nodelist = "alpha-a1"')
    await asyncio.to_thread(place.start)
    connection = place.connection
    stranger = place.folder / "stranger.py"
    stranger.write_text(STRANGER.format(port=connection.port))
    async with place.agent() as me:
        await me.open()
        lab.run("alpha-a1", "bash", "-c", f"setsid python3 {stranger} >{place.folder}/stranger.log 2>&1 &")
        lab.run("alpha-a1", "kill", "-KILL", str(connection.pid))
        await meanwhile((place.folder / "listens").exists, "stranger on the port")
        assert place.connection == connection
        said = ""
        while f"job {place.job_id} failed" not in said:  # SLURM may take a moment to say so
            said = await me.refused("list_sessions")
            assert f"job {place.job_id} " in said
    lab.run("alpha-a1", "rm", str(place.folder / "listens"))
    status = await asyncio.to_thread(place.run, "status")
    assert status.returncode == 4
    assert f"job {place.job_id} failed" in status.stdout
    assert place.job_state() == "FAILED"


STRANGER = """
import http.server, pathlib, time

class Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(403)
        self.end_headers()

while True:
    try:
        server = http.server.HTTPServer(("0.0.0.0", {port}), Refuses)
        break
    except OSError:
        time.sleep(0.05)
listens = pathlib.Path(__file__).parent / "listens"
listens.touch()
server.timeout = 0.5
while listens.exists():
    server.handle_request()
"""
