"""`jlab-mcp top` on servers in jobs: what it says of the queue, and how seldom it asks SLURM."""

from __future__ import annotations

import json

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.servers import make_project
from tests.commands import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_a_job_is_shown_from_the_queue_to_its_time_left_and_slurm_is_asked_seldom(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "watched", extra_directives=["--hold"])
    project.ok("start", "--no-wait")
    told = project.ok("top", "--json", "--count", "8", "--interval", "0.5", "--verbose")
    servers = [json.loads(line)["servers"][0] for line in told.stdout.splitlines()]
    assert len(servers) == 8
    assert {each["state"] for each in servers} == {"queued"}
    assert servers[-1]["job"]["reason"] == "JobHeldUser"
    assert "it is held until you" in servers[-1]["reason"]
    asked = [line for line in told.stderr.splitlines() if line.startswith("debug: ran `squeue ")]
    assert len(asked) <= 2, "a look whose answer is from before the submission is followed by one more"
    again = project.ok("top", "--json", "--once", "--verbose")
    assert "`squeue " not in again.stderr, "the answer is shared with whoever looks next"

    job_id = servers[-1]["job"]["job_id"]
    quiet_lab.run(project.host, "scontrol", "release", job_id, user="root")
    project.ok("wait")
    shown = until(
        lambda: text if " left · " in (text := project.ok("top", "--once").stdout) else None, "time left"
    )
    assert f"job {job_id} on alpha-" in shown
    assert "ready" in shown

    project.ok("stop")
    assert "no server is running" in project.ok("top", "--once").stdout
