"""Use cases on profile files as such: where they are, and copies of them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from jlab_mcp.app.blame import naming_the_users_folder
from jlab_mcp.app.context import project_folder
from jlab_mcp.config.layers import shown
from jlab_mcp.config.places import PROJECT_FILE, home_folder, places, schema_file
from jlab_mcp.config.profiles import NAME_RULE, is_folder, own_values, profile_files, read_chain
from jlab_mcp.config.tomlfile import is_there
from jlab_mcp.core.editing.tomltext import toml_value
from jlab_mcp.errors import ConfigError
from jlab_mcp.storage.edited import write_edited

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.config.profiles import ProfileFile

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHEMA_LINE = re.compile(r"^#:schema (?!\w+:)\S.*$", re.MULTILINE)
"""What tells an editor the schema by a relative path, which a copy elsewhere would not find."""


class SearchedPlace(BaseModel):
    """A place where settings are looked for."""

    model_config = ConfigDict(frozen=True)

    level: Literal["project", "user", "site", "shipped"]
    path: Path = Field(description="A settings file, or a folder of profiles.")
    there: bool
    profiles: tuple[str, ...] = Field(default=(), description="Names of the profiles in it.")


class SearchedPlaces(RootModel[tuple[SearchedPlace, ...]]):
    """All places, the most important first."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that was made.

    Attributes:
        shown: the new file, as its user would write it.
        warnings: what of it may need a change, one sentence each.
    """

    shown: str
    warnings: tuple[str, ...]


def profile_place(name: str, environ: Mapping[str, str] | None = None) -> SearchedPlace:
    """Return the file that a profile's name stands for.

    Raises:
        ConfigError: there is no such profile.
    """
    file = _file(name, os.environ if environ is None else environ)
    return SearchedPlace(level=file.level, path=file.path, there=True, profiles=(file.name,))


def searched_places(
    *, project_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> list[SearchedPlace]:
    """List every place where settings are looked for, the most important first, and what is there.

    Raises:
        ConfigError: there is no home folder to look in.
    """
    environ = os.environ if environ is None else environ
    where = places(environ, home_folder(environ))
    project = project_folder(project_dir) / PROJECT_FILE
    found = [SearchedPlace(level="project", path=project, there=is_there(project))]
    files = profile_files(where)
    for place in where:
        names = tuple(file.name for file in files if file.path.parent == place.profiles)
        found.append(
            SearchedPlace(
                level=place.level, path=place.profiles, there=is_folder(place.profiles), profiles=names
            )
        )
    found += [
        SearchedPlace(level=place.level, path=place.config_file, there=is_there(place.config_file))
        for place in (where.user, *where.sites)
    ]
    return found


def copy_profile(
    name: str,
    new: str,
    *,
    extends: bool = False,
    force: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Copied:
    """Make a profile of the user's out of another one, as text with its comments, or one that extends it.

    Args:
        name: the profile to copy.
        new: the copy's name.
        extends: write a file that takes all values from the other, instead of a copy of them.
        force: replace a file that is there.
        environ: the environment; the process's own if None.

    Raises:
        ConfigError: there is no such profile, the new name does not do, or its file is there already.
        CannotWrite: the system refused to write.
    """
    environ = os.environ if environ is None else environ
    home = home_folder(environ)
    file = _file(name, environ)
    target = places(environ, home).user.profiles / f"{new}.toml"
    if not _NAME.fullmatch(new) or new.lower() == "none":
        raise ConfigError([f"NEW: expected {NAME_RULE}, got {new!r}"])
    if target.exists() and target.samefile(file.path):
        raise ConfigError([f"{shown(target, home)} is the profile {name} itself; choose another name"])
    if target.exists() and not force:
        raise ConfigError([f"{shown(target, home)} is there already; choose another name, or add --force"])
    text = _child(name) if extends else _with_schema(_read(file, home))
    with naming_the_users_folder(target.parent.parent):
        write_edited(target, text)
    return Copied(shown(target, home), () if extends else tuple(_relative(file)))


def _file(name: str, environ: Mapping[str, str]) -> ProfileFile:
    home = home_folder(environ)
    chain = read_chain(name, places(environ, home), home=home, said_by="NAME")
    if not chain.files:
        raise ConfigError(chain.problems)
    return chain.files[0]


def _read(file: ProfileFile, home: Path) -> str:
    try:
        return file.path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError([f"{shown(file.path, home)}: cannot be read: {why}"]) from error


def _child(name: str) -> str:
    return (
        f"#:schema {schema_file('profile').as_uri()}\n"
        f"# What is not set here is as in {name}; `jlab-mcp profile show --origin` tells where it is set.\n"
        f"version = 1\nextends = {toml_value(name)}\n"
    )


def _with_schema(text: str) -> str:
    """Point a relative `#:schema` line at the installed schema."""
    uri = schema_file("profile").as_uri()
    return _SCHEMA_LINE.sub(lambda _: f"#:schema {uri}", text, count=1)


def _relative(file: ProfileFile) -> list[str]:
    template = own_values(file).get("template")
    if not isinstance(template, str) or template.startswith(("/", "~")) or template.lower() == "none":
        return []
    return [f'template = "{template}" starts at the folder of the copy now; it was in {file.path.parent}']
