"""Use case: say which profile is used by default, in the user's or the project's own settings file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jlab_mcp.app.blame import naming_the_users_folder
from jlab_mcp.app.profiles.chosen import chosen_by, chosen_profile
from jlab_mcp.app.profiles.trust import project_file, trust_edit
from jlab_mcp.config.layers import shown
from jlab_mcp.config.places import home_folder, places
from jlab_mcp.config.profiles import read_chain
from jlab_mcp.core.editing.tomledit import set_key
from jlab_mcp.errors import ConfigError
from jlab_mcp.storage.edited import write_edited

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Scope = Literal["user", "project"]
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Used:
    """What was written.

    Attributes:
        name: the profile; None if the choice was taken back.
        shown: the file, as its user would write it.
        changed: whether the file had to be changed.
        beaten_by: what chooses another profile here all the same, if anything does.
        trusted_anew: whether the file was trusted before, and so was its new text.
    """

    name: str | None
    shown: str
    changed: bool
    beaten_by: str | None
    trusted_anew: bool


def use_profile(
    name: str,
    scope: Scope,
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Used:
    """Write which profile is used where nothing else names one; the rest of the file stays as it is.

    Args:
        name: the profile; `none` takes back what the file chooses.
        scope: whose file, the user's or the project's.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.

    Raises:
        ConfigError: there is no such profile, or the file cannot be changed by one line.
        CannotWrite: the system refused to write.
    """
    environ = os.environ if environ is None else environ
    home = home_folder(environ)
    where = places(environ, home)
    wanted = None if name.strip().lower() == _NONE else name
    if wanted is not None:
        chain = read_chain(wanted, where, home=home, said_by="NAME")
        if not chain.files:
            raise ConfigError(chain.problems)
    path = project_file(project_dir) if scope == "project" else where.user.config_file
    text = _text(path, home)
    try:
        changed = set_key(text, "profile", wanted)
    except ValueError as error:
        raise ConfigError([f"{shown(path, home)}: cannot be changed: {error}; change it by hand"]) from error
    trusted_anew = False
    if changed != text:
        with naming_the_users_folder(where.user.folder):
            write_edited(path, changed)
        if scope == "project":
            trusted_anew = trust_edit(path, text.encode(), changed.encode(), environ)
    choice, _ = chosen_profile(None, project_dir=project_dir, environ=environ)
    beaten = wanted is not None and choice.name != wanted
    return Used(
        name=wanted,
        shown=shown(path, home),
        changed=changed != text,
        beaten_by=chosen_by(choice.by, home) if beaten else None,
        trusted_anew=trusted_anew,
    )


def _text(path: Path, home: Path) -> str:
    """Return a file's text with its own line ends; nothing where there is no file."""
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError([f"{shown(path, home)}: cannot be read: {why}"]) from error
