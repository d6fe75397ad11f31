"""Debian's packages, for what tests need beside Python."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

_LOCK = Path(tempfile.gettempdir()) / f"jlab-mcp-tests-apt-{os.geteuid()}.lock"


def apt_get(*arguments: str, folder: str | None = None) -> None:
    """Run apt-get; of several test runs on one machine, one at a time does.

    Raises:
        RuntimeError: it failed; the message has the end of what it said.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["apt-get", *arguments],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"`apt-get {arguments[0]}` failed: {done.stdout.strip()[-500:]}")


def install_packages(*packages: str) -> None:
    """Install packages without what they only recommend.

    Raises:
        RuntimeError: apt-get failed.
    """
    apt_get("update", "--quiet")
    apt_get("install", "--quiet", "--yes", "--no-install-recommends", *packages)
