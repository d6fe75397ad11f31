"""Read every layer of settings: built-in < site < user < profile < project < `JLAB_MCP_*` < flags."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jlab_mcp.config.choose import choose
from jlab_mcp.config.environment import chosen_profile, environment_layer
from jlab_mcp.config.homes import expand_users
from jlab_mcp.config.layers import config_layer, flag_layer, project_layer
from jlab_mcp.config.places import CONFIG, PROJECT_FILE, home_folder, places
from jlab_mcp.config.problems import in_order, place
from jlab_mcp.config.profiles import read_chain
from jlab_mcp.config.settings import merge, published_layer
from jlab_mcp.config.trust import template_file
from jlab_mcp.core.resolver import BUILT_IN, Origin
from jlab_mcp.core.words import in_utf8
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.config.choose import Choice
    from jlab_mcp.config.places import Place, Places
    from jlab_mcp.core.profile import Profile
    from jlab_mcp.core.resolver import Layer, Origins

TRUSTED = "trusted.toml"
"""In the user's folder: which projects' files are trusted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files, the environment and the flags say together."""

    name: str | None
    chosen_by: Origin
    profile: Profile
    origins: Origins
    template: str | None
    warnings: tuple[str, ...]
    home: Path
    has_sbatch: bool


def read(
    environ: Mapping[str, str],
    project_dir: Path,
    *,
    profile: str | None = None,
    flags: Mapping[str, Origin] | None = None,
    said_by: str = "--profile",
) -> Reading:
    """Read all layers and check what they make together.

    Args:
        environ: the environment.
        project_dir: the project folder, whose own settings file counts.
        profile: the profile chosen by flag; beats every other choice.
        flags: dotted path -> what was said, and by which flag.
        said_by: what the caller knows `profile` as.

    Raises:
        ConfigError: something is wrong; says all of it at once.
    """
    home = home_folder(environ)
    where = places(environ, home)
    env_layer, problems, warnings = environment_layer(environ)
    if environ.get(CONFIG) and not where.user.folder.is_dir():
        warnings.append(f"{CONFIG} names `{where.user.folder}`, which is not there")
    project = project_layer(
        project_dir / PROJECT_FILE,
        where.user.folder / TRUSTED,
        home=home,
        problems=problems,
        warnings=warnings,
    )
    configs = [
        config_layer(place.config_file, kind, home=home, problems=problems)
        for kind, place in _config_places(where)
    ]
    flag = Origin("flag", said_by, in_utf8(profile)) if profile else None
    said = [flag, chosen_profile(environ), project.profile, *(config.profile for config in configs)]
    choice = choose([origin for origin in said if origin], where, environ)
    warnings += [choice.warning] if choice.warning else []
    layers = [flag_layer(flags or {}), env_layer, project.layer]
    layers += _chosen_layers(choice, where, home, problems)
    layers += [config.layer for config in configs]
    layers = [expand_users(layer, problems, home=home) for layer in layers]
    if choice.name is None:
        layers.append(published_layer(layers))
    merged, origins = merge(layers, home=home, problems=problems)
    template = read_template(merged, origins, project_dir, home, problems) if merged else None
    if problems or merged is None:
        raise ConfigError(in_order(problems))
    return Reading(
        name=choice.name,
        chosen_by=choice.by,
        profile=merged,
        origins=origins,
        template=template,
        warnings=tuple(warnings),
        home=home,
        has_sbatch=shutil.which("sbatch", path=environ.get("PATH")) is not None,
    )


def _config_places(where: Places) -> list[tuple[Literal["user", "site"], Place]]:
    return [("user", where.user), *(("site", place) for place in where.sites)]


def _chosen_layers(choice: Choice, where: Places, home: Path, problems: list[str]) -> list[Layer]:
    """Read the chosen profile and its parents; none where no profile was chosen."""
    if choice.name is None:
        return []
    chain = read_chain(choice.name, where, home=home, said_by=place(choice.by, "profile", home))
    problems += chain.problems
    return list(chain.layers)


def read_template(
    profile: Profile, origins: Origins, project_dir: Path, home: Path, problems: list[str]
) -> str | None:
    """Read the sbatch script template, if there is one; it lies relative to the file that names it."""
    if profile.template is None:
        return None
    origin = origins.of.get("template", BUILT_IN)
    folder = Path(origin.where).parent if origin.in_file else project_dir
    try:
        return template_file(profile.template, folder, home).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        named = error.filename if isinstance(error, OSError) else folder / profile.template
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problems.append(f"{place(origin, 'template', home)}: cannot read the template {named}: {why}")
        return None
