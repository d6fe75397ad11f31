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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pexpect
import psutil
from mcp import StdioServerParameters

from jlab_mcp.core.record import EndNote, ServerRecord
from tests.agent import Agent, speaking_to
from tests.cluster.conftest import COMMAND_SECONDS, Lab
from tests.cluster.lab.layout import user_named
from tests.commands import until

NAME = "work"
"""The profile of every project."""
SMALL: Mapping[str, str] = {"cpus_per_task": "1", "mem": "500M", "time": "10", "gres": "none"}
"""What a job asks for that only has to run."""


@dataclass(frozen=True)
class ClusterProject:
    """A user's project on a log-in host; settings, records and logs are its own.

    Attributes:
        lab: where.
        host: the log-in host.
        user: whose it is.
        folder: the project folder.
        env: more variables for the commands.
    """

    lab: Lab
    host: str
    user: str
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The folder of jlab-mcp's own files."""
        return self.folder.parent / "state"

    @property
    def notebooks(self) -> Path:
        """The notebook folder."""
        return self.folder / "notebooks"

    def command(self, *argv: str, **environ: str) -> list[str]:
        """Return the command that runs `argv` in the project folder on its host."""
        own = {
            "JLAB_MCP_DIR": str(self.state),
            "JLAB_MCP_CONFIG": str(self.folder.parent / "config"),
            "JLAB_MCP_PROFILE": NAME,
        }
        variables = [f"{key}={value}" for key, value in {**own, **self.env, **environ}.items()]
        return self.lab.enter(self.host, ["env", f"--chdir={self.folder}", *variables, *argv], self.user)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a `jlab-mcp` command to its end."""
        with self.spawn(*arguments, **environ) as process:
            return finish(process)

    def ok(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command that must succeed."""
        done = self.run(*arguments, **environ)
        assert done.returncode == 0, f"{arguments} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

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
        server = StdioServerParameters(command=first, args=rest, cwd=self.lab.home(self.user))
        async with speaking_to(server, self) as found:
            yield found

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says."""
        told = self.run("status", "--json")
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

    def file(self, kind: str) -> Path:
        """Return one of the server's files, such as its `record.json`, there or not."""
        found = sorted((self.state / "connections").glob(f"*-{NAME}-*.{kind}"))
        return found[0] if found else self.state / "connections" / f"{NAME}.{kind}"

    @property
    def connection_file(self) -> Path:
        """Where the server, if there is one, says how to reach it."""
        return self.file("connection.json")

    @property
    def record(self) -> ServerRecord:
        """What is written about the server."""
        return ServerRecord.model_validate_json(self.file("record.json").read_bytes())

    @property
    def end_note(self) -> EndNote:
        """What the server left to be read of its end."""
        return EndNote.model_validate_json(self.file("end.json").read_bytes())

    @property
    def job_id(self) -> str:
        """The id of the server's job."""
        found = self.record.job_id
        assert found
        return found

    def left(self) -> list[str]:
        """List the kinds of files beside the server's record, locks and snapshots aside."""
        folder = self.state / "connections"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(
            name.partition(".")[2]
            for name in names
            if not name.endswith(".lock") and not name.startswith("queue-")
        )

    def jobs(self) -> list[str]:
        """List the states and ids of this server's jobs that the controller has in its queue."""
        told = self.lab.run(self.host, "squeue", "--noheader", "--format=%T %i %j", user="root").stdout
        ours = f"-{self.folder.name}-{NAME}-"
        return [line.rpartition(" ")[0] for line in told.splitlines() if ours in line]

    def scontrol(self, *arguments: str) -> None:
        """Do as an administrator does."""
        self.lab.run(self.host, "scontrol", *arguments, user="root")

    def write_profile(self, text: str) -> None:
        """Write the profile anew."""
        (self.folder.parent / "config" / "profiles" / f"{NAME}.toml").write_text(text)


def send_signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal a command that was spawned, rather than what leads into its host."""
    for inner in psutil.Process(process.pid).children():
        inner.send_signal(number)


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for a command's end."""
    try:
        out, err = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"{process.args!r} does not end\n{out}\n{err}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def make_project(
    lab: Lab,
    name: str,
    *,
    host: str = "alpha-login",
    user: str = "alice",
    more: str = "",
    env: Mapping[str, str] | None = None,
    **slurm: Any,
) -> ClusterProject:
    """Make a project with a profile of its own.

    Args:
        lab: where.
        name: of its folder; no other project of this run has it.
        host: the log-in host.
        user: whose it is.
        more: further sections of the profile.
        env: more variables for its commands.
        slurm: what to ask SLURM for, apart from what `SMALL` says.
    """
    top = lab.home(user) / "projects" / name
    shutil.rmtree(top, ignore_errors=True)
    folder = top / name
    profiles = top / "config" / "profiles"
    for made in (folder, profiles):
        made.mkdir(parents=True)
    asked = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**SMALL, **slurm}.items())
    project = ClusterProject(lab, host, user, folder, env or {})
    project.write_profile(f'mode = "slurm"\n{more}\n[slurm]\n{asked}')
    uid = user_named(user).uid
    for path in (top.parent, top, *top.rglob("*")):
        os.chown(path, uid, uid)
    return project
