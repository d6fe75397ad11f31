"""What all checks look at: the settings, and what SLURM says, asked once for all of them."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from jlab_mcp.app.context import load, project_folder
from jlab_mcp.app.profiles.checking import check_profile
from jlab_mcp.app.profiles.survey import survey
from jlab_mcp.app.queue import server_job, slurm_environment, slurm_of
from jlab_mcp.config.layers import shown
from jlab_mcp.config.places import home_folder
from jlab_mcp.core.mounts import parse_mounts
from jlab_mcp.errors import ConfigError
from jlab_mcp.runners.processes import hostname
from jlab_mcp.storage.trial import mounts_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from typing import Any

    from jlab_mcp.app.profiles.checking import CheckedJob
    from jlab_mcp.core.cluster import Cluster
    from jlab_mcp.core.mounts import Mount
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.core.slurm.jobs import Job

_Answer = TypeVar("_Answer")
SURVEY_SECONDS = 15.0
"""How long each question to the cluster may take."""


class Scene:
    """A project with its settings, on this machine, as one user sees it.

    Args:
        profile: name of the profile that was asked for, if any.
        on_node: whether a small job may be run to look from a node.
        project_dir: the project folder; the working directory if None.

    Raises:
        ConfigError: there is no home folder, or no project folder.
    """

    def __init__(
        self, profile: str | None = None, *, on_node: bool = False, project_dir: Path | None = None
    ) -> None:
        self.profile = profile
        self.on_node = on_node
        self.environ: Mapping[str, str] = os.environ
        self.project_dir = project_folder(project_dir)
        self.home = home_folder(self.environ)
        self.hostname = hostname()
        self.began = time.time()
        self.problem: ConfigError | None = None
        self.settings: ResolvedProfile | None = None
        self._asked: dict[str, asyncio.Task[Any]] = {}
        try:
            self.settings = load(profile, project_dir=self.project_dir, environ=self.environ)
        except ConfigError as error:
            self.problem = error

    @property
    def resolved(self) -> ResolvedProfile:
        """The settings; checks that need them are made only where they load.

        Raises:
            ConfigError: they do not load.
        """
        if self.settings is None:
            raise self.problem or ConfigError(["the settings do not load"])
        return self.settings

    @property
    def flag(self) -> str:
        """What names the profile in a command, with a blank before it; empty where none was named."""
        return f" --profile {self.profile}" if self.profile else ""

    def shown(self, path: Path) -> str:
        """Write a path as its user would."""
        return shown(path, self.home)

    def word(self, path: Path) -> str:
        """Write a path as a word of a shell's command, in short where it is in the home."""
        if path.is_relative_to(self.home) and path != self.home:
            return f"~/{shlex.quote(str(path.relative_to(self.home)))}"
        return shlex.quote(str(path))

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """The file systems that this process sees."""
        return parse_mounts(mounts_text())

    @cached_property
    def slurm_environ(self) -> dict[str, str]:
        """The environment in which the cluster that the settings mean is asked."""
        return slurm_environment(self.resolved, self.environ)

    async def cluster(self) -> Cluster:
        """Return what SLURM says of itself."""
        seconds = min(SURVEY_SECONDS, self.resolved.profile.server.command_timeout)
        return await self._once("cluster", lambda: survey(self.slurm_environ, timeout=seconds, modules=False))

    async def queue(self) -> tuple[Job, ...]:
        """Return the user's jobs.

        Raises:
            SlurmUnreachable: the controller does not answer.
        """
        job = server_job(self.resolved, None, "")
        return await self._once("queue", slurm_of(job).jobs)

    async def job(self) -> CheckedJob:
        """Return what `sbatch --test-only` says of the job that a start would submit.

        Raises:
            ConfigError: no job can be made of the settings.
        """
        return await self._once(
            "job", lambda: check_profile(self.profile, project_dir=self.project_dir, environ=self.environ)
        )

    async def node(self) -> dict[str, Any] | None:
        """Return what a small job on a node saw; None where none was asked for.

        Raises:
            JlabMcpError: it could not be run.
        """
        if not self.on_node:
            return None
        from jlab_mcp.app.doctor.onnode import look_from_node

        return await self._once("node", lambda: look_from_node(self))

    async def give_up(self) -> None:
        """End what is still being asked, and wait until it has cleared up."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _once(self, what: str, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        if what not in self._asked:
            self._asked[what] = asyncio.ensure_future(ask())
        # One check that is given up must not take the answer from the others.
        answer: _Answer = await asyncio.shield(self._asked[what])
        return answer
