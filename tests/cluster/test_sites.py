"""What sites have in common with no other: two clusters, chatter, variables, paths, limits; on real jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.agent import Agent
from tests.cluster.conftest import Lab
from tests.cluster.lab.layout import LAB
from tests.cluster.servers import ClusterProject, make_project, slurm_profile
from tests.commands import side_by_side, until
from tests.core.golden_scripts import NASTY

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
HELD: Mapping[str, Any] = {"more": "[server]\nqueue_timeout = 0.1", "extra_directives": ["--hold"]}
"""A profile whose job stays queued, so that `start` comes back at once."""
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
START = ("start", "--detach")
IN_A_JOB = ("srun", "--quiet", "--ntasks=1", "--mem=300M", "--time=5", "--partition=short")


@pytest.fixture(scope="module")
def talkative(quiet_lab: Lab) -> Iterator[Lab]:
    """The lab, in which the commands of alpha's log-in host greet everybody."""
    with ExitStack() as stack:
        for program in ("sbatch", "squeue", "sacct", "scancel", "scontrol"):
            stack.enter_context(quiet_lab.wrapped("alpha-login", program, CHATTER))
        yield quiet_lab


@pytest.fixture(scope="module")
def both(talkative: Lab) -> tuple[ClusterProject, ClusterProject]:
    """A project on alpha with servers on alpha (profile a) and gamma (profile b), to be started."""
    project = make_project(talkative, "both", env=SPOILT)
    on_gamma = project.with_profile("b", slurm_profile(clusters="gamma"))
    return project.with_profile("a", slurm_profile()), on_gamma


@pytest.fixture(scope="module")
def odd(talkative: Lab) -> ClusterProject:
    """A project on beta whose paths have all that paths can have, in a home that is a link, with its state elsewhere."""
    real = make_project(talkative, NASTY.removeprefix("/data/"), host="beta-login")
    home = LAB / "home" / "a link"
    home.unlink(missing_ok=True)
    home.symlink_to(talkative.home().name)
    folder = home / real.folder.relative_to(talkative.home())
    env = {"HOME": str(home), "JLAB_MCP_CONFIG": str(real.settings)}
    return replace(real, folder=folder, env=env).with_profile("a", slurm_profile('paths.dir = "~/elsewhere"'))


@pytest.fixture(scope="module")
def inside(talkative: Lab) -> ClusterProject:
    """A project on alpha where each command is called in a job of its own."""
    return replace(make_project(talkative, "inside"), through=IN_A_JOB)


@pytest.fixture(scope="module")
def servers(
    both: tuple[ClusterProject, ClusterProject], odd: ClusterProject, inside: ClusterProject
) -> Iterator[dict[str, str]]:
    """All four servers, started at once; what each start said."""
    them = {"both a": both[0], "both b": both[1], "odd": odd, "inside": inside}
    try:
        done = side_by_side(lambda project: project.ok(*START), them.values())
        yield dict(zip(them, (each.stderr for each in done), strict=True))
    finally:
        side_by_side(lambda project: project.ok("stop", "--all"), [both[0], odd, inside])


def queued(lab: Lab, cluster: str, shown: str, *options: str) -> list[str]:
    """Ask a cluster itself what it shows of its jobs."""
    host = {"alpha": "alpha-ctl", "beta": "beta-login", "gamma": "gamma-v1"}[cluster]
    told = lab.run(host, "squeue", "--noheader", f"--format={shown}", *options, user="root").stdout
    return told.splitlines()


def test_a_site_that_greets_and_variables_of_slurm_change_nothing(
    servers: dict[str, str], both: tuple[ClusterProject, ClusterProject]
) -> None:
    project, _ = both
    found = project.status(exits=0)
    job = found["job_id"]
    assert queued(project.lab, "alpha", "%a %P %l %C %m %T", f"--jobs={job}") == [
        "physics gpu 10:00 1 500M RUNNING"
    ]
    assert found["job"]["words"] == f"job {job} runs on {found['hostname']}"
    assert 0 < found["job"]["time_left_s"] <= 600
    assert f"submitted job {job} for" in servers["both a"]
    assert "SBATCH_ACCOUNT=nope in your environment is not used" in servers["both a"]


async def test_an_agents_sessions_stay_with_their_servers_on_two_clusters(
    servers: dict[str, str], both: tuple[ClusterProject, ClusterProject]
) -> None:
    a, b = both
    assert "on cluster gamma" in servers["both b"]
    where = "import os; print(os.environ['SLURM_CLUSTER_NAME'], os.environ['SLURM_JOB_ID'])"
    async with a.agent() as agent:
        job_a, job_b = a.status(exits=0)["job_id"], b.status(exits=0)["job_id"]
        of_a, of_b = await agent.open(profile="a"), await agent.open(profile="b")
        assert f"alpha {job_a}" in await agent.execute(of_a, where)
        assert f"gamma {job_b}" in await agent.execute(of_b, where)
        assert f"alpha {job_a}" in await agent.execute(of_a, where)
        assert await _shown(agent) == {"a": "ready", "b": "ready"}

        await agent.ok("stop_server", profile="b")

        assert await _shown(agent) == {"a": "ready", "b": "stopped"}
        assert f"alpha {job_a}" in await agent.execute(of_a, where)
    assert "-both-b-" not in " ".join(queued(a.lab, "gamma", "%j", "--states=R,PD,CG"))


