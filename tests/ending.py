"""Run a command to its end, or end it and all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest


def run_to_end(
    words: Sequence[str],
    seconds: float,
    *,
    check: bool,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command with stdin closed, as it is in CI, and return what it said.

    Its process group is ended when it takes longer than `seconds`, so that what hangs leaves nothing behind.
    """
    with subprocess.Popen(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"{words} took longer than {seconds} s\n{stdout}\n{stderr}")
    if check:
        assert process.returncode == 0, f"{words} exited {process.returncode}\n{stdout}\n{stderr}"
    return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)
