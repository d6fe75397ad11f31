"""A project folder at a site, from which `jlab-mcp` is called as alice does, with profiles in that folder's own settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.cluster.conftest import COMMAND_SECONDS, Lab
from tests.cluster.lab.layout import user_named
from tests.commands import until
from tests.ending import run_to_end

_Found = TypeVar("_Found")
_Did = TypeVar("_Did")
SMALL = '[slurm]\ncpus_per_task = 1\nmem = "500M"\ntime = "10"\n'
"""What a server needs that does nothing."""
HELD = f'[server]\nqueue_timeout = 0.1\n{SMALL}extra_directives = ["--hold"]\n'
"""A job that stays queued, so that `start` comes back at once."""


@dataclass(frozen=True)
class Workplace:
    """A project of alice's.

    Attributes:
        lab: where.
        folder: the project folder, by the path that its user knows.
        host: the host where commands are called.
        variables: more variables of the commands.
        through: words before each command, such as `srun`.
    """

    lab: Lab
    folder: Path
    host: str = "alpha-login"
    variables: Mapping[str, str] = field(default_factory=dict)
    through: tuple[str, ...] = ()

    @property
    def settings(self) -> Path:
        """The folder of settings."""
        return self.folder.parent / f"settings of {self.folder.name}"

    @property
    def state(self) -> Path:
        """The folder of jlab-mcp's own files, if its variable says so."""
        return self.folder.parent / f"state of {self.folder.name}"

    def words(self, *argv: str) -> list[str]:
        """Return the command that runs `argv` in the project folder, with its settings."""
        own = {"JLAB_MCP_CONFIG": str(self.settings), **self.variables}
        given = [f"{name}={value}" for name, value in own.items()]
        return self.lab.enter(self.host, [*self.through, "env", f"--chdir={self.folder}", *given, *argv])

    def run(self, *arguments: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a `jlab-mcp` command that must exit with a status; any if None."""
        done = run_to_end(self.words(self.lab.jlab_mcp, *arguments), COMMAND_SECONDS, check=False)
        assert status in (None, done.returncode), (
            f"{arguments} exited {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def start(self, profile: str, *arguments: str, status: int = 0) -> str:
        """Start a server; return what was said."""
        return self.run("start", "--detach", "--profile", profile, *arguments, status=status).stderr

    def stop(self, profile: str) -> str:
        """Stop a server; return what was said."""
        return self.run("stop", "--profile", profile).stderr

    def status(self, profile: str, status: int | None = 0) -> dict[str, Any]:
        """Return what is told of a server."""
        told: dict[str, Any] = json.loads(
            self.run("status", "--json", "--profile", profile, status=status).stdout
        )
        return told

    def becomes(self, state: str, profile: str) -> dict[str, Any]:
        """Wait until a server is in a state, and return what is told then; SLURM is not asked every time."""
        return until(
            lambda: found if (found := self.status(profile, None))["state"] == state else None, state
        )

    def profile(self, name: str, text: str) -> None:
        """Write a profile."""
        path = self.settings / "profiles" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'mode = "slurm"\n{text}', encoding="utf-8")
        self.own(self.settings)

    def own(self, *folders: Path) -> None:
        """Let folders and all in them be alice's."""
        uid = user_named("alice").uid
        for path in (each for folder in folders for each in (folder, *folder.rglob("*"))):
            os.chown(path, uid, uid, follow_symlinks=False)

    def file(self, kind: str, profile: str) -> Path:
        """Return the one file of a server whose name ends so."""
        found = [path for path in self.state.rglob(f"*{kind}") if f"-{profile}-" in path.name]
        assert len(found) == 1, found
        return found[0]

    def log(self, profile: str) -> str:
        """Return a server's log."""
        return self.file(".log", profile).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Tools:
    """The tools of an MCP server that works in a project."""

    session: ClientSession

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; return its facts."""
        answer = await self.session.call_tool(tool, arguments)
        assert not answer.is_error, answer
        return dict(answer.structured_content or {})

    async def open(self, profile: str, name: str = "test") -> str:
        """Open a session on a profile's server; return its id."""
        opened = await self.call("start_new_session", experiment_name=name, profile=profile)
        return str(opened["session_id"])

    async def execute(self, session: str, code: str) -> str:
        """Run code in a session; return all that the model is told."""
        return str((await self.call("execute_code", session_id=session, code=code))["text"])


@asynccontextmanager
async def tools(place: Workplace) -> AsyncIterator[Tools]:
    """Start the MCP server of a project on its host."""
    first, *rest = place.words(place.lab.jlab_mcp)
    server = StdioServerParameters(command=first, args=rest)
    failure: Exception | None = None
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        # Not through the client's task groups, which would bury a failed assertion in groups of errors.
        try:
            yield Tools(session)
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = error
    if failure is not None:
        raise failure


def make(lab: Lab, name: str, *, host: str = "alpha-login", **variables: str) -> Workplace:
    """Make an empty project below alice's home."""
    top = lab.home() / "places" / name
    shutil.rmtree(top, ignore_errors=True)
    place = Workplace(lab, top / name, host)
    place = replace(place, variables={"JLAB_MCP_DIR": str(place.state), **variables})
    place.folder.mkdir(parents=True)
    place.own(top.parent)
    return place


def side_by_side(do: Callable[[_Found], _Did], them: Sequence[_Found]) -> list[_Did]:
    """Do something with each of them at the same time."""
    with ThreadPoolExecutor(len(them)) as pool:
        return list(pool.map(do, them))
