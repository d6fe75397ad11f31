"""Read every layer of settings: built-in < profile < `JLAB_MCP_*` < flags."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.environment import PROFILE, chosen_profile, environment_layer, put
from jlab_mcp.config.homes import expand_users
from jlab_mcp.config.profiles import find_profile, profile_folders, profile_layer
from jlab_mcp.config.settings import merge
from jlab_mcp.core.resolver import PUBLISHED_SLURM, Layer, Origin
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.core.profile import Profile

_FLAGS = {"slurm.time": "TIME"}
"""What the command line calls the settings that it can override."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files, the environment and the flags say together."""

    name: str | None
    profile: Profile
    origins: Mapping[str, Origin]
    warnings: tuple[str, ...]
    home: Path
    has_sbatch: bool


def read(
    environ: Mapping[str, str],
    *,
    profile: str | None = None,
    overrides: Mapping[str, str] | None = None,
    said_by: str = "--profile",
) -> Reading:
    """Read all layers and check what they make together.

    Args:
        environ: the environment.
        profile: the profile chosen by flag; beats the environment's choice.
        overrides: dotted path -> text, from flags.
        said_by: what the caller knows `profile` as.

    Raises:
        ConfigError: something is wrong; says all of it at once.
    """
    home = _home(environ)
    env_layer, problems, warnings = environment_layer(environ)
    layers = [_flag_layer(overrides or {}), env_layer]
    name = profile or (None if any(PROFILE in problem for problem in problems) else chosen_profile(environ))
    if name:
        try:
            path = find_profile(name, profile_folders(environ, home), said_by=said_by if profile else PROFILE)
            layers.append(profile_layer(path))
        except ConfigError as error:
            problems += error.problems
    else:
        layers.append(Layer({"slurm": dict(PUBLISHED_SLURM)}, {}))
    layers = [expand_users(layer, problems) for layer in layers]
    merged, origins = merge(layers, problems=problems)
    return Reading(
        name=name,
        profile=merged,
        origins=origins,
        warnings=tuple(warnings),
        home=home,
        has_sbatch=shutil.which("sbatch", path=environ.get("PATH")) is not None,
    )


def _home(environ: Mapping[str, str]) -> Path:
    try:
        home = Path(environ.get("HOME") or Path.home())
        str(home).encode("utf-8")
    except RuntimeError as error:  # no such user: a container that was given any user id
        raise ConfigError(["HOME is not set, and this user has no home folder; set HOME"]) from error
    except UnicodeEncodeError as error:
        raise ConfigError([f"HOME is {str(home)!a}, expected a path in UTF-8"]) from error
    return home


def _flag_layer(overrides: Mapping[str, str]) -> Layer:
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for path, text in overrides.items():
        put(values, path, text)
        origins[path] = Origin("flag", _FLAGS.get(path, path), text)
    return Layer(values, origins)
