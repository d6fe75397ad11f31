"""A kernel that takes as long to start as a test wants: on a busy node it is the file system that does that."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_CODE = """
import pathlib, runpy, time
pathlib.Path({begun!r}).touch()
while not pathlib.Path({go!r}).exists():
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


def slow_kernel(jupyter: Path) -> SlowKernel:
    """Write the spec of an IPython kernel that waits to be let go on, into a folder of JUPYTER_PATH.

    Its name is new each time: a test may be tried again on the same server.
    """
    kernels = jupyter / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="slow-", dir=kernels))
    kernel = SlowKernel(folder.name, folder / "begun", folder / "go")
    code = _CODE.format(begun=str(kernel.begun), go=str(kernel.go))
    argv = [sys.executable, "-c", code, "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": kernel.name, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return kernel
