"""Versions: of jlab-mcp, of Python, of what it needs, and of a server that runs."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
import sys
from typing import TYPE_CHECKING

from jlab_mcp import __version__
from jlab_mcp.app.observe import observe
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.releases import is_older, needed
from jlab_mcp.core.words import listed
from jlab_mcp.errors import ExitCode, RecordBroken

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene

_PACKAGE = "jlab-mcp"
_TOLD = ("mcp", "pydantic", "httpx", "websockets", "typer")


async def _versions(scene: Scene) -> Finding:
    """Compare what is installed with what this version of jlab-mcp needs."""
    said = f"jlab-mcp {__version__}, Python {platform.python_version()}"
    told = [f"{name} {version}" for name in _TOLD if (version := _version(name))]
    said = ", ".join([said, *told])
    wrong = [
        f"{each.name} {_version(each.name) or 'is not installed'}, {each.least} or newer is needed"
        for each in needed(_requirements())
        if is_older(_version(each.name) or "0", each.least)
    ]
    if wrong:
        return failed(
            f"{said}: {listed(wrong)}",
            code=ExitCode.UNEXPECTED,
            fix="bring them up to date",
            command=f"{shlex.quote(sys.executable)} -m pip install --upgrade {_PACKAGE}",
        )
    if other := _of_running(scene):
        return doubtful(
            f"{said}; the server that runs was started by jlab-mcp {other}",
            fix="restart it, once nothing runs there that you need",
            command=f"jlab-mcp stop{scene.flag} && jlab-mcp start{scene.flag}",
        )
    return fine(said)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _requirements() -> list[str]:
    try:
        return importlib.metadata.requires(_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return []


def _of_running(scene: Scene) -> str | None:
    """Return the version of the server that listens, if it is another one."""
    if scene.settings is None:
        return None
    try:
        connection = observe(scene.settings.paths).connection
    except RecordBroken:
        return None
    return connection.node_version if connection and connection.node_version != __version__ else None


CHECKS: tuple[Check[Scene], ...] = (Check("versions", "versions", _versions),)
