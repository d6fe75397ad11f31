"""How a server's job ended is told as what it was, by `status`, `ping` and every other tool."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.jobs import submit
from tests.cluster.servers import ClusterProject, make_project
from tests.commands import side_by_side, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

COUNTS = "import time\nfor n in range(100_000):\n    print('line', n, flush=True)\n    time.sleep(0.05)"
SHUT_DOWN = """
import json, sys, urllib.request
found = json.load(open(sys.argv[1]))
headers = {"Authorization": "token " + found["token"]}
urllib.request.urlopen(urllib.request.Request(found["url"] + "api/shutdown", b"", headers)).read()
"""


@dataclass(frozen=True)
class Server:
    """A server that is started for all tests of this module.

    Attributes:
        host: where its project is.
        more: sections of its profile.
        slurm: what it asks SLURM for.
    """

    host: str = "alpha-login"
    more: str = ""
    slurm: dict[str, Any] = field(default_factory=dict)


SERVERS = {
    "cancelled": Server(slurm={"nodelist": "alpha-a1"}),
    "idle": Server(more="[server]\nidle_timeout = 5", slurm={"nodelist": "alpha-a1"}),
    "shutdown": Server(slurm={"nodelist": "alpha-a1"}),
    "crashed": Server(slurm={"nodelist": "alpha-h1", "partition": "short", "requeue": False}),
    "scavenger": Server(slurm={"nodelist": "alpha-a2", "qos": "scavenge"}),
    "requeued": Server(slurm={"nodelist": "alpha-a2", "qos": "low", "requeue": True}),
    "seen": Server(host="beta-login"),
    "unseen": Server(host="beta-login"),
    "timeout": Server(slurm={"time": "1", "nodelist": "alpha-a1"}),
}


@pytest.fixture(scope="module")
def servers(quiet_lab: Lab) -> Iterator[dict[str, ClusterProject]]:
    """Servers that are ready, by name; those of beta are cancelled at once, and one is looked at."""

    def start(name: str) -> ClusterProject:
        server = SERVERS[name]
        project = make_project(quiet_lab, name, host=server.host, more=server.more, **server.slurm)
        project.ok("start")
        return project

    found = dict(zip(SERVERS, side_by_side(start, SERVERS), strict=True))
    asyncio.run(count_in_a_cell(found["timeout"]))
    for name in ("seen", "unseen"):
        quiet_lab.run("beta-login", "scancel", found[name].job_id)
    found["seen"].becomes("stale")
    yield found
    quiet_lab.reset()


async def told_as(project: ClusterProject, words: str) -> None:
    """Check that everybody is told how the server's job ended."""
    said = rf"job {project.job_id} {words}"
    status = project.becomes("stale")
    assert re.search(said, status["reason"]), status
    shown = project.run("status")
    assert shown.returncode == 4
    assert re.search(said, shown.stdout)
    async with project.agent() as agent:
        ping = await agent.ok("ping")
        assert (ping["state"], ping["reason"]) == ("stale", status["reason"])
        assert re.search(said, ping["text"])
        for tool in ("list_sessions", "check_resources"):
            refused = await agent.refused(tool)
            assert re.search(said, refused), refused
            assert "Call `start_server`" in refused
            assert "onnection refused" not in refused


async def count_in_a_cell(project: ClusterProject) -> None:
    """Leave a cell running that prints."""
    async with project.agent() as agent:
        session = await agent.open("counting")
        running = await agent.ok("execute_code", session_id=session, code=COUNTS, wait_seconds=2)
        assert running["state"] == "running"


def check_cut_short(project: ClusterProject) -> None:
    """Check that the notebook has what was printed until the end, and says that the cell was cut short."""
    cells = json.loads((project.notebooks / "counting.ipynb").read_text())["cells"]
    texts = dict.fromkeys(("stdout", "stderr"), "")
    for output in cells[-1]["outputs"]:
        if output["output_type"] == "stream":
            texts[output["name"]] += "".join(output["text"])
    lines = re.findall(r"line (\d+)", texts["stdout"])
    assert len(lines) > 20  # it printed 20 a second, and went on when nobody waited any more
    assert [int(line) for line in lines] == list(range(len(lines)))
    assert texts["stderr"].endswith("jlab-mcp: the server ended (SIGTERM) while this cell ran\n")
    assert [(each.running is not None, each.saved) for each in project.end_note.sessions] == [(True, True)]


async def test_a_job_that_was_cancelled_by_its_user_is_told_with_what_was_cut_short(
    lab: Lab, servers: dict[str, ClusterProject]
) -> None:
    project = servers["cancelled"]
    await count_in_a_cell(project)
    lab.run("alpha-login", "scancel", project.job_id)
    await told_as(project, "was cancelled")
    check_cut_short(project)
    async with project.agent() as agent:
        refused = await agent.refused("list_sessions")
        assert f"Code was cut short in {project.notebooks / 'counting.ipynb'}" in refused
        assert "The log ends:" in refused
        assert "The log ends:" in (await agent.ok("ping"))["text"]
    assert "\n  | " in project.run("status").stderr
    done = project.ok("stop")
    assert "its record has been removed" in done.stderr
    assert project.left() == []


