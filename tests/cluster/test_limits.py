"""What the clusters allow their users: QOS with limits and preemption on alpha, privacy on beta."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.jobs import submit
from tests.commands import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
WHOLE_NODE = ("--gres=gpu:2", "--nodelist=alpha-a1")


@pytest.fixture(autouse=True)
def no_jobs_left(quiet_lab: Lab) -> Iterator[None]:
    """The lab is quiet before the first test, and after each."""
    yield
    quiet_lab.reset()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--qos=maxone",), "QOSMaxJobsPerUserLimit"),
        (("--qos=onegpu", "--gres=gpu:1"), "QOSMaxGRESPerUser"),
    ],
)
def test_a_second_job_of_a_user_waits(lab: Lab, options: tuple[str, ...], reason: str) -> None:
    assert submit(lab, "alpha-login", *options).becomes("RUNNING")
    assert submit(lab, "alpha-login", *options).pends_with(reason)
    assert submit(lab, "alpha-login", *options, user="bob").becomes("RUNNING")


def test_a_job_that_is_longer_than_its_qos_allows_waits_for_ever(lab: Lab) -> None:
    job = submit(lab, "alpha-login", "--qos=shortwall", "--time=3")
    assert job.pends_with("QOSMaxWallDurationPerJobLimit")
    assert submit(lab, "alpha-login", "--qos=shortwall", "--time=2").becomes("RUNNING")


def test_an_urgent_job_sends_a_low_one_back_to_the_queue(lab: Lab) -> None:
    low = submit(lab, "alpha-login", "--qos=low", *WHOLE_NODE)
    assert low.becomes("RUNNING")
    high = submit(lab, "alpha-login", "--qos=high", *WHOLE_NODE, user="bob")
    assert high.becomes("RUNNING")
    assert low.pends_with("BeginTime")
    assert low.shown("Restarts") == "1"


def test_an_urgent_job_ends_one_that_may_be_cancelled(lab: Lab) -> None:
    scavenger = submit(lab, "alpha-login", "--qos=scavenge", *WHOLE_NODE)
    assert scavenger.becomes("RUNNING")
    assert submit(lab, "alpha-login", "--qos=high", *WHOLE_NODE, user="bob").becomes("RUNNING")
    assert scavenger.becomes("PREEMPTED")


def test_beta_takes_a_job_that_its_partition_will_never_run(lab: Lab) -> None:
    assert submit(lab, "beta-login", "--time=3:00:00").pends_with("PartitionTimeLimit")
    told = lab.run("alpha-login", "sbatch", "--time=2-0", "--wrap=true", check=False)
    assert told.returncode == 1
    assert "Requested time limit is invalid" in told.stderr


def test_users_of_beta_see_their_own_jobs_only(lab: Lab) -> None:
    job = submit(lab, "beta-login")
    listing = ("squeue", "--noheader", "--format=%i")
    assert lab.run("beta-login", *listing).stdout.split() == [job.id]
    assert lab.run("beta-login", *listing, user="bob").stdout == ""


def test_beta_soon_forgets_a_job_that_has_ended(lab: Lab) -> None:
    job = submit(lab, "beta-login", script="true")
    show = ("scontrol", "show", "job", job.id)
    until(lambda: lab.run("beta-login", *show, check=False).returncode == 1, "end of the job's memory")
    assert "Invalid job id" in lab.run("beta-login", *show, check=False).stderr
