"""Pythons that a user may have, made on the spot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_UV = [sys.executable, "-m", "uv"]


def find_python(version: str) -> Path:
    """Find a Python on this machine, or skip the test."""
    found = look_for_python(version)
    if found is None:
        pytest.skip(f"there is no Python {version} on this machine")
    return found


def look_for_python(version: str) -> Path | None:
    """Find a Python on this machine, if it is there."""
    found = subprocess.run([*_UV, "python", "find", version], capture_output=True, text=True, check=False)
    candidates = [Path(found.stdout.strip())] if found.returncode == 0 else []
    root = Path(
        os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")
    )  # its shims answer for versions it will not run
    candidates += sorted(root.glob(f"versions/{version}*/bin/python{version}"))
    return candidates[0] if candidates else None


NEWEST = ("jupyterlab>=4,<5", "ipykernel")
OWN_FILES = ("--link-mode=copy",)
OLDEST = ("jupyterlab==4.0.0", "jupyter_server==2.4.0", "ipykernel")


def make_lab_environment(
    folder: Path, python: Path | str, packages: tuple[str, ...] = NEWEST, *, own_files: bool = False
) -> Path:
    """Make a virtual environment with JupyterLab and without jlab-mcp, or skip the test.

    Args:
        folder: where.
        python: which Python.
        packages: what to install.
        own_files: share no file with uv's cache and other environments, so that the owner may be changed.
    """
    return _make(folder, python, *(OWN_FILES if own_files else ()), *packages)


def make_installed(folder: Path, python: Path | str, source: Path = ROOT) -> Path:
    """Make a virtual environment as `pip install 'jlab-mcp[local]'` does, or skip the test.

    Args:
        folder: where.
        python: which Python.
        source: the clone, or a wheel of it.
    """
    pins = str(ROOT / "constraints.txt")
    return _make(folder, python, "-c", pins, "--refresh-package", "jlab-mcp", f"{source}[local]")


def _make(folder: Path, python: Path | str, *what: str) -> Path:
    steps = (
        ["venv", "--quiet", "--python", str(python), str(folder)],
        ["pip", "install", "--quiet", "--python", str(folder / "bin/python"), *what],
    )
    for step in steps:
        done = subprocess.run([*_UV, *step], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(
                f"`uv {step[0]}` failed, so there is no such environment: {done.stderr.strip()[-300:]}"
            )
    return folder
