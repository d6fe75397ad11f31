"""An environment with jupyter-collaboration, which would change JupyterLab for all other tests."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from pathlib import Path

from tests.interpreters import make_lab_environment

PACKAGES = ("jupyterlab==4.6.6", "ipykernel==7.4.0", "jupyter-collaboration==5.0.4")
_CACHE = Path(__file__).parent.parent.parent / ".cache" / "collaboration"


def environment() -> Path:
    """Return the environment, made at first use, or skip the test."""
    wanted = hashlib.sha256("\n".join((sys.version, *PACKAGES)).encode()).hexdigest()
    _CACHE.mkdir(parents=True, exist_ok=True)
    folder, stamp = _CACHE / "venv", _CACHE / "installed"
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            shutil.rmtree(folder, ignore_errors=True)
            make_lab_environment(folder, sys.executable, PACKAGES)
            stamp.write_text(wanted)
    return folder
