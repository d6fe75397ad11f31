"""Which project, which profile, which settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.config.load import read
from jlab_mcp.core.resolver import Facts, Origin, ResolvedProfile, resolve
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(
    profile: str | None = None,
    *,
    flags: Mapping[str, Origin] | None = None,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
    said_by: str = "--profile",
) -> ResolvedProfile:
    """Read all settings of a project; creates nothing on disk.

    Args:
        profile: name of the profile, or `none`; else what the environment, the project's, the user's or the
            site's file names, else the only one that fits this machine.
        flags: dotted path -> what was said, and by which flag; beats everything else.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.
        said_by: what the caller knows `profile` as, for the message that there is none of that name.

    Raises:
        ConfigError: something is wrong; says all of it at once.
    """
    folder = project_folder(project_dir)
    environ = os.environ if environ is None else environ
    reading = read(environ, folder, profile=profile, flags=flags, said_by=said_by)
    facts = Facts(
        project_dir=folder,
        home=reading.home,
        profile=reading.name,
        chosen_by=reading.chosen_by,
        template=reading.template,
        has_sbatch=reading.has_sbatch,
    )
    return resolve(reading.profile, facts, origins=reading.origins, warnings=reading.warnings)


def client_project_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the project folder that an MCP client names in `CLAUDE_PROJECT_DIR`, if it is a folder."""
    named = (os.environ if environ is None else environ).get("CLAUDE_PROJECT_DIR")
    return Path(named) if named and Path(named).is_dir() else None


def project_folder(project_dir: Path | None = None) -> Path:
    """Return the project folder in its real place; the working directory if None.

    Raises:
        ConfigError: it is not there, or cannot be used.
    """
    try:
        folder = (project_dir or Path.cwd()).resolve(strict=True)
        str(folder).encode("utf-8")
    except FileNotFoundError as error:
        which = f"`{project_dir}`" if project_dir else "you are in"
        raise ConfigError([f"the project folder {which} does not exist"]) from error
    except UnicodeEncodeError as error:
        raise ConfigError([f"the name of the project folder {str(folder)!a} is not UTF-8"]) from error
    except OSError as error:
        raise ConfigError([f"cannot use the project folder `{project_dir}`: {error}"]) from error
    if not folder.is_dir():
        raise ConfigError([f"the project folder `{folder}` is not a folder"])
    return folder
