"""`jlab-mcp profile init` in a terminal, on a machine whose commands answer as recorded."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pexpect

LIMIT = 90
"""Seconds after which a test gives up waiting."""
COMMAND = [sys.executable, "-m", "jlab_mcp", "profile", "init"]
DOWN, ENTER, SPACE, CTRL_C, ERASE = "\x1b[B", "\r", " ", "\x03", "\x15"


class Machine:
    """A user's home and project on one machine."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.project = folder / "project"
        self.home = folder / "home"
        for made in (self.project, self.home):
            made.mkdir(parents=True, exist_ok=True)
        self.environ = {
            **environ,
            "HOME": str(self.home),
            "XDG_CONFIG_DIRS": str(folder / "no-site"),
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",  # this terminal does not tell where its cursor is
        }

    def file(self, name: str) -> Path:
        """Return the file of a profile of the user's."""
        return self.home / ".config" / "jlab-mcp" / "profiles" / f"{name}.toml"

    def said(self, name: str) -> dict[str, Any]:
        """Return what a profile file says."""
        return tomllib.loads(self.file(name).read_text(encoding="utf-8"))

    def profiles(self) -> list[str]:
        """List all files that there are in the user's folder of settings."""
        return sorted(path.name for path in (self.home / ".config").rglob("*") if path.is_file())

    def run(
        self, *arguments: str, command: Sequence[str] = COMMAND, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, without a terminal."""
        return subprocess.run(
            [*command, *arguments],
            cwd=self.project,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def script(self, name: str) -> str:
        """Return the job that `start` would submit with a profile."""
        command = [sys.executable, "-m", "jlab_mcp", "start", "--dry-run", "--profile", name]
        done = self.run(command=command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sit_down(self, *arguments: str, **environ: str) -> Wizard:
        """Run the wizard in a terminal."""
        return Wizard([*COMMAND, *arguments], self.project, self.environ | environ)


class Wizard:
    """The wizard, and the person who answers it."""

    def __init__(self, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
        self.terminal = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(folder),
            env=dict(environ),
            encoding="utf-8",
            timeout=LIMIT,
            dimensions=(40, 100),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminal.close(force=True)

    def sees(self, text: str) -> str:
        """Wait until the screen has shown a text; what it had shown before it."""
        self.terminal.expect_exact(text)
        return _plain(str(self.terminal.before))

    def presses(self, keys: str) -> None:
        """Press keys."""
        self.terminal.send(keys)

    def answers(self, question: str, keys: str = "", *, done: str | None = None) -> None:
        """Wait for a question, press keys and Enter, and wait until the answer stands."""
        self.sees(question)
        self.presses(keys + ENTER)
        self.sees(f"  {question} {done}" if done is not None else f"  {question} ")

    def agrees(self, *questions: str) -> None:
        """Take what is proposed."""
        for question in questions:
            self.answers(question)

    def ends(self) -> tuple[int | None, str]:
        """Wait for the end; the exit code and what was shown last."""
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        return self.terminal.exitstatus, _plain(str(self.terminal.before))


def _plain(shown: str) -> str:
    """Leave out what moves the cursor and colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
