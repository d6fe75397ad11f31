"""A job is submitted once, whoever dies or falls silent in the middle of it; and it ends when SLURM says so."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.servers import ClusterProject, finish, make_project, send_signal
from tests.commands import meanwhile

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
LATER = ["--begin=now+1hour"]
"""With these directives a job stays queued, so that none of it needs a node."""
TIMED_OUT = "Socket timed out on send/recv operation"
SAYS_SO = f'echo "sbatch: error: Batch job submission failed: {TIMED_OUT}" >&2; exit 1'
# The answer has to get lost just after SLURM has the job, or before: no fault of the lab can be timed so.
SUBMITS_AND_HANGS = '"$real" "$@" >/dev/null && touch submitted && exec sleep 3600'
SUBMITS_AND_FAILS = f'"$real" "$@" >/dev/null && {SAYS_SO}'
SUBMITS_NOTHING = SAYS_SO
LOSES = "sbatch-loses"
"""A file of a project that is run in sbatch's place."""


@pytest.fixture(autouse=True)
def no_jobs_left(quiet_lab: Lab) -> Iterator[None]:
    """The lab is quiet before the first test, and after each; in between sbatch can lose its answer."""
    with quiet_lab.wrapped("alpha-login", "sbatch", f'[[ -e {LOSES} ]] && . ./{LOSES}\nexec "$real" "$@"'):
        yield
    quiet_lab.reset()


async def is_taken_up(project: ClusterProject) -> str:
    """Start again; there is one job then, which may be that of before. Return its id."""
    with project.spawn("start", "--detach") as again:
        await meanwhile(lambda: project.has_job, "job")
        await meanwhile(lambda: project.submitted() == [project.job_id], "one job, and no other")
        send_signal(again, signal.SIGKILL)
        await asyncio.to_thread(finish, again)
    return project.job_id


async def _answer_is_lost(project: ClusterProject, sbatch: str, said: str) -> None:
    (project.folder / LOSES).write_text(sbatch)
    lost = await asyncio.to_thread(project.run, "start", "--detach")
    (project.folder / LOSES).unlink()
    assert lost.returncode == 15
    assert f"`sbatch` did not say whether SLURM took the job: {said}" in lost.stderr
    before = project.job_name
    submitted = project.submitted()
    assert len(submitted) == (sbatch != SUBMITS_NOTHING)

    job_id = await is_taken_up(project)
    assert submitted in ([], [job_id])
    assert (project.job_name == before) == bool(submitted)


async def test_a_job_whose_answer_was_lost_is_found_by_its_name_or_submitted_once(lab: Lab) -> None:
    impatient = "[server]\ncommand_timeout = 5"
    projects = [make_project(lab, more=impatient, extra_directives=LATER) for _ in range(3)]
    await asyncio.gather(
        _answer_is_lost(projects[0], SUBMITS_AND_HANGS, "`sbatch` did not answer in 5 s"),
        _answer_is_lost(projects[1], SUBMITS_AND_FAILS, TIMED_OUT),
        _answer_is_lost(projects[2], SUBMITS_NOTHING, TIMED_OUT),
    )


async def test_a_start_that_is_killed_leaves_a_job_that_the_next_one_takes_up(lab: Lab) -> None:
    early, late = (make_project(lab, extra_directives=LATER) for _ in range(2))
    (early.folder / LOSES).write_text(SUBMITS_AND_HANGS)
    with early.spawn("start", "--detach") as unanswered, late.spawn("start", "--detach") as waiting:
        await meanwhile((early.folder / "submitted").exists, "submission")
        await meanwhile(lambda: late.has_job, "job")
        send_signal(unanswered, signal.SIGKILL)
        send_signal(waiting, signal.SIGKILL)
        assert {await asyncio.to_thread(unanswered.wait), await asyncio.to_thread(waiting.wait)} == {-9}
    (early.folder / LOSES).unlink()
    assert not early.has_job
    submitted = [*early.submitted(), *late.submitted()]
    assert [await is_taken_up(early), await is_taken_up(late)] == submitted


async def test_a_launcher_that_is_killed_ends_its_job_and_who_has_its_port_is_not_believed(lab: Lab) -> None:
    project = make_project(lab, nodelist="alpha-a1")
    await asyncio.to_thread(project.ok, "start", "--detach")
    connection = project.connection
    stranger = project.folder / "stranger.py"
    stranger.write_text(STRANGER.format(port=connection.port))
    async with project.agent() as me:
        await me.open()
        lab.run("alpha-a1", "bash", "-c", f"setsid python3 {stranger} >{project.folder}/stranger.log 2>&1 &")
        lab.run("alpha-a1", "kill", "-KILL", str(connection.pid))
        await meanwhile((project.folder / "listens").exists, "stranger on the port")
        assert project.connection == connection
        said = ""
        while f"job {project.job_id} failed" not in said:  # SLURM may take a moment to say so
            said = await me.refused("list_sessions")
            assert f"job {project.job_id} " in said
    lab.run("alpha-a1", "rm", str(project.folder / "listens"))
    status = await asyncio.to_thread(project.run, "status")
    assert status.returncode == 4
    assert f"job {project.job_id} failed" in status.stdout
    assert project.job.state == "FAILED"


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
