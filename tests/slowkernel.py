"""A kernel that takes as long to start as a test wants: on a busy node it is the file system that does that."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CODE = """
import pathlib, runpy, sys, time
begun, go = pathlib.Path({begun!r}), pathlib.Path({go!r})
begun.touch()
while not go.exists():
    if not begun.exists():
        sys.exit("the test is over")
    time.sleep(0.01)
runpy.run_module("ipykernel_launcher", run_name="__main__")
"""


@dataclass(frozen=True)
class SlowKernel:
    """A kernel spec.

    Attributes:
        name: its name.
        begun: a file that its process makes, to begin with.
        go: the file that its process waits for.
    """

    name: str
    begun: Path
    go: Path


@contextlib.contextmanager
def slow_kernel(jupyter: Path) -> Iterator[SlowKernel]:
    """Install an IPython kernel that waits to be let go on in a folder of JUPYTER_PATH, and remove it after.

    Its name is new each time: a test may be tried again on the same server.
    """
    kernels = jupyter / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="slow-", dir=kernels) as name:
        folder = Path(name)
        kernel = SlowKernel(folder.name, folder / "begun", folder / "go")
        code = _CODE.format(begun=str(kernel.begun), go=str(kernel.go))
        argv = [sys.executable, "-c", code, "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": kernel.name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        yield kernel