async def _shown(agent: Agent) -> dict[str, str]:
    listed = (await agent.ok("list_profiles"))["profiles"]
    return {each["name"]: each["server"] for each in listed if each["name"] in ("a", "b")}


async def test_a_path_may_have_anything_and_lead_through_links(
    servers: dict[str, str], odd: ClusterProject
) -> None:
    assert servers
    found = odd.status(exits=0)
    real = odd.folder.resolve()
    assert found["project_dir"] == str(real)
    assert Path(found["log_file"]).is_relative_to(Path(odd.env["HOME"]) / "elsewhere")
    assert not odd.connection_file.exists()
    async with odd.agent() as agent:
        session = await agent.open("näive")
        told = await agent.execute(
            session, "import os, pathlib; pathlib.Path('made').touch(); print(os.getcwd())"
        )
    assert str(real / "notebooks") in told
    assert sorted(path.name for path in odd.notebooks.iterdir()) == ["made", "näive.ipynb"]


async def test_a_server_that_is_started_in_a_job_is_a_job_of_its_own(
    servers: dict[str, str], inside: ClusterProject
) -> None:
    assert "submitted job" in servers["inside"]
    outside = replace(inside, through=())
    job = outside.status(exits=0)["job_id"]
    assert inside.status(exits=0)["state"] == "ready"
    assert queued(inside.lab, "alpha", "%P %l %C %m", f"--jobs={job}") == ["gpu 10:00 1 500M"]
    code = "import os; print([os.environ[n] for n in ('SLURM_JOB_ID', 'SLURM_JOB_PARTITION', 'SLURM_MEM_PER_NODE')])"
    async with outside.agent() as agent:
        told = await agent.execute(await agent.open(), code)
    assert f"['{job}', 'gpu', '500']" in told


@pytest.mark.parametrize("way", ["clusters", "slurm_conf"])
def test_another_cluster_is_meant_by_every_command(talkative: Lab, way: str) -> None:
    conf = f'paths.slurm_conf = "{talkative.slurm_conf("gamma")}"\n'
    ways = {"clusters": {"clusters": "gamma"}, "slurm_conf": {"more": conf + HELD["more"]}}
    project = make_project(talkative, way, env=SPOILT, **{**HELD, **ways[way]})
    project.run(*START, exits=5)
    job = project.status(exits=5)["job_id"]
    assert queued(talkative, "gamma", "%i %T %r", f"--jobs={job}") == [f"{job} PENDING JobHeldUser"]
    assert "submitted" not in project.run(*START, exits=5).stderr  # it is found again

    talkative.run("gamma-v1", "scancel", job)

    assert f"job {job} was cancelled" in project.becomes("stale")["reason"]
    again = project.run(*START, exits=5).stderr
    assert f"job {job} was cancelled" in again
    found = re.search(r"submitted job (\d+)", again)
    assert found
    project.ok("stop")
    told = talkative.run("gamma-v1", "scontrol", "--oneliner", "show", "job", found[1], user="root").stdout
    assert "JobState=CANCELLED" in told


def test_a_job_that_squeue_does_not_show_has_not_ended(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "hidden", host="beta-login", **HELD)
    project.run(*START, exits=5)
    job = project.status(exits=5)["job_id"]
    with quiet_lab.wrapped("beta-login", "squeue", "exit 0"):
        until(lambda: "unknown" in str(project.status()["reason"]), "doubt")
        assert "nothing was submitted" in project.run(*START, exits=15).stderr
    assert project.becomes("queued")["job_id"] == job
    project.ok("stop")


def test_what_a_partition_does_not_allow_is_refused_at_once_or_found_to_wait_for_ever(talkative: Lab) -> None:
    for host, said, left in (
        ("alpha-login", "SLURM refuses the job", "no server is running"),
        ("beta-login", "cannot start as it is", "has been stopped"),
    ):
        project = make_project(talkative, f"long on {host}", host=host, time="40-0")
        told = project.run(*START, exits=16).stderr
        assert said in told
        assert 'slurm.time is "40-0"' in told
        assert left in project.ok("stop").stderr
    assert not queued(talkative, "beta", "%j", "--states=PD")


def test_a_private_cluster_without_accounts_tells_how_a_job_ended(talkative: Lab) -> None:
    project = make_project(talkative, "private", host="beta-login", **HELD)
    project.run(*START, exits=5)
    found = project.status(exits=5)
    assert found["job"]["reason"] == "JobHeldUser"
    assert talkative.run("beta-login", "squeue", "--noheader", user="bob").stdout == ""
    talkative.run("beta-login", "scancel", found["job_id"], user="root")
    assert "was cancelled" in project.becomes("stale")["reason"]
