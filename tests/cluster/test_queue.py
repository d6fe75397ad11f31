"""Servers whose jobs wait: what is said of them, how they are left waiting, and how they are stopped."""

from __future__ import annotations

import re
import signal
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pexpect
import pytest

from tests.cluster.conftest import Lab
from tests.cluster.jobs import Job, submit
from tests.cluster.servers import ClusterProject, finish, make_project, send_signal
from tests.commands import side_by_side, until
from tests.ending import run_to_end

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
FULL = "alpha-a1"
"""A node that bob keeps to himself."""
DRAINED = "alpha-a2"


@dataclass(frozen=True)
class Waiting:
    """A project whose server's job waits.

    Attributes:
        settings: of `[slurm]`.
        reason: how SLURM's reason begins.
        words: what is said of it.
        host: where it was started.
    """

    settings: dict[str, Any]
    reason: str
    words: str
    host: str = "alpha-login"


CASES = {
    "resources": Waiting(
        {"nodelist": FULL, "qos": "high"}, "Resources", "what it asks for is in use by other jobs (Resources)"
    ),
    "reserved": Waiting(
        {"nodelist": FULL},
        "Nodes required for job are DOWN",
        "the nodes that it could run on are down, drained or reserved",
    ),
    "priority": Waiting(
        {}, "Priority", "jobs with a higher priority come before it (Priority)", host="beta-login"
    ),
    "qos": Waiting(
        {"partition": "short", "qos": "maxone"}, "QOSMaxJobsPerUserLimit", "(QOSMaxJobsPerUserLimit)"
    ),
    "drained": Waiting(
        {"nodelist": DRAINED},
        "ReqNodeNotAvail",
        "a node that it needs is down, drained or reserved (UnavailableNodes:alpha-a2)",
    ),
    "begin": Waiting(
        {"extra_directives": ["--begin=now+1hour"]}, "BeginTime", "its earliest start has not come yet"
    ),
    "held": Waiting({"extra_directives": ["--hold"]}, "JobHeldUser", "it is held until you"),
    "dependency": Waiting(
        {"extra_directives": ["--dependency=afterok:{blocker}"]}, "Dependency", "it waits for another job"
    ),
    "closed": Waiting({"partition": "closed"}, "PartitionDown", "the partition starts no jobs now"),
}


@pytest.fixture(scope="module")
def blocker(lab: Lab) -> Iterator[Job]:
    """Bob's job that fills a node; another node is drained."""
    # A run that was killed may have left it drained, which is refused where it is not.
    lab.run("alpha-login", *_update(DRAINED, "State=resume"), user="root", check=False)
    lab.reset()
    lab.run("alpha-login", *_update(DRAINED, "State=drain", "Reason=test"), user="root")
    submit(lab, "alpha-login", "--qos=maxone", "--partition=short", "--nodelist=alpha-h1")
    for _ in range(2):  # the second one waits for resources, and what comes later for the second one
        submit(lab, "beta-login", "--exclusive", user="bob")
    job = submit(lab, "alpha-login", "--exclusive", f"--nodelist={FULL}", "--time=30", user="bob")
    try:
        assert job.becomes("RUNNING")
        yield job
    finally:
        lab.run("alpha-login", *_update(DRAINED, "State=resume"), user="root")
        lab.reset()


def _update(node: str, *changes: str) -> list[str]:
    return ["scontrol", "update", f"NodeName={node}", *changes]


