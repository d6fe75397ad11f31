"""What is inside a Python environment: its version, its packages', and for which machine it was built."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.runners.ask import ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEEDED: Mapping[str, str] = {"jupyterlab": "4", "jupyter_server": "2", "ipykernel": "6"}
"""Package -> oldest version with which kernels run."""
OLDEST_PYTHON = "3.9"
_SECONDS = 30.0
_CODE = f"""
import json, platform
try:
    from importlib.metadata import PackageNotFoundError, version
except ImportError:
    version = None
found = {{}}
for name in {tuple(NEEDED)!r}:
    try:
        found[name] = version(name) if version else ""
    except PackageNotFoundError:
        pass
print(json.dumps(dict(python=platform.python_version(), machine=platform.machine(), packages=found)))
"""
_MACHINES = {3: "i386", 20: "ppc", 21: "ppc64le", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""Numbers of an ELF file's header -> what `uname -m` calls that machine."""
_HEADER = 20


@dataclass(frozen=True, slots=True)
class Inside:
    """What an interpreter says of itself.

    Attributes:
        python: its version.
        machine: what it runs on, as `uname -m` says.
        packages: name -> version of those that are needed and there.
    """

    python: str
    machine: str
    packages: Mapping[str, str]


async def look_inside(python: Path, environ: Mapping[str, str]) -> Inside | str:
    """Ask an interpreter about itself; returns why it cannot be asked, where that is so."""
    kept = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
    answer = await ask((str(python), "-c", _CODE), environ=kept, timeout=_SECONDS, called=str(python))
    if answer.failure:
        return answer.failure
    try:
        said = json.loads(answer.stdout.strip().splitlines()[-1])
        return Inside(str(said["python"]), str(said["machine"]), dict(said["packages"]))
    except (ValueError, LookupError, TypeError):
        return f"`{python}` said something else than it was asked"


def machine_of(program: Path) -> str | None:
    """Return for which machine a program was built, as `uname -m` says; None where its file does not tell."""
    try:
        with program.open("rb") as file:
            header = file.read(_HEADER)
    except OSError:
        return None
    if len(header) < _HEADER or not header.startswith(b"\x7fELF"):
        return None
    order = "<" if header[5] == 1 else ">"
    number: int = struct.unpack_from(f"{order}H", header, 18)[0]
    return _MACHINES.get(number)
