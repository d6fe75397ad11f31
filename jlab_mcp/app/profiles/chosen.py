"""Which profile is chosen here, and by what; found out without reading the profile itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.context import project_folder
from jlab_mcp.config.choose import choose
from jlab_mcp.config.environment import chosen_profile as by_variable
from jlab_mcp.config.layers import config_layer, project_layer, shown
from jlab_mcp.config.load import TRUSTED
from jlab_mcp.config.places import PROJECT_FILE, home_folder, places
from jlab_mcp.core.resolver import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.config.choose import Choice


def chosen_profile(
    profile: str | None, *, project_dir: Path | None, environ: Mapping[str, str], said_by: str = "--profile"
) -> tuple[Choice, list[str]]:
    """Return the choice, and what to warn about; what is wrong with the files is left to their reader.

    Args:
        profile: name of the profile chosen by flag, if any.
        project_dir: the project folder; the working directory if None.
        environ: the environment.
        said_by: what the caller knows `profile` as.

    Raises:
        ConfigError: there is no home folder to look in, or no project folder.
    """
    home = home_folder(environ)
    where = places(environ, home)
    warnings: list[str] = []
    unread: list[str] = []
    project = project_layer(
        project_folder(project_dir) / PROJECT_FILE,
        where.user.folder / TRUSTED,
        home=home,
        problems=unread,
        warnings=warnings,
    )
    configs = [config_layer(where.user.config_file, "user", home=home, problems=unread)]
    configs += [config_layer(site.config_file, "site", home=home, problems=unread) for site in where.sites]
    said = [Origin("flag", said_by, profile) if profile else None, by_variable(environ), project.profile]
    choice = choose(
        [origin for origin in (*said, *(config.profile for config in configs)) if origin], where, environ
    )
    return choice, [*warnings, *([choice.warning] if choice.warning else [])]


def chosen_by(origin: Origin, home: Path) -> str | None:
    """Name what chose a profile: a flag, a variable, a file with its line, or why it fits; else None."""
    if origin.in_file:
        return shown(Path(origin.where), home, "profile")
    return origin.where or None