@pytest.fixture(scope="module")
def waiting(lab: Lab, blocker: Job) -> dict[str, ClusterProject]:
    """A project for each case, whose job waits."""

    def start(name: str) -> ClusterProject:
        case = CASES[name]
        settings: dict[str, Any] = {
            key: [each.format(blocker=blocker.id) for each in value] if isinstance(value, list) else value
            for key, value in case.settings.items()
        }
        project = make_project(lab, name, host=case.host, **settings)
        done = project.ok("start", "--no-wait")
        assert "submitted job" in done.stderr
        assert "hint: wait for it with `jlab-mcp wait --profile work`" in done.stderr
        return project

    return dict(zip(CASES, side_by_side(start, CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_status_says_why_a_job_waits(waiting: dict[str, ClusterProject], name: str) -> None:
    project, case = waiting[name], CASES[name]

    def found() -> dict[str, str] | None:
        told = project.status()
        return told if str(told["job"]["reason"]).startswith(case.reason) else None

    told = until(found, case.reason)

    assert told["state"] == "queued"
    assert case.words in told["reason"]
    assert f"job {project.job_id} is queued: " in told["reason"]


def test_the_expected_start_is_told_once_slurm_knows_it(waiting: dict[str, ClusterProject]) -> None:
    project = waiting["resources"]
    told = until(
        lambda: found if (found := project.status())["job"]["expected_start"] else None, "expected start"
    )
    start = told["job"]["expected_start"].replace("T", " ")
    assert f"expected to start at {start}" in told["reason"]
    done = project.run("status")
    assert f"start      expected at {start[:10]}" in done.stdout
    assert done.returncode == 5


def test_many_who_look_at_once_cost_the_controller_one_query(
    lab: Lab, waiting: dict[str, ClusterProject]
) -> None:
    project = waiting["held"]
    # Programs that start on a busy machine do not look at the same time: these wait for each other first.
    look = textwrap.dedent("""
        import asyncio, multiprocessing, sys
        from jlab_mcp.app import context
        from jlab_mcp.app.status import status
        resolved = context.load()
        start = multiprocessing.get_context("fork").Barrier(20)
        def one():
            start.wait()
            sys.exit(asyncio.run(status(resolved)).state != "queued")
        processes = [multiprocessing.get_context("fork").Process(target=one) for _ in range(20)]
        for process in processes: process.start()
        for process in processes: process.join()
        sys.exit(any(process.exitcode for process in processes))
    """)
    lab.reset_queries("alpha-login")
    lab.run("alpha-login", "squeue", "--me")
    one = lab.queries("alpha-login")
    assert one >= 1
    lab.reset_queries("alpha-login")
    run_to_end(project.command(sys.executable, "-c", look), 120, check=True)
    assert one <= lab.queries("alpha-login") <= 2 * one


def test_one_job_is_made_by_two_starts_left_by_ctrl_c_and_taken_up_again(lab: Lab, blocker: Job) -> None:
    assert blocker.state == "RUNNING"
    project = make_project(lab, "left", nodelist=FULL)
    with project.terminal("start") as first, project.spawn("start") as second:
        first.expect_exact("is queued: ")
        until(lambda: project.has_job, "job id")
        job = project.job_id
        assert project.jobs() == [f"PENDING {job}"]

        first.sendintr()
        first.expect_exact(f"job {job} stays as it is")
        first.expect_exact("hint: wait for it with `jlab-mcp wait --profile work`, or end it with ")
        first.expect_exact("`jlab-mcp stop --profile work`")
        first.expect(pexpect.EOF)
        first.close()
        assert first.exitstatus == 130

        again = project.run("start", "--set", "server.queue_timeout=2")
        assert again.returncode == 5
        assert "is being started already" in again.stderr
        assert f"job {job} stays queued after" in again.stderr
        waited = project.run("wait", "--profile", "work", JLAB_MCP_SERVER_QUEUE_TIMEOUT="2")
        assert waited.returncode == 5
        assert project.jobs() == [f"PENDING {job}"]

        assert "has been stopped" in project.ok("stop").stderr
        told = finish(second)
    assert told.returncode == 8
    assert "was stopped meanwhile" in told.stderr
    assert (project.jobs(), project.left()) == ([], [])


def test_a_start_that_is_told_to_end_leaves_its_job(lab: Lab, blocker: Job) -> None:
    assert blocker.state == "RUNNING"
    project = make_project(lab, "hup", nodelist=FULL)
    with project.spawn("start") as start:
        until(project.jobs, "job")
        until(lambda: project.has_job, "job id")
        send_signal(start, signal.SIGHUP)
        told = finish(start)
    assert told.returncode == 130
    assert f"job {project.job_id} stays as it is" in told.stderr
    assert project.jobs() == [f"PENDING {project.job_id}"]
    project.ok("stop")


def test_a_job_without_a_record_is_stopped_by_its_id_or_found_by_its_name(lab: Lab, blocker: Job) -> None:
    assert blocker.state == "RUNNING"
    project = make_project(lab, "lost", nodelist=FULL)
    for arguments in (["stop", "--job"], ["stop"]):
        project.ok("start", "--no-wait")
        job = project.job_id
        project.files.record_file.unlink()
        done = project.ok(*arguments, *([job] if "--job" in arguments else []))
        assert f"stopping job {job}" in done.stderr
        assert f"job {job} has been stopped" in done.stderr
        assert project.jobs() == []


def test_jobs_that_are_not_ours_are_refused_and_left_alone(lab: Lab, blocker: Job) -> None:
    project = make_project(lab, "strangers")
    own = submit(lab, "alpha-login", "--hold", "--job-name=mine")
    told = project.run("stop", "--job", own.id)
    assert told.returncode == 17
    assert f"job {own.id} (mine) was not submitted by jlab-mcp, so it is left alone" in told.stderr
    told = project.run("stop", "--job", blocker.id)
    assert told.returncode == 4
    assert f"you have no job {blocker.id} that is queued or runs" in told.stderr
    assert (own.state, blocker.state) == ("PENDING", "RUNNING")
    assert "no server is running" in project.ok("stop").stderr
    assert own.state == "PENDING"


def test_a_job_that_can_never_start_is_told_at_once_with_its_setting_and_stays(lab: Lab) -> None:
    project = make_project(lab, "never", host="beta-login", time="3:00:00")
    done = project.run("start")
    job = project.job_id
    assert done.returncode == 16
    # Which of the two SLURM says in the first second depends on what else waits there.
    assert re.search(rf"job {job} cannot start as it is: Partition(TimeLimit|Config),", done.stderr), (
        done.stderr
    )
    assert "work.toml" in done.stderr
    assert 'slurm.time is "3:00:00"' in done.stderr
    assert project.jobs() == [f"PENDING {job}"]
    until(lambda: project.status()["job"]["reason"] == "PartitionTimeLimit", "PartitionTimeLimit")
    project.ok("stop")
    assert project.jobs() == []
