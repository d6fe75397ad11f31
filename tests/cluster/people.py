"""Alice with two servers and bob beside her: what the tests of several people begin with."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.cluster import intruder
from tests.cluster.conftest import COMMAND_SECONDS, Lab
from tests.cluster.lab.files import make_folder
from tests.cluster.lab.layout import LAB, user_named

LOGIN, NODE = "alpha-login", "alpha-a1"
JOB = (
    'mode = "slurm"\n[slurm]\npartition = "gpu"\nnodelist = "alpha-a1"\ncpus_per_task = 1\ntime = "0:20:00"\n'
)
PRINTED, SCRATCHED, LONG, PRIVATE = (
    f"{name}-7f3a9c51e0" for name in ("printed", "scratched", "long", "private")
)


@dataclass
class Server:
    """A server of alice's, and what only she should know of it."""

    profile: str
    host: str
    connection: dict[str, Any]
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
        return str(self.connection["token"])


@dataclass
class Scene:
    """Alice's servers, each with a session and a running cell, and a server of bob's in the same folder."""

    lab: Lab
    shared: Path
    private: Path
    in_job: Server
    local: Server
    job_id: str

    @property
    def servers(self) -> tuple[Server, Server]:
        """Alice's servers."""
        return self.in_job, self.local


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
        profiles = lab.home(user) / ".config/jlab-mcp/profiles"
        lab.run(LOGIN, "mkdir", "-p", str(profiles), user=user)
        (profiles / "job.toml").write_text(JOB)
        (profiles / "here.toml").write_text('mode = "local"\n')
    _folder(private, "alice", 0o700)
    _lay_traps(lab)
    starts = [(shared, "job", "alice"), (private, "here", "alice"), (shared, "job", "bob")]
    try:
        with ThreadPoolExecutor() as pool:
            started = [pool.submit(call, lab, folder, "start", "--detach", "--profile", profile, user=user)
                       for folder, profile, user in starts]  # fmt: skip
            for each in started:
                assert each.result().returncode == 0, each.result().stderr
        in_job = asyncio.run(_work(lab, shared, "job", PRINTED))
        local = asyncio.run(_work(lab, private, "here", PRIVATE))
        for server in (in_job, local):
            _look_inside(lab, server)
        yield Scene(lab, shared, private, in_job, local, str(in_job.connection["job_id"]))
    finally:
        for folder, profile, user in starts:
            call(lab, folder, "stop", "--profile", profile, user=user)
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


def call(
    lab: Lab, folder: Path, *arguments: str, user: str = "alice", host: str = LOGIN
) -> subprocess.CompletedProcess[str]:
    return lab.run(host, *_in(folder, lab.jlab_mcp, *arguments), user=user, check=False)


def _in(folder: Path, *command: str) -> Sequence[str]:
    """Return a command that runs in a folder with the umask that most people have."""
    return "bash", "-c", f"umask 022; cd {shlex.quote(str(folder))} && exec {shlex.join(command)}"


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


async def _work(lab: Lab, folder: Path, profile: str, secret: str) -> Server:
    """Have alice's agent work on a server: it prints secrets, and leaves a cell running."""
    command = lab.enter(LOGIN, _in(folder, lab.jlab_mcp))
    answers: list[str] = []
    parameters = StdioServerParameters(command=command[0], args=command[1:])
    async with stdio_client(parameters) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()

        async def ask(tool: str, **arguments: Any) -> dict[str, Any]:
            answer = await session.call_tool(tool, arguments)
            answers.append(answer.model_dump_json())
            assert not answer.is_error, answers[-1]
            return dict(answer.structured_content or {})

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
        resource = await session.read_resource("jlab-mcp://server/status")
        answers.append(resource.model_dump_json())
    return Server(
        profile=profile,
        host=NODE if profile == "job" else LOGIN,
        connection=connection_of(lab, folder, profile),
        session_id=session_id,
        execution_id=cell["execution_id"],
        kernel_environment=json.loads(said["text"].splitlines()[0]),
        answers=answers,
    )


def _printing(secret: str) -> str:
    """Return code that prints a secret and does not hold it: IPython keeps code in a history of its own."""
    return f"print({secret[::-1]!r}[::-1])"


def connection_of(lab: Lab, folder: Path, profile: str, user: str = "alice") -> dict[str, Any]:
    return dict(json.loads(connection_file(lab, folder, profile, user).read_text()))


def connection_file(lab: Lab, folder: Path, profile: str, user: str = "alice") -> Path:
    found = (lab.home(user) / ".jlab-mcp/connections").glob(f"{folder.name}-{profile}-*.connection.json")
    return next(found)


def _look_inside(lab: Lab, server: Server) -> None:
    """Note what root sees of a server: its processes, and the names and keys in its private folder."""
    pid = server.connection["pid"]
    lines = lab.run(server.host, "ps", "-u", "alice", "-o", "pid=,args=", user="root").stdout.splitlines()
    server.pids = [int(line.split()[0]) for line in lines if re.search(r"launch\.py|ipykernel", line)]
    assert pid in server.pids
    find = "find /tmp/jlab-mcp-run-* -user alice; find /tmp/jlab-mcp-run-* -user alice -name 'kernel-*.json' | xargs cat"
    said = lab.run(server.host, "bash", "-c", find, user="root").stdout
    server.runtime_files = [line for line in said.splitlines() if line.startswith("/tmp/")]
    server.kernel_keys = re.findall(r'"key": "([^"]+)"', said)
    assert server.kernel_keys
