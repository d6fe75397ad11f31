"""The packages as `make dist` builds them, once for all tests."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Built:
    """Files that were built."""

    sdist: Path
    wheel: Path
    """Made of the sdist."""
    direct: Path
    """The wheel made of the clone."""


def build(folder: Path, *what: str) -> None:
    """Build packages into a folder."""
    pins = str(ROOT / "constraints.txt")
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--build-constraint", pins, *what]
    done = subprocess.run(
        [*command, "--out-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The packages."""
    folder = tmp_path_factory.mktemp("dist")
    build(folder)
    build(folder / "direct", "--wheel")
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    (direct,) = (folder / "direct").glob("*.whl")
    return Built(sdist, wheel, direct)
