"""Project folders of alice's whose servers faults befall, and what she and her agent do in them."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from jlab_mcp.core.record import Connection, ServerJob, ServerRecord
from jlab_mcp.storage.records import read_connection, read_record
from tests.agent import Agent
from tests.cluster.conftest import Lab
from tests.commands import LIMIT, until
from tests.conftest import Project

LOGIN = "alpha-login"
SETTINGS = """mode = "slurm"
{top}
[slurm]
partition = "gpu"
cpus_per_task = 1
mem = "500"
time = "10"
{slurm}
[server]
command_timeout = {command_timeout}
[env]
{env}
"""


@dataclass(frozen=True)
class Workplace:
    """A project folder with a profile of its own, as its user works in it on the log-in host.

    Attributes:
        lab: the lab.
        name: of the folder and the profile, which no other has.
        bin: folder that comes first on PATH; what is put there stands before SLURM's own commands.
    """

    lab: Lab
    name: str
    bin: Path

    @property
    def folder(self) -> Path:
        """The project folder."""
        return self.lab.home() / self.name

    @cached_property
    def project(self) -> Project:
        """The project, as this test can read it."""
        path = f"{self.bin}:/usr/bin:/bin"
        variables = {"HOME": str(self.lab.home()), "PATH": path, "JLAB_MCP_PROFILE": self.name}
        return Project(self.folder, variables)

    def enter(self, *argv: str) -> list[str]:
        """Return the command that runs `argv` in the project folder, on the log-in host."""
        variables = [f"JLAB_MCP_PROFILE={self.name}", f"PATH={self.project.env['PATH']}"]
        return self.lab.enter(LOGIN, ["env", f"--chdir={self.folder}", *variables, *argv])

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `jlab-mcp`, whatever its exit code."""
        with self.spawn(*arguments) as process:
            try:
                stdout, stderr = process.communicate(timeout=LIMIT)
            finally:
                process.kill()
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    @contextmanager
    def spawn(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Have `jlab-mcp` at work; its id in the host is in the file `pid` of the project folder."""
        line = f"echo $$ > pid; exec {shlex.join([self.lab.jlab_mcp, *arguments])}"
        process = subprocess.Popen(
            self.enter("bash", "-c", line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def kill(self) -> None:
        """Kill the `jlab-mcp` that was spawned last, as a crash would."""
        self.lab.run(LOGIN, "kill", "-KILL", (self.folder / "pid").read_text().strip())

    def start(self) -> None:
        """Start the server, and return when it is ready."""
        done = self.run("start", "--detach")
        assert done.returncode == 0, done.stderr

    async def look(self) -> dict[str, object]:
        """Return what `status --json` says."""
        answer: dict[str, object] = json.loads((await asyncio.to_thread(self.run, "status", "--json")).stdout)
        return answer

    @property
    def record(self) -> ServerRecord | None:
        """What is written about the server."""
        return read_record(self.project.resolved().paths)

    @property
    def job(self) -> ServerJob:
        """What is written about the server's job; its id may not be known."""
        record = self.record
        assert record
        assert record.job
        return record.job

    @property
    def has_job(self) -> bool:
        """Whether it is written down which job the server has."""
        record = self.record
        return record is not None and record.job_id is not None

    @property
    def job_id(self) -> str:
        """The id of the server's job."""
        found = self.job.job_id
        assert found
        return found

    @property
    def connection(self) -> Connection:
        """What the node wrote about itself."""
        found = read_connection(self.project.resolved().paths)
        assert found
        return found

    def jobs(self) -> list[str]:
        """Return the ids of all jobs that were ever submitted for this project, by the controller's memory."""
        told = self.lab.run(LOGIN, "squeue", "--noheader", "--states=all", "--format=%i %j").stdout
        prefix = self.job.name.rpartition("-")[0]  # what follows is each launch's own
        return [line.split()[0] for line in told.splitlines() if line.split()[1].startswith(f"{prefix}-")]

    def update(self, *changes: str) -> None:
        """Change the job, as an administrator may."""
        self.lab.run(LOGIN, "scontrol", "update", f"JobId={self.job_id}", *changes)

    def job_state(self) -> str:
        """Return the controller's word for how the job is."""
        told = self.lab.run(
            LOGIN, "squeue", "--noheader", "--states=all", f"--jobs={self.job_id}", "--format=%T"
        )
        return told.stdout.strip()

    def job_becomes(self, state: str) -> None:
        """Wait until the controller says so."""
        until(lambda: self.job_state() == state, f"job {state}")

    @asynccontextmanager
    async def agent(self) -> AsyncIterator[Agent]:
        """Start an MCP server on the log-in host, and speak to it."""
        command, *arguments = self.enter(self.lab.jlab_mcp)
        server = StdioServerParameters(command=command, args=arguments, env=None)
        failure: Exception | None = None
        async with stdio_client(server, errlog=sys.stderr) as pipes, ClientSession(*pipes) as session:
            await session.initialize()
            try:
                yield Agent(session, self.project)
            except Exception as error:  # noqa: BLE001 - raised again, not buried in groups of errors
                failure = error
        if failure is not None:
            raise failure


def workplace(
    lab: Lab, *, slurm: str = "", env: str = "", top: str = "", command_timeout: float = 20.0
) -> Workplace:
    """Make a project folder and its profile."""
    name = f"p{uuid4().hex[:8]}"
    lab.run(LOGIN, "mkdir", "-p", name, f"{name}-bin", ".config/jlab-mcp/profiles")
    profile = lab.home() / ".config/jlab-mcp/profiles" / f"{name}.toml"
    profile.write_text(SETTINGS.format(slurm=slurm, env=env, top=top, command_timeout=command_timeout))
    profile.chmod(0o644)
    return Workplace(lab, name, lab.home() / f"{name}-bin")


async def meanwhile(look: Callable[[], object], what: str) -> None:
    """Wait until `look` finds something, without holding up what else goes on."""
    await asyncio.to_thread(until, look, what)


def ticking(file: str, end: str) -> str:
    """Return code that prints and writes down a number five times a second until the file `end` is there."""
    return (
        "import os, time\nn = 0\n"
        f"while not os.path.exists({end!r}):\n"
        f"    n += 1\n    print('tick', n)\n    open({file!r}, 'a').write('.')\n    time.sleep(0.2)\n"
    )
