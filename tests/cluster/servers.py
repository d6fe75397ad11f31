"""A project on a log-in host whose server is a job: commands there, what they leave, and agents."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pexpect
import psutil
from mcp import StdioServerParameters

from jlab_mcp.core.record import Connection, EndNote, ServerPaths, ServerRecord, server_key, server_paths
from tests.agent import Agent, speaking_to
from tests.cluster.conftest import COMMAND_SECONDS, Lab
from tests.cluster.jobs import Job
from tests.cluster.lab.layout import user_named
from tests.commands import until

SMALL: Mapping[str, str] = {"cpus_per_task": "1", "mem": "500M", "time": "10", "gres": "none"}
"""What a job asks for that only has to run."""


@dataclass(frozen=True)
class ClusterProject:
    """A user's project on a log-in host, as seen with one of its profiles in use.

    Attributes:
        lab: where.
        host: the log-in host.
        user: whose it is.
        folder: the project folder, by the path that its user knows.
        profile: the one in use.
        env: more variables for the commands; what is not among them is as users have it.
        through: words before each command, such as `srun`.
    """

    lab: Lab
    host: str
    user: str
    folder: Path
    profile: str = "work"
    env: Mapping[str, str] = field(default_factory=dict)
    through: tuple[str, ...] = ()

    @property
    def settings(self) -> Path:
        """The folder of the user's settings."""
        return Path(self.env.get("JLAB_MCP_CONFIG", self.lab.home(self.user) / ".config/jlab-mcp"))

    @property
    def state(self) -> Path:
        """The folder of jlab-mcp's own files, unless the profile says otherwise."""
        return Path(self.env.get("JLAB_MCP_DIR", self.lab.home(self.user) / ".jlab-mcp"))

    @property
    def notebooks(self) -> Path:
        """The notebook folder."""
        return self.folder / "notebooks"

    def with_profile(self, name: str, text: str) -> ClusterProject:
        """Write a profile; return the project with that one in use."""
        profiles = self.settings / "profiles"
        self.lab.run(self.host, "mkdir", "--parents", str(profiles), user=self.user)
        path = profiles / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        uid = user_named(self.user).uid
        os.chown(path, uid, uid)
        return replace(self, profile=name)

    def command(self, *argv: str, **environ: str) -> list[str]:
        """Return the command that runs `argv` in the project folder on its host."""
        given = {"JLAB_MCP_PROFILE": self.profile, **self.env, **environ}
        variables = [f"{key}={value}" for key, value in given.items()]
        words = [*self.through, "env", f"--chdir={self.folder}", *variables, *argv]
        return self.lab.enter(self.host, words, self.user)

    def run(
        self, *arguments: str, exits: int | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a `jlab-mcp` command to its end, which must have that exit code; any if None."""
        with self.spawn(*arguments, **environ) as process:
            done = finish(process)
        assert exits in (None, done.returncode), (
            f"{arguments} exited {done.returncode}, not {exits}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def ok(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command that must succeed."""
        return self.run(*arguments, exits=0, **environ)

    @contextmanager
    def spawn(self, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """Have a command run; `finish` waits for its end. What still runs afterwards is killed."""
        process = subprocess.Popen(
            self.command(self.lab.jlab_mcp, *arguments, **environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    @contextmanager
    def terminal(self, *arguments: str) -> Iterator[pexpect.spawn[str]]:
        """Run a command in a terminal, where keys such as Ctrl+C can be pressed."""
        # `script` has a terminal of its own on the host: Ctrl+C must not reach what leads into the host.
        words = shlex.join([self.lab.jlab_mcp, *arguments])
        first, *rest = self.command(
            "script", "--quiet", "--return", "--command", words, "/dev/null", NO_COLOR="1"
        )
        terminal = pexpect.spawn(
            first,
            rest,
            env=dict(os.environ),
            encoding="utf-8",
            timeout=COMMAND_SECONDS,
            dimensions=(40, 300),
        )
        try:
            yield terminal
        finally:
            terminal.close(force=True)

    @asynccontextmanager
    async def agent(self, **environ: str) -> AsyncIterator[Agent]:
        """Speak to an MCP server that runs on the host."""
        first, *rest = self.command(self.lab.jlab_mcp, **environ)
        async with speaking_to(StdioServerParameters(command=first, args=rest), self) as found:
            yield found

    def status(self, exits: int | None = None) -> dict[str, Any]:
        """Return what `status --json` says, which must have that exit code; any if None."""
        told = self.run("status", "--json", exits=exits)
        assert told.stdout, told.stderr
        return dict(json.loads(told.stdout))

    def becomes(self, state: str) -> dict[str, Any]:
        """Wait until `status` says a state; return all that it says then."""
        last: dict[str, Any] = {}

        def look() -> bool:
            last.clear()
            last.update(self.status())
            return bool(last["state"] == state)

        try:
            until(look, f"state {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {last}") from error
        return last

    @property
    def files(self) -> ServerPaths:
        """Where the server's files are, there or not."""
        key = server_key(self.folder.resolve(), self.profile)
        return server_paths(key, connection_dir=self.state / "connections", log_dir=self.state / "logs")

    @property
    def connection_file(self) -> Path:
        """Where the server, if there is one, says how to reach it."""
        return self.files.connection_file

    @property
    def connection(self) -> Connection:
        """How the server says that it is reached."""
        return Connection.model_validate_json(self.connection_file.read_bytes())

    @property
    def record(self) -> ServerRecord:
        """What is written about the server."""
        return ServerRecord.model_validate_json(self.files.record_file.read_bytes())

    @property
    def end_note(self) -> EndNote:
        """What the server left to be read of its end."""
        return EndNote.model_validate_json(self.files.end_file.read_bytes())

    def left(self) -> list[str]:
        """List the kinds of files that are left of servers, such as `record.json`, locks and snapshots aside."""
        folder = self.state / "connections"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        kept = [name for name in names if not name.endswith(".lock") and not name.startswith("queue-")]
        return sorted(name.partition(".")[2] for name in kept)

    @property
    def has_job(self) -> bool:
        """Whether it is written down which job the server has."""
        return self.files.record_file.exists() and self.record.job_id is not None

    @property
    def job_id(self) -> str:
        """The id of the server's job."""
        found = self.record.job_id
        assert found
        return found

    @property
    def job_name(self) -> str:
        """The name of the server's job, which is written down before its id is known."""
        found = self.record.job
        assert found
        return found.name

    @property
    def job(self) -> Job:
        """The server's job, as the controller sees it."""
        return Job(self.lab, self.host, self.job_id)

    def jobs(self) -> list[str]:
        """List the states and ids of this server's jobs that the controller has in its queue."""
        return self._jobs("%T %i")

    def submitted(self) -> list[str]:
        """List the ids of all jobs that were ever submitted for this server, by the controller's memory."""
        return self._jobs("%i", "--states=all")

    def _jobs(self, shown: str, *options: str) -> list[str]:
        listing = ("squeue", "--noheader", f"--format={shown} %j", *options)
        told = self.lab.run(self.host, *listing, user="root").stdout
        return [line.rpartition(" ")[0] for line in told.splitlines() if f"-{self.files.key}-" in line]


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for a command's end."""
    try:
        out, err = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} does not end\n{out}\n{err}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def send_signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal a command that was spawned, rather than what leads into its host."""
    for inner in psutil.Process(process.pid).children():
        inner.send_signal(number)


def slurm_profile(more: str = "", **slurm: Any) -> str:
    """Return the text of a profile.

    Args:
        more: what comes before its section `slurm`.
        slurm: what to ask SLURM for, apart from what `SMALL` says.
    """
    asked = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**SMALL, **slurm}.items())
    return f'mode = "slurm"\n{more}\n[slurm]\n{asked}'


def make_project(
    lab: Lab,
    name: str = "",
    *,
    host: str = "alpha-login",
    user: str = "alice",
    more: str = "",
    env: Mapping[str, str] | None = None,
    **slurm: Any,
) -> ClusterProject:
    """Make a project whose settings, records and logs are its own, with the profile `work`.

    Args:
        lab: where.
        name: of its folder; no other project of this run has it. If empty, one that no job has ever had.
        host: the log-in host.
        user: whose it is.
        more: further sections of the profile.
        env: more variables for its commands.
        slurm: what to ask SLURM for, apart from what `SMALL` says.
    """
    name = name or f"p{uuid4().hex[:8]}"
    top = lab.home(user) / "projects" / name
    shutil.rmtree(top, ignore_errors=True)
    folder = top / name
    lab.run(host, "mkdir", "--parents", str(folder), user=user)
    own = {"JLAB_MCP_DIR": str(top / "state"), "JLAB_MCP_CONFIG": str(top / "config")}
    project = ClusterProject(lab, host, user, folder, env={**own, **(env or {})})
    return project.with_profile(project.profile, slurm_profile(more, **slurm))
