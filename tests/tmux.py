"""A real terminal, of any size, whose screen can be read: a shell in tmux."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import pytest

from tests import debian
from tests.ci_skips import in_ci
from tests.commands import until


def require_tmux() -> None:
    """Skip a test where there is no tmux; in CI it is installed."""
    if shutil.which("tmux") is None and in_ci() and os.geteuid() == 0:
        debian.install_packages("tmux")
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")


class Terminal:
    """A shell in a terminal.

    Args:
        folder: where it is.
        environ: its environment.
        columns: its width.
        lines: its height.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], columns: int = 80, lines: int = 24) -> None:
        require_tmux()
        self._home = tempfile.TemporaryDirectory()  # sockets have short paths
        self._socket = f"{self._home.name}/s"
        kept = {key: value for key, value in environ.items() if key not in ("TMUX", "NO_COLOR")}
        self._environ = kept | {"LC_ALL": "C.UTF-8"}
        rc = Path(self._home.name, "rc")
        rc.write_text("PS1='$ '; PROMPT_COMMAND=\n", encoding="utf-8")
        size = ("-x", str(columns), "-y", str(lines))
        self._do(
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            *size,
            "-c",
            str(folder),
            f"bash --noprofile --rcfile {rc}",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._do("kill-server")
        self._home.cleanup()

    def type(self, *keys: str) -> None:
        """Press keys: each a text, or a name of tmux's such as Enter, C-c or Up."""
        self._do("send-keys", *keys)

    def run(self, command: str) -> None:
        """Type a command, and Enter."""
        self._do("send-keys", "-l", command)
        self._do("send-keys", "Enter")

    def output(self, command: str) -> str:
        """Run a command that says something, and return that; the screen is not looked at."""
        written = Path(self._home.name, "output")
        written.unlink(missing_ok=True)
        self.run(f"{command} > {written}.new; mv {written}.new {written}")
        return until(lambda: written.read_text(encoding="utf-8") if written.exists() else None, "output")

    def resize(self, columns: int, lines: int) -> None:
        """Change the size."""
        self._do("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self, *, styles: bool = False) -> str:
        """Return what is on the screen, with escape codes of styles if wanted."""
        return self._do("capture-pane", "-p", *(["-e"] if styles else []))

    def see(self, *texts: str) -> str:
        """Wait until all of these are on the screen, and return it."""
        return self.see_that(lambda screen: all(text in screen for text in texts), f"{texts!r} on the screen")

    def see_that(self, is_right: Callable[[str], bool], what: str) -> str:
        """Wait until the screen is right, and return it."""
        last = ""

        def look() -> str | None:
            nonlocal last
            last = self.screen()
            return (last or " ") if is_right(last) else None

        try:
            return until(look, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{last}") from None

    def asks(self, what: str) -> str:
        """Return the value of one of tmux's variables, such as `cursor_flag`."""
        return self._do("display-message", "-p", f"#{{{what}}}").strip()

    def child(self) -> int:
        """Return the process that the shell runs."""
        shell = self.asks("pane_pid")
        found = until(
            lambda: Path(f"/proc/{shell}/task/{shell}/children").read_text(encoding="ascii").split(), "child"
        )
        return int(found[0])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that the shell runs."""
        os.kill(self.child(), number)

    def _do(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout
