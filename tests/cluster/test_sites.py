"""What sites have in common with no other: two clusters, chatter, variables, paths, limits; on real jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import site_projects as workplaces
from tests.cluster.conftest import Lab
from tests.cluster.lab.layout import LAB
from tests.cluster.site_projects import HELD, SMALL, Workplace
from tests.commands import until
from tests.core.golden_scripts import NASTY

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
ON_GAMMA = 'clusters = "gamma"\n'
CHATTER = 'echo "Welcome! | 12 jobs wait | of 30"\necho 4711\necho "quota: 80%" >&2\nexec "$real" "$@"'
"""A site's greeting, with all that an answer of SLURM's has: columns, a number on a line of its own, a message."""
SPOILT = {
    "SBATCH_ACCOUNT": "nope",
    "SBATCH_CLUSTERS": "beta",
    "SBATCH_EXCLUSIVE": "1",
    "SBATCH_EXPORT": "NIL",
    "SBATCH_OUTPUT": "/nowhere/x",
    "SBATCH_PARTITION": "nope",
    "SBATCH_TIMELIMIT": "1",
    "SBATCH_WAIT": "1",
    "SLURM_CLUSTERS": "gamma",
    "SLURM_JOB_ID": "1",
    "SLURM_MEM_PER_CPU": "1",
    "SLURM_TIME_FORMAT": "%s",
    "SQUEUE_FORMAT": "%i",
    "SQUEUE_NAMES": "x",
    "SQUEUE_PARTITION": "closed",
    "SQUEUE_SORT": "M",
    "SQUEUE_STATES": "FAILED",
    "SQUEUE_USERS": "bob",
    "SACCT_FORMAT": "User",
    "SCANCEL_INTERACTIVE": "1",
    "SCANCEL_NAME": "x",
    "SCANCEL_STATE": "PENDING",
}
"""What users put into their shells' files, so that sbatch, squeue, sacct and scancel do otherwise."""
IN_A_JOB = ("srun", "--quiet", "--ntasks=1", "--mem=300M", "--time=5", "--partition=short")


@pytest.fixture(scope="module")
def talkative(quiet_lab: Lab) -> Iterator[Lab]:
    """The lab, in which the commands of alpha's log-in host greet everybody."""
    with ExitStack() as stack:
        for program in ("sbatch", "squeue", "sacct", "scancel", "scontrol"):
            stack.enter_context(quiet_lab.wrapped("alpha-login", program, CHATTER))
        yield quiet_lab


@pytest.fixture(scope="module")
def both(talkative: Lab) -> Workplace:
    """A project on alpha with servers on alpha (profile a) and gamma (profile b), to be started."""
    place = workplaces.make(talkative, "both", **SPOILT)
    place.profile("a", SMALL)
    place.profile("b", SMALL + ON_GAMMA)
    return place


@pytest.fixture(scope="module")
def odd(talkative: Lab) -> Workplace:
    """A project on beta whose paths have all that paths can have, in a home that is a link, with its state elsewhere."""
    real = workplaces.make(talkative, NASTY.removeprefix("/data/"), host="beta-login")
    home = LAB / "home" / "a link"
    home.unlink(missing_ok=True)
    home.symlink_to(talkative.home().name)
    folder = home / real.folder.relative_to(talkative.home())
    place = replace(real, folder=folder, variables={"HOME": str(home)})
    place.profile("a", f'paths.dir = "~/elsewhere"\n{SMALL}')
    return place


@pytest.fixture(scope="module")
def inside(talkative: Lab) -> Workplace:
    """A project on alpha where each command is called in a job of its own."""
    place = workplaces.make(talkative, "inside")
    place.profile("a", SMALL)
    return replace(place, through=IN_A_JOB)


@pytest.fixture(scope="module")
def servers(both: Workplace, odd: Workplace, inside: Workplace) -> Iterator[dict[str, str]]:
    """All four servers, started at once; what each start said."""
    them = {"both a": (both, "a"), "both b": (both, "b"), "odd": (odd, "a"), "inside": (inside, "a")}
    try:
        said = workplaces.side_by_side(lambda one: one[0].start(one[1]), list(them.values()))
        yield dict(zip(them, said, strict=True))
    finally:
        workplaces.side_by_side(lambda place: place.run("stop", "--all"), [both, odd, inside])


def queued(lab: Lab, cluster: str, shown: str, *options: str) -> list[str]:
    """Ask a cluster itself what it shows of its jobs."""
    host = {"alpha": "alpha-ctl", "beta": "beta-login", "gamma": "gamma-v1"}[cluster]
    told = lab.run(host, "squeue", "--noheader", f"--format={shown}", *options, user="root").stdout
    return told.splitlines()


def test_a_site_that_greets_and_variables_of_slurm_change_nothing(
    servers: dict[str, str], both: Workplace
) -> None:
    found = both.status("a")
    job = found["job_id"]
    assert queued(both.lab, "alpha", "%a %P %l %C %m %T", f"--jobs={job}") == [
        "physics gpu 10:00 1 500M RUNNING"
    ]
    assert found["job"]["words"] == f"job {job} runs on {found['hostname']}"
    assert 0 < found["job"]["time_left_s"] <= 600
    assert f"submitted job {job} for" in servers["both a"]
    assert "SBATCH_ACCOUNT=nope in your environment is not used" in servers["both a"]


