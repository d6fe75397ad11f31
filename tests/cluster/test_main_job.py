"""A server in a GPU job from its start to its end, for a person and for an agent."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.clients.conftest import path_of_clients
from tests.cluster.conftest import Lab
from tests.cluster.jobs import submit
from tests.cluster.servers import ClusterProject, finish, make_project
from tests.ending import run_to_end

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

WHERE = """
import os, socket
print(socket.gethostname(), os.environ["CUDA_VISIBLE_DEVICES"], os.environ["SLURM_JOB_ID"])
from PIL import Image
Image.new("RGB", (8, 8), "red")
"""


async def works_in_the_job(project: ClusterProject, *, node: str, devices: str, warns: bool) -> None:
    """Have an agent work in the server's job, and check that every answer says where that is."""
    job = project.job_id
    async with project.agent() as agent:
        session = await agent.open()
        answer = await agent.call("execute_code", session_id=session, code=WHERE)
        facts = dict(answer.structured_content or {})
        assert f"{node} {devices} {job}\n" in facts["text"]
        assert [block.type for block in answer.content] == ["text", "image"]
        told = [facts, await agent.ok("check_resources")]
        for each in told:
            found = (each["job_id"], each["job_state"], each["hostname"])
            assert found == (job, "RUNNING", node)
            assert f"job {job}, " in each["text"]
            assert " left" in each["text"]
            assert ("NOTE: the job ends in" in each["text"]) is warns
        ping = await agent.ok("ping")
        profiles = (await agent.ok("list_profiles"))["profiles"]
        own = next(each for each in profiles if each["in_use"])
    assert (ping["state"], ping["job"]["job_id"], ping["job"]["state"]) == ("ready", job, "RUNNING")
    assert f"Job {job} on {node}: " in ping["text"]
    assert (own["server"], own["job_id"], own["hostname"]) == ("ready", job, node)
    for left in (ping["job"]["time_left_s"], own["time_left_s"], facts["time_left_s"]):
        assert 0 < left <= 20 * 60  # the longest job here


async def test_a_gpu_job_from_start_to_stop(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "main", gres="gpu:a100:1", time="20")
    done = project.ok("start")
    job = project.job_id
    node = project.status()["hostname"]
    assert re.fullmatch(r"alpha-a[12]", node)
    assert re.fullmatch(rf"http://{node}:18\d\d\d/\n", done.stdout)
    events = [f"submitted job {job} for ", f"job {job} runs on {node}; JupyterLab is starting", "is ready at"]
    places = [done.stderr.find(event) for event in events]
    assert -1 not in places, done.stderr
    assert places == sorted(places), done.stderr
    assert project.jobs() == [f"RUNNING {job}"]

    await works_in_the_job(project, node=node, devices="0", warns=False)

    shown = project.ok("status").stdout
    for row in ("state      ready", f"host       {node}", f"job        {job}, RUNNING", "time left  "):
        assert row in shown
    token = quiet_lab.run(project.host, "cat", str(project.connection_file)).stdout.split('"token"')[1][3:35]
    assert token not in shown + done.stdout + done.stderr

    with project.spawn("logs", "-f") as following:
        assert "Jupyter Server" in project.ok("logs").stdout
        stopped = project.ok("stop")
        assert "has been stopped" in stopped.stderr
        assert "the server ends: SIGTERM" in finish(following).stdout
    assert following.returncode == 0
    assert (project.jobs(), project.left()) == ([], [])
    kept = {path.name.split("-")[0] + path.suffix for path in (project.state / "connections").iterdir()}
    assert kept == {"main.lock", "queue.lock", "queue.json"}
    assert list(project.notebooks.glob("*.ipynb"))
    assert project.run("status").returncode == 4


async def test_an_agent_queues_waits_and_works_until_it_stops_the_server(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "agent", partition="short", gres="gpu:h100:2", nodelist="alpha-h1")
    blocker = submit(quiet_lab, "alpha-login", "--exclusive", "--partition=short", "--nodelist=alpha-h1")
    assert blocker.becomes("RUNNING")
    async with project.agent() as agent:
        queued = await agent.ok("start_server", wait_seconds=3)
        job = project.job_id
        assert (queued["state"], queued["job_id"], queued["reason"]) == ("queued", job, "Resources")
        assert "what it asks for is in use by other jobs (Resources)" in queued["text"]
        assert "Next: wait_for_server goes on waiting; stop_server cancels the job." in queued["text"]
        ping = await agent.ok("ping")
        assert (ping["state"], ping["job"]["reason"]) == ("queued", "Resources")
        assert f"job {job} is queued" in await agent.refused("start_new_session", experiment_name="early")
        stopped = await agent.ok("stop_server")
        assert stopped["state"] == "stopped"
        assert (project.jobs(), project.left()) == ([], [])

        again = await agent.ok("start_server", wait_seconds=0)
        assert again["state"] == "queued"
        assert project.jobs() == [f"PENDING {project.job_id}"]
        waiting = asyncio.create_task(agent.ok("wait_for_server", wait_seconds=300))
        await asyncio.to_thread(quiet_lab.run, "alpha-login", "scancel", blocker.id)
        ready = await waiting
        assert (ready["state"], ready["job_id"], ready["hostname"]) == ("ready", again["job_id"], "alpha-h1")
    # It has ten minutes, which is when the warning begins.
    await works_in_the_job(project, node="alpha-h1", devices="0,1", warns=True)
    project.ok("stop")
    assert (project.jobs(), project.left()) == ([], [])


def test_the_demo_runs_on_the_log_in_host_without_a_job(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "demo")
    done = project.ok("demo")
    assert "the demo runs here" in done.stdout
    assert "Everything worked." in done.stdout
    assert project.jobs() == []
    assert quiet_lab.run("alpha-login", "squeue", "--noheader").stdout == ""


def test_claude_code_finds_the_server_connected_on_the_log_in_host(quiet_lab: Lab) -> None:
    variables = {
        "PATH": path_of_clients(),
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        # What is added is kept in the home folder, and the homes of the lab outlive a run.
        "HOME": str(quiet_lab.home() / "projects" / "claude"),
    }
    project = make_project(quiet_lab, "claude", env=variables)
    run_to_end(project.command("claude", "mcp", "add", "jlab", "--", quiet_lab.jlab_mcp), 120, check=True)

    shown = run_to_end(project.command("claude", "mcp", "list"), 120, check=True).stdout

    assert re.search(rf"^jlab: {re.escape(quiet_lab.jlab_mcp)} +- \S+ Connected$", shown, re.MULTILINE)
    assert project.jobs() == []
