"""A real server for the tests that need one: one for all of them, in a project folder of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from hypothesis import settings

from jlab_mcp.app import context
from jlab_mcp.app.connect import Connected, close_clients, connect
from jlab_mcp.app.start import start
from jlab_mcp.app.stop import stop
from jlab_mcp.core.resolver import ResolvedProfile
from tests import second_try
from tests.slowkernel import SlowKernel, slow_kernel


def pytest_configure() -> None:
    """Let properties take as long as a slow machine needs, and give signals their usual effect.

    A run in the background inherits them ignored, and would hand that on to the commands that it starts, which
    heed it: they would not stop at Ctrl+C, as is right under nohup.
    """
    in_use = settings.get_profile(settings.get_current_profile_name())
    settings.register_profile("unhurried", in_use, deadline=None)
    settings.load_profile("unhurried")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@dataclass(frozen=True)
class Project:
    """A project folder, and the environment in which `jlab-mcp` works on it: nothing of the user's leaks in."""

    folder: Path
    env: dict[str, str]

    @property
    def notebooks(self) -> Path:
        """Its notebook folder."""
        return self.folder / "notebooks"

    @property
    def jupyter(self) -> Path:
        """Where the server of `live_project` looks for more kernels."""
        return self.folder / "jupyter"

    @cached_property
    def connection_file(self) -> Path:
        """Where its server, if it has one, says how to reach it."""
        return self.resolved().paths.connection_file

    def resolved(self) -> ResolvedProfile:
        """Its settings."""
        return context.load(project_dir=self.folder, environ=self.env)

    async def start(self) -> None:
        """Start its server and return when that is ready."""
        async for _event in start(self.resolved()):
            pass
        await close_clients()

    async def stop(self) -> None:
        """Stop its server, if one runs."""
        async for _event in stop(self.resolved()):
            pass
        await close_clients()

    async def connect(self) -> Connected:
        """Connect to its server."""
        return await connect(self.resolved())

    async def close_sessions(self, notebooks: set[Path] | None = None) -> None:
        """Close every session of its server, or those of some notebooks."""
        client = (await self.connect()).client
        for session in await client.sessions():
            if notebooks is None or Path(session.notebook_path) in notebooks:
                await client.close_session(session.session_id)
        await close_clients()


def make_project(folder: Path) -> Project:
    """Make a project in an empty folder; its name has what paths should never depend on."""
    project = folder / """it's a "näive" 项目 project"""
    project.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JLAB_MCP_", "CLAUDE_"))}
    env = {**kept, "JLAB_MCP_DIR": str(folder / "state"), "JLAB_MCP_RUN_MODE": "local"}
    return Project(project, env)


_LIVE: list[Project] = []
"""The project of `live_project` while its server runs."""


@pytest.fixture(scope="session")
def live_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose server runs, for all tests that do not stop it."""
    folder = tmp_path_factory.mktemp("live")
    project = make_project(folder)
    with pytest.MonkeyPatch.context() as patch:
        # JupyterLab keeps these in the home folder, and opens again what the page of another test had open.
        for what in ("SETTINGS", "WORKSPACES"):
            patch.setenv(f"JUPYTERLAB_{what}_DIR", str(folder / "lab" / what.lower()))
        patch.setenv("JUPYTER_PATH", str(project.jupyter))
        asyncio.run(project.start())
    _LIVE.append(project)
    second_try.SHARED[project.folder] = lambda new: asyncio.run(project.close_sessions(new))
    yield project
    del second_try.SHARED[project.folder]
    _LIVE.remove(project)
    asyncio.run(project.stop())


@pytest.fixture
def live_slow_kernel(live_project: Project) -> Iterator[SlowKernel]:
    """A kernel of the server of `live_project` that waits to be let go on."""
    with slow_kernel(live_project.jupyter) as kernel:
        yield kernel


@pytest.fixture(scope="module", autouse=True)
def _no_sessions_of_other_files() -> Iterator[None]:
    """Close what the tests of a file left open: which files share a server is not theirs to know."""
    yield
    for project in _LIVE:
        asyncio.run(project.close_sessions())


_BEFORE = pytest.StashKey[dict[Path, set[Path]]]()


@pytest.fixture(autouse=True)
def _where_the_first_try_began(request: pytest.FixtureRequest) -> None:
    """Take away what the first try of a test left on the servers that tests share."""
    stash = request.node.stash
    if _BEFORE in stash:
        second_try.clear(stash[_BEFORE])
    elif request.node.get_closest_marker("flaky"):
        stash[_BEFORE] = second_try.listing()


@pytest.fixture
def bare_project(tmp_path: Path) -> Iterator[Project]:
    """A project without a server; one that the test starts is stopped at its end."""
    project = make_project(tmp_path)
    yield project
    asyncio.run(project.stop())