async def test_a_server_that_nobody_used_is_told_as_idle(servers: dict[str, ClusterProject]) -> None:
    await told_as(servers["idle"], "ended by itself: no cell had run for as long as server.idle_timeout")


async def test_a_shut_down_in_jupyterlab_is_told_as_that(
    lab: Lab, servers: dict[str, ClusterProject]
) -> None:
    project = servers["shutdown"]
    lab.run(project.host, "python3", "-c", SHUT_DOWN, str(project.connection_file))
    await told_as(project, "ended by itself: it was shut down in JupyterLab")


async def test_a_preempted_job_is_told_as_that_and_a_requeued_one_is_taken_up_at_its_new_address(
    lab: Lab, servers: dict[str, ClusterProject]
) -> None:
    gone, back = servers["scavenger"], servers["requeued"]
    async with back.agent() as agent:
        session = await agent.open("kept")
        await agent.ok("execute_code", session_id=session, code="value = 6 * 7; value")
        before = back.connection_file.read_bytes()
        high = submit(lab, "alpha-login", "--qos=high", "--exclusive", "--nodelist=alpha-a2", user="bob")
        assert high.becomes("RUNNING")

        await told_as(gone, "was preempted by another job")

        queued = back.becomes("queued")
        assert queued["job"]["reason"] == "BeginTime"
        refused = await agent.refused("execute_code", session_id=session, code="value")
        assert f"job {back.job_id} is queued" in refused
        job = back.job_id
        back.job.update("StartTime=now", "ReqNodeList=alpha-a1")
        ready = await agent.ok("wait_for_server", wait_seconds=200)
        assert (ready["job_id"], ready["hostname"]) == (job, "alpha-a1")
        assert back.connection_file.read_bytes() != before
        assert back.ok("start").stdout == f"{back.status()['address']}\n"
        lost = await agent.refused("execute_code", session_id=session, code="value")
        assert "whose kernels are gone; its notebook is kept" in lost
        assert "kept.ipynb" in lost
        resumed = await agent.ok(
            "start_session_resume_notebook", experiment_name="kept", notebook_path="kept.ipynb"
        )
        again = await agent.ok("execute_code", session_id=resumed["session_id"], code="print(value)")
        assert "42" in again["text"]
        assert again["job_id"] == job
    assert back.jobs() == [f"RUNNING {job}"]
    back.ok("stop")


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("prologue", '[env]\nprologue = "echo about to fail; exit 7"', "failed with exit code 7"),
        ("ports", "[server]\nport_min = 6818\nport_max = 6818", "failed with exit code .*port"),
        ("module", '[env]\nmodules = ["nope/1"]', "failed with exit code .*nope/1"),
        (
            "bare",
            '[env]\nvenv = "/tmp/bare"\nprologue = "/usr/bin/python3 -m venv --without-pip /tmp/bare"',
            "failed with exit code .*(JupyterLab|jupyterlab|jupyter_server)",
        ),
    ],
    ids=["prologue", "ports", "module", "venv"],
)
async def test_a_job_that_fails_before_jupyterlab_runs_is_told_with_its_reason(
    quiet_lab: Lab, name: str, more: str, words: str
) -> None:
    project = make_project(quiet_lab, name, more=more)
    done = project.run("start")
    assert done.returncode == 8
    assert re.search(f"did not start: it ended: job {project.job_id} {words}", done.stderr), done.stderr
    if name == "prologue":
        assert "about to fail" in done.stderr
    if name == "module":
        assert "there is no module nope/1 on this host" in done.stderr
    await told_as(project, words)


async def test_a_job_whose_node_lost_power_is_told_with_the_node(
    lab: Lab, servers: dict[str, ClusterProject]
) -> None:
    project = servers["crashed"]
    with lab.crashed("alpha-h1"):
        await told_as(project, "was lost: its node alpha-h1 failed")


async def test_beta_forgets_a_job_and_the_record_remembers_what_was_seen(
    lab: Lab, servers: dict[str, ClusterProject]
) -> None:
    seen, unseen = servers["seen"], servers["unseen"]
    shows = [("scontrol", "show", "job", project.job_id) for project in (seen, unseen)]
    until(
        lambda: all(lab.run("beta-login", *show, check=False).returncode == 1 for show in shows),
        "end of the jobs' memory",
    )
    await told_as(seen, "was cancelled")
    await told_as(unseen, "has ended, and SLURM no longer knows how")


async def test_a_job_whose_time_was_over_is_told_as_timed_out(servers: dict[str, ClusterProject]) -> None:
    project = servers["timeout"]
    await told_as(project, "timed out: its time limit of (00:)?0?1:00 was over")
    check_cut_short(project)
