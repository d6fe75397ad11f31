"""Whether everything is set that a profile leaves to its user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jlab_mcp.config.environment import variables
from jlab_mcp.config.layers import shown
from jlab_mcp.config.places import home_folder, places
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile


def require_complete(resolved: ResolvedProfile) -> None:
    """Refuse settings with gaps.

    Raises:
        ConfigError: something that the profile requires is not set; says what to write, and where.
    """
    if gaps := missing_settings(resolved):
        raise ConfigError(gaps)


def missing_settings(resolved: ResolvedProfile) -> list[str]:
    """Say of each setting that the profile requires and nobody set what to write, and where."""
    home = home_folder(os.environ)
    file = shown(places(os.environ, home).user.config_file, home)
    return [_sentence(resolved.name, path, file) for path in resolved.missing]


def _sentence(profile: str, path: str, file: str) -> str:
    section, _, key = path.rpartition(".")
    under = f" under `[{section}]`" if section else ""
    variable = next((name for name, setting in variables().items() if setting == path), None)
    or_set = f", or set {variable}" if variable else ""
    return (
        f'the profile {profile} needs {path}, which is not set; write `{key} = "…"`{under} in {file}{or_set}'
    )