async def test_an_agents_sessions_stay_with_their_servers_on_two_clusters(
    servers: dict[str, str], both: Workplace
) -> None:
    assert "on cluster gamma" in servers["both b"]
    where = "import os; print(os.environ['SLURM_CLUSTER_NAME'], os.environ['SLURM_JOB_ID'])"
    async with workplaces.tools(both) as agent:
        job_a, job_b = both.status("a")["job_id"], both.status("b")["job_id"]
        of_a, of_b = await agent.open("a"), await agent.open("b")
        assert f"alpha {job_a}" in await agent.execute(of_a, where)
        assert f"gamma {job_b}" in await agent.execute(of_b, where)
        assert f"alpha {job_a}" in await agent.execute(of_a, where)
        assert await _shown(agent) == {"a": "ready", "b": "ready"}

        await agent.call("stop_server", profile="b")

        assert await _shown(agent) == {"a": "ready", "b": "stopped"}
        assert f"alpha {job_a}" in await agent.execute(of_a, where)
    assert "-both-b-" not in " ".join(queued(both.lab, "gamma", "%j", "--states=R,PD,CG"))


async def _shown(agent: workplaces.Tools) -> dict[str, str]:
    listed = (await agent.call("list_profiles"))["profiles"]
    return {each["name"]: each["server"] for each in listed if each["name"] in ("a", "b")}


async def test_a_path_may_have_anything_and_lead_through_links(
    servers: dict[str, str], odd: Workplace
) -> None:
    assert servers
    found = odd.status("a")
    real = odd.folder.resolve()
    assert found["project_dir"] == str(real)
    assert Path(found["log_file"]).is_relative_to(Path(odd.variables["HOME"]) / "elsewhere")
    assert not odd.state.exists()
    async with workplaces.tools(odd) as agent:
        session = await agent.open("a", "näive")
        told = await agent.execute(
            session, "import os, pathlib; pathlib.Path('made').touch(); print(os.getcwd())"
        )
    assert str(real / "notebooks") in told
    assert sorted(path.name for path in (odd.folder / "notebooks").iterdir()) == ["made", "näive.ipynb"]


async def test_a_server_that_is_started_in_a_job_is_a_job_of_its_own(
    servers: dict[str, str], inside: Workplace
) -> None:
    assert "submitted job" in servers["inside"]
    outside = replace(inside, through=())
    job = outside.status("a")["job_id"]
    assert inside.status("a")["state"] == "ready"
    assert queued(inside.lab, "alpha", "%P %l %C %m", f"--jobs={job}") == ["gpu 10:00 1 500M"]
    code = "import os; print([os.environ[n] for n in ('SLURM_JOB_ID', 'SLURM_JOB_PARTITION', 'SLURM_MEM_PER_NODE')])"
    async with workplaces.tools(outside) as agent:
        told = await agent.execute(await agent.open("a"), code)
    assert f"['{job}', 'gpu', '500']" in told


@pytest.mark.parametrize("way", ["clusters", "slurm_conf"])
def test_another_cluster_is_meant_by_every_command(talkative: Lab, way: str) -> None:
    place = workplaces.make(talkative, way, **SPOILT)
    conf = f'paths.slurm_conf = "{talkative.slurm_conf("gamma")}"\n'
    place.profile("b", HELD + ON_GAMMA if way == "clusters" else conf + HELD)
    place.start("b", status=5)
    job = place.status("b", status=5)["job_id"]
    assert queued(talkative, "gamma", "%i %T %r", f"--jobs={job}") == [f"{job} PENDING JobHeldUser"]
    assert "submitted" not in place.start("b", status=5)  # it is found again

    talkative.run("gamma-v1", "scancel", job)

    assert f"job {job} was cancelled" in place.becomes("stale", "b")["reason"]
    again = place.start("b", status=5)
    assert f"job {job} was cancelled" in again
    found = re.search(r"submitted job (\d+)", again)
    assert found
    place.stop("b")
    told = talkative.run("gamma-v1", "scontrol", "--oneliner", "show", "job", found[1], user="root").stdout
    assert "JobState=CANCELLED" in told


def test_a_job_that_squeue_does_not_show_has_not_ended(quiet_lab: Lab) -> None:
    place = workplaces.make(quiet_lab, "hidden", host="beta-login")
    place.profile("a", HELD)
    place.start("a", status=5)
    job = place.status("a", status=5)["job_id"]
    with quiet_lab.wrapped("beta-login", "squeue", "exit 0"):
        until(lambda: "unknown" in str(place.status("a", status=None)["reason"]), "doubt")
        assert "nothing was submitted" in place.start("a", status=15)
    assert place.becomes("queued", "a")["job_id"] == job
    place.stop("a")


def test_what_a_partition_does_not_allow_is_refused_at_once_or_found_to_wait_for_ever(talkative: Lab) -> None:
    for host, said, left in (
        ("alpha-login", "SLURM refuses the job", "no server is running"),
        ("beta-login", "cannot start as it is", "has been stopped"),
    ):
        place = workplaces.make(talkative, f"long on {host}", host=host)
        place.profile("long", SMALL.replace('"10"', '"40-0"'))
        told = place.start("long", status=16)
        assert said in told
        assert 'slurm.time is "40-0"' in told
        assert left in place.stop("long")
    assert not queued(talkative, "beta", "%j", "--states=PD")


def test_a_private_cluster_without_accounts_tells_how_a_job_ended(talkative: Lab) -> None:
    place = workplaces.make(talkative, "private", host="beta-login")
    place.profile("a", HELD)
    place.start("a", status=5)
    found = place.status("a", status=5)
    assert found["job"]["reason"] == "JobHeldUser"
    assert talkative.run("beta-login", "squeue", "--noheader", user="bob").stdout == ""
    talkative.run("beta-login", "scancel", found["job_id"], user="root")
    assert "was cancelled" in place.becomes("stale", "a")["reason"]
