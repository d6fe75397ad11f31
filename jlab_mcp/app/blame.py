"""Which setting names a folder that cannot be written."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.core.resolver import BUILT_IN, ResolvedProfile
from jlab_mcp.errors import CannotWrite, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.app.target import Target


@contextmanager
def naming_the_setting(target: Target) -> Iterator[None]:
    """Let a `CannotWrite` of the block say in `details["setting"]` what to change, if that is known."""
    try:
        yield
    except CannotWrite as error:
        path = error.details.get("path")
        if path and isinstance(target, ResolvedProfile):
            error.details.setdefault("setting", _setting(target, Path(path)))
        raise


@contextmanager
def naming_the_users_folder(folder: Path) -> Iterator[None]:
    """Let a `CannotWrite` of the block say what moves the user's settings; other files have their place."""
    try:
        yield
    except CannotWrite as error:
        path = error.details.get("path")
        if path and Path(path).is_relative_to(folder):
            error.details["setting"] = "`JLAB_MCP_CONFIG`"
        else:
            error.remedy = Remedy.NONE
        raise


def _setting(resolved: ResolvedProfile, path: Path) -> str:
    named, variable = "paths.dir", "JLAB_MCP_DIR"
    paths = resolved.profile.paths
    if paths.log_dir is not None and path.is_relative_to(resolved.log_dir):
        named, variable = "paths.log_dir", "JLAB_MCP_LOG_DIR"
    elif paths.connection_dir is not None and path.is_relative_to(resolved.connection_dir):
        named, variable = "paths.connection_dir", "JLAB_MCP_CONNECTION_DIR"
    origin = resolved.origins.get(named, BUILT_IN)
    return f"`{named}` in {origin.where}" if origin.in_file else f"`{variable}`"
