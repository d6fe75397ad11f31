"""The browser: Debian's Chromium."""

from __future__ import annotations

import os
import shutil
import sys

from tests.debian import install_packages

PROGRAM = "/usr/bin/chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def hindrance() -> str | None:
    """Say in a sentence why there is no Chromium here and none can be had; None if there is or can."""
    if os.access(PROGRAM, os.X_OK):
        return None
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        return f"there is no {PROGRAM}, and no apt-get to install it"
    if os.geteuid() != 0:
        return f"there is no {PROGRAM}, and only root can install it"
    return None


def install() -> None:
    """Install it where it is missing.

    Raises:
        RuntimeError: apt-get failed.
    """
    if not os.access(PROGRAM, os.X_OK):
        install_packages("chromium")
