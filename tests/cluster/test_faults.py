"""Each fault is what it says it is, in SLURM's own eyes, on plain sbatch jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.jobs import Job, submit
from tests.cluster.lab import faults, hosts
from tests.cluster.lab.layout import LAB
from tests.commands import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
TICKING = 'while :; do echo "$SECONDS" >>"$SLURM_JOB_NAME.ticks"; sleep 0.2; done'


@dataclass(frozen=True)
class TickingJob(Job):
    """A job on alpha that ticks for ever.

    A controller that is killed may give an id twice, so the name tells jobs apart.
    """

    name: str

    @property
    def ticks(self) -> int:
        """How often it has ticked."""
        file = self.lab.home() / f"{self.name}.ticks"
        return len(file.read_text().splitlines()) if file.exists() else 0

    @property
    def ticks_in_a_second(self) -> int:
        """How often it ticks in a second, from now."""
        before = self.ticks
        self.lab.run("alpha-login", "sleep", "1")
        return self.ticks - before

    def goes_on(self) -> bool:
        """Wait for its next tick."""
        before = self.ticks
        return until(lambda: self.ticks > before, "tick")


@pytest.fixture(autouse=True)
def no_jobs_left(quiet_lab: Lab) -> Iterator[None]:
    """The lab is quiet before the first test, and after each."""
    yield
    quiet_lab.reset()


def started(lab: Lab, node: str, *options: str) -> TickingJob:
    """Submit a job to a node and return it once it ticks."""
    name = f"job-{uuid4().hex}"
    options = (f"--job-name={name}", f"--nodelist={node}", *options)
    job = TickingJob(lab, "alpha-login", submit(lab, "alpha-login", *options, script=TICKING).id, name)
    until(lambda: job.ticks, "tick")
    return job


def test_a_job_on_a_host_without_power_fails_with_its_node(lab: Lab) -> None:
    job = started(lab, "alpha-a1", "--no-requeue")
    with lab.crashed("alpha-a1"):
        assert hosts.pid_of("alpha-a1") is None
        assert job.becomes("NODE_FAIL")
        ticked = job.ticks
    assert job.ticks == ticked


def test_a_job_that_may_be_requeued_runs_again_elsewhere(lab: Lab) -> None:
    job = started(lab, "alpha-a1", "--requeue")
    with lab.crashed("alpha-a1"):
        assert job.pends_with("BeginTime")
        assert job.shown("Restarts") == "1"
        ticked = job.ticks
        job.update("StartTime=now", "ReqNodeList=alpha-a2")
        assert until(lambda: job.ticks > ticked, "tick")
    assert job.state == "RUNNING"


def test_a_job_on_a_host_that_is_cut_off_fails_and_yet_goes_on(lab: Lab) -> None:
    job = started(lab, "alpha-a1", "--no-requeue")
    with lab.cut_off("alpha-a1"):
        assert job.becomes("NODE_FAIL")
        assert job.goes_on()
    until(lambda: job.ticks_in_a_second == 0, "end of the job that the node should not have")


def test_a_short_cut_harms_no_job(lab: Lab) -> None:
    job = started(lab, "alpha-a1", "--no-requeue")
    with lab.cut_off("alpha-a1"):
        told = lab.run("alpha-ctl", "timeout", "1", "bash", "-c", "</dev/tcp/alpha-a1/6818", check=False)
        assert told.returncode == 124  # it is silent, it refuses nothing
    assert job.goes_on()
    assert job.state == "RUNNING"


def test_nobody_answers_at_a_log_in_host_that_is_cut_off(lab: Lab) -> None:
    with lab.cut_off("alpha-login"):
        told = lab.run("alpha-login", "squeue", check=False)
    assert told.returncode == 1
    assert "Unable to contact slurm controller" in told.stderr
    assert lab.run("alpha-login", "squeue", "--noheader").stdout == ""


def test_a_controller_that_hangs_lets_squeue_time_out_until_it_goes_on(lab: Lab) -> None:
    job = started(lab, "alpha-a1")
    with lab.paused("alpha-ctl", "slurmctld"):
        told = lab.run("alpha-login", "squeue", check=False)
        assert told.returncode == 1
        assert "Socket timed out" in told.stderr
        assert job.goes_on()
    assert job.state == "RUNNING"


def test_a_controller_that_is_stopped_refuses_and_finds_its_jobs_again(lab: Lab) -> None:
    job = started(lab, "alpha-a1")
    with lab.without("alpha-ctl", "slurmctld"):
        told = lab.run("alpha-login", "squeue", check=False)
        assert told.returncode == 1
        assert "connect failure" in told.stderr
        assert job.goes_on()
    assert job.state == "RUNNING"


def test_a_controller_that_is_killed_finds_its_jobs_again(lab: Lab) -> None:
    job = started(lab, "alpha-a1")
    saved = LAB / "var/alpha/state/job_state"
    until(lambda: job.name.encode() in saved.read_bytes(), "saved state")
    faults.kill_daemon("alpha-ctl", "slurmctld")
    faults.start_daemon("alpha-ctl", "slurmctld")
    assert job.state == "RUNNING"
    assert job.goes_on()


def test_a_job_outlives_its_slurmd(lab: Lab) -> None:
    job = started(lab, "alpha-a1", "--no-requeue")
    with lab.without("alpha-a1", "slurmd"):
        assert job.goes_on()
    assert job.state == "RUNNING"


def test_a_controller_without_its_database_daemon_goes_on_and_sacct_does_not(lab: Lab) -> None:
    with lab.without("alpha-ctl", "slurmdbd"):
        assert lab.run("alpha-login", "sacct", check=False).returncode == 1
        assert started(lab, "alpha-a1").goes_on()
    assert lab.run("alpha-login", "sacct").returncode == 0


def test_a_reset_mends_what_was_left_broken_and_leaves_no_job(lab: Lab) -> None:
    job = started(lab, "alpha-a1")
    faults.pause("beta-login", "slurmctld")
    faults.kill_daemon("alpha-a2", "slurmd")
    faults.cut("alpha-a1")
    faults.crash("beta-g1")
    lab.reset()
    assert job.state == "CANCELLED"
    assert lab.run("alpha-login", "sinfo", "--noheader", "--format=%T").stdout.split() == ["idle"]
    assert lab.run("beta-login", "sinfo", "--noheader", "--format=%T").stdout.split() == ["idle"]


def test_a_daemon_that_is_not_there_is_named_with_those_that_are(lab: Lab) -> None:
    with pytest.raises(LookupError, match=r"no 'slurmctld' on alpha-a1; there are munged, slurmd$"):
        faults.pause("alpha-a1", "slurmctld")
