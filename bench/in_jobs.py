"""Servers in jobs: how long a start takes, what a session costs the controller, how soon an end is told."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Check, Figure, Samples
from bench.place import COMMAND_SECONDS
from tests.agent import words
from tests.cluster.conftest import Lab
from tests.cluster.lab import faults
from tests.cluster.lab.layout import user_named
from tests.cluster.servers import ClusterProject, make_project

NODE = "alpha-a1"
BARE = Path(__file__).with_name("bare_job.py")
_COMMANDS = ("squeue", "scontrol", "sacct", "scancel", "sinfo", "sbatch")
_TEN_MINUTES = 600.0


async def starts(lab: Lab, quick: bool) -> list[Figure]:
    """`start` until it returns, against a bare sbatch of a bare `jupyter lab` to its first 200."""
    project = make_project(lab, "bench-start", nodelist=NODE)
    ours, floor, after = [], [], []
    for number in range(2 if quick else 7):
        floor.append(_bare(project, 18500 + number))
        begun = time.perf_counter()
        project.ok("start")
        ours.append(time.perf_counter() - begun)
        after.append(max(0.0, time.time() - project.connection_file.stat().st_mtime))
        project.ok("stop")
    # The first pair reads from a cold disk.
    own, bare, listening = (Samples.seconds(values[1:]) for values in (ours, floor, after))
    overhead = Check("overhead", own.median - bare.median, aim=1.0, unit="s")
    return [
        Figure(
            "start",
            "start to ready, in a job",
            own,
            (overhead,),
            bare,
            "bare sbatch of a bare `jupyter lab` to its first 200",
        ),
        Figure(
            "ready",
            "from the moment JupyterLab listens until `start` has returned",
            listening,
            (Check("median", listening.median, aim=1.0, unit="s"),),
        ),
    ]


def _bare(project: ClusterProject, port: int) -> float:
    """Submit a bare JupyterLab, and return the seconds until it answers; it is cancelled then."""
    jupyter = Path(sys.executable).with_name("jupyter-lab")
    job = shlex.join([str(jupyter), "--no-browser", "--ip=0.0.0.0", f"--port={port}"])
    told = project.lab.run(project.host, sys.executable, str(BARE), NODE, str(port), job, user=project.user)
    return float(told.stdout)


async def queries(lab: Lab, quick: bool) -> list[Figure]:
    """What an hour's session asks the controller after it is ready.

    The hour is six times ten minutes: for each, the last answer is made ten minutes older.
    """
    project = make_project(lab, "bench-queries", nodelist=NODE)
    project.ok("start")
    with _counted(lab, project) as count:
        async with project.agent() as agent:
            session = await agent.open("hour")
            for _ in range(6):
                _make_older(project, _TEN_MINUTES)
                for _ in range(3 if quick else 20):
                    await agent.ok("execute_code", session_id=session, code="1+1")
                await agent.ok("ping")
                await agent.ok("list_profiles")
                project.ok("status")
        asked = len(count())
    project.ok("stop")
    figure = Figure(
        "queries",
        "queries to the controller in an hour's session after ready (six times ten minutes, made older)",
        Samples((float(asked),), "queries"),
        (Check("queries", asked, aim=10, unit="commands"),),
    )
    return [figure]


async def ends(lab: Lab, quick: bool) -> list[Figure]:
    """How long after the controller knows of a job's end an agent is told."""
    cases = [
        _Case("cancelled", "CANCELLED", _cancel),
        _Case("failed", "FAILED", _kill_launcher),
        _Case("node failed", "NODE_FAIL", lambda _: faults.crash(NODE), said="was lost: its node"),
    ]
    if not quick:
        cases.append(_Case("timed out", "TIMEOUT", lambda _: None, time="1"))
    figures = []
    for case in cases:
        folder = f"bench-{case.state.lower().replace('_', '-')}"
        project = make_project(lab, folder, nodelist=NODE, requeue=False, time=case.time)
        try:
            late = await _told_after(project, case)
        finally:
            lab.reset()
        check = Check("after", late, aim=5.0, unit="s")
        what = f"a job that {case.name}: from the moment the controller knows until the agent is told"
        figures.append(Figure(f"end {case.name}", what, Samples.seconds([late]), (check,)))
    return figures


@dataclass(frozen=True)
class _Case:
    """A way in which a job ends.

    Attributes:
        name: of the row.
        state: SLURM's name of it.
        befall: brings it about.
        time: limit of the job.
        said: what an agent has to be told; the row's name if empty.
    """

    name: str
    state: str
    befall: Callable[[ClusterProject], object]
    time: str = "10"
    said: str = ""


async def _told_after(project: ClusterProject, case: _Case) -> float:
    """Let a job end while code runs; seconds from the controller's knowing until the agent is told.

    A server that can still answer ends the call; then the agent asks how things stand, as agents do.
    """
    project.ok("start")
    job = project.job_id
    async with project.agent() as agent:
        session = await agent.open("end")
        code = "import time; time.sleep(600)"
        call = asyncio.create_task(agent.call("execute_code", session_id=session, code=code))
        knows = asyncio.create_task(_known(project, job, case.state))
        await asyncio.to_thread(case.befall, project)
        async with asyncio.timeout(COMMAND_SECONDS):
            said = words(await call)
            while (case.said or case.name) not in said:
                said = words(await agent.call("ping"))
            told = time.perf_counter()
            known = await knows
    return max(0.0, told - known)


async def _known(project: ClusterProject, job: str, state: str) -> float:
    """Wait until the controller knows that a job has ended; when that was."""
    while True:
        asked = ("scontrol", "--oneliner", "show", "job", job)
        told = await asyncio.to_thread(project.lab.run, project.host, *asked, user="root")
        if f"JobState={state}" in told.stdout:
            return time.perf_counter()
        await asyncio.sleep(0.05)


def _cancel(project: ClusterProject) -> None:
    project.lab.run(project.host, "scancel", project.job_id)


def _kill_launcher(project: ClusterProject) -> None:
    pid = json.loads(project.connection_file.read_bytes())["pid"]
    project.lab.run(NODE, "kill", "-KILL", str(pid), user="root")


@contextmanager
def _counted(lab: Lab, project: ClusterProject) -> Iterator[Callable[[], list[str]]]:
    """Count SLURM's commands on the log-in host: a script in the place of each notes its call."""
    calls = lab.home(project.user) / "calls"
    calls.write_text("")
    uid = user_named(project.user).uid
    os.chown(calls, uid, uid)
    with ExitStack() as stack:
        for program in _COMMANDS:
            script = f'echo {program} >>{shlex.quote(str(calls))}\nexec "$real" "$@"\n'
            stack.enter_context(lab.wrapped(project.host, program, script))
        yield lambda: calls.read_text().split()


def _make_older(project: ClusterProject, seconds: float) -> None:
    for path in (project.state / "connections").glob("queue-*.json"):
        kept = json.loads(path.read_bytes())
        path.write_text(json.dumps(kept | {"at": kept["at"] - seconds}))
