"""Alice with two servers and bob beside her: what the tests of several people begin with."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jlab_mcp.core.record import Connection
from tests.cluster import intruder
from tests.cluster.conftest import COMMAND_SECONDS, Lab
from tests.cluster.lab.files import make_folder
from tests.cluster.lab.layout import LAB, user_named
from tests.cluster.servers import ClusterProject
from tests.commands import side_by_side

LOGIN, NODE = "alpha-login", "alpha-a1"
JOB = (
    'mode = "slurm"\n[slurm]\npartition = "gpu"\nnodelist = "alpha-a1"\ncpus_per_task = 1\ntime = "0:20:00"\n'
)
UMASK = ("bash", "-c", 'umask 022; exec "$@"', "bash")
"""Words before a command, so that it has the umask that most people have."""
PRINTED, SCRATCHED, LONG, PRIVATE = (
    f"{name}-7f3a9c51e0" for name in ("printed", "scratched", "long", "private")
)


@dataclass
class Server:
    """A server of alice's, and what only she should know of it."""

    project: ClusterProject
    host: str
    connection: Connection
    session_id: str
    execution_id: str
    kernel_environment: dict[str, str]
    answers: list[str]
    kernel_keys: list[str] = field(default_factory=list)
    runtime_files: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)

    @property
    def token(self) -> str:
        """Its token."""
        return self.connection.token.get_secret_value()


@dataclass
class Scene:
    """Alice's servers, each with a session and a running cell, and a server of bob's in the same folder."""

    lab: Lab
    in_job: Server
    local: Server
    bobs: ClusterProject

    @property
    def servers(self) -> tuple[Server, Server]:
        """Alice's servers."""
        return self.in_job, self.local

    @property
    def job_id(self) -> str:
        """The id of alice's job."""
        return str(self.in_job.connection.job_id)


@contextmanager
def at_work(lab: Lab) -> Iterator[Scene]:
    """Alice has one server in a job, in a folder where all may write, and one on the login host, in her home.

    Her home and her folder of jlab-mcp are open to all, which is as careless as one can be.
    """
    shared = LAB / "shared"
    private = lab.home() / "private"
    make_folder(shared, mode=0o777)
    for user in ("alice", "bob"):
        lab.home(user).chmod(0o755)
        shutil.rmtree(lab.home(user) / ".ipython", ignore_errors=True)
        _folder(lab.home(user) / ".jlab-mcp", user, 0o755)
    _folder(private, "alice", 0o700)
    _lay_traps(lab)
    in_job, bobs = (
        ClusterProject(lab, LOGIN, user, shared, through=UMASK).with_profile("job", JOB)
        for user in ("alice", "bob")
    )
    local = ClusterProject(lab, LOGIN, "alice", private, through=UMASK)
    local = local.with_profile("here", 'mode = "local"\n')
    projects = (in_job, local, bobs)
    try:
        side_by_side(lambda project: project.ok("start", "--detach"), projects)
        servers = (asyncio.run(_work(in_job, NODE, PRINTED)), asyncio.run(_work(local, LOGIN, PRIVATE)))
        for server in servers:
            _look_inside(lab, server)
        yield Scene(lab, *servers, bobs)
    finally:
        for project in projects:
            project.run("stop")
        lab.reset()
        for user in ("alice", "bob"):
            shutil.rmtree(lab.home(user) / ".jlab-mcp")
            shutil.rmtree(lab.home(user) / ".config/jlab-mcp")
            lab.home(user).chmod(0o700)
        shutil.rmtree(private)
        shutil.rmtree(shared)


def _folder(path: Path, owner: str, mode: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    make_folder(path, owner=user_named(owner).uid, mode=mode)


def as_bob(lab: Lab, host: str, what: str, **asked: Any) -> dict[str, Any]:
    """Have bob try something on a host, and return what he got."""
    done = subprocess.run(
        lab.enter(host, [sys.executable, str(intruder.__file__)], user="bob"),
        input=json.dumps({"try": what, **asked}),
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    got: dict[str, Any] = json.loads(done.stdout)
    return got


def _lay_traps(lab: Lab) -> None:
    """Have bob make what he can of the names that servers use in /tmp."""
    lines = (
        "cd /tmp; rm -rf jlab-mcp-run-*; mkdir -m 777 mine jlab-mcp-run-aaaaaaaa; "
        "ln -s /tmp/mine jlab-mcp-run-bbbbbbbb; mkfifo jlab-mcp-run-cccccccc; touch jlab-mcp-run-dddddddd"
    )
    for host in (LOGIN, NODE):
        lab.run(host, "bash", "-c", lines, user="bob")


async def _work(project: ClusterProject, host: str, secret: str) -> Server:
    """Have alice's agent work on a server, which is on a host: it prints secrets, and leaves a cell running."""
    answers: list[str] = []
    async with project.agent() as agent:

        async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
            answer = await agent.call(tool, **arguments)
            answers.append(answer.model_dump_json())
            assert not answer.is_error, answers[-1]
            return dict(answer.structured_content or {})

        profile = project.profile
        session_id = (await ask("start_new_session", experiment_name=profile, profile=profile))["session_id"]
        for code in (_printing(secret), f"print('x' * 1_200_000); {_printing(LONG)}; print('x' * 1_200_000)"):
            await ask("execute_code", session_id=session_id, code=code)
        await ask("execute_scratch", code=_printing(SCRATCHED), profile=profile)
        shown = "import json, os; print(json.dumps(dict(os.environ)))"
        said = await ask("execute_scratch", code=shown, profile=profile)
        running = "import time; print('begun', flush=True); time.sleep(1000)"
        cell = await ask("execute_code", session_id=session_id, code=running, wait_seconds=1)
        for tool in ("ping", "list_sessions", "list_profiles", "check_resources"):
            await ask(tool)
        resource = await agent.session.read_resource("jlab-mcp://server/status")
        answers.append(resource.model_dump_json())
    return Server(
        project=project,
        host=host,
        connection=project.connection,
        session_id=session_id,
        execution_id=cell["execution_id"],
        kernel_environment=json.loads(said["text"].splitlines()[0]),
        answers=answers,
    )


def _printing(secret: str) -> str:
    """Return code that prints a secret and does not hold it: IPython keeps code in a history of its own."""
    return f"print({secret[::-1]!r}[::-1])"


def _look_inside(lab: Lab, server: Server) -> None:
    """Note what root sees of a server: its processes, and the names and keys in its private folder."""
    pid = server.connection.pid
    lines = lab.run(server.host, "ps", "-u", "alice", "-o", "pid=,args=", user="root").stdout.splitlines()
    server.pids = [int(line.split()[0]) for line in lines if re.search(r"launch\.py|ipykernel", line)]
    assert pid in server.pids
    find = "find /tmp/jlab-mcp-run-* -user alice; find /tmp/jlab-mcp-run-* -user alice -name 'kernel-*.json' | xargs cat"
    said = lab.run(server.host, "bash", "-c", find, user="root").stdout
    server.runtime_files = [line for line in said.splitlines() if line.startswith("/tmp/")]
    server.kernel_keys = re.findall(r'"key": "([^"]+)"', said)
    assert server.kernel_keys
