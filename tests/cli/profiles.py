"""A user with profiles of their own, for the tests of `jlab-mcp profile`."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.commands import COMMAND, LIMIT


@dataclass(frozen=True)
class User:
    """A home, and a project that commands are run in; nothing of the real user's leaks in."""

    home: Path
    project: Path
    env: dict[str, str]

    @property
    def config(self) -> Path:
        """The user's folder of settings."""
        return self.home / ".config/jlab-mcp"

    def profile(self, name: str, text: str) -> Path:
        """Write a profile of the user's."""
        path = self.config / f"profiles/{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; nobody is there to answer."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.project,
            env=self.env | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )


def make_user(folder: Path) -> User:
    """Make a user in an empty folder; its names have what paths should never depend on."""
    home, project = folder / "hö me", folder / "it's a project"
    home.mkdir()
    project.mkdir()
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("JLAB_MCP_", "XDG_", "SLURM"))
    }
    return User(home, project, kept | {"HOME": str(home), "XDG_CONFIG_DIRS": str(folder / "site")})
