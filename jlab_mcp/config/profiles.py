"""Profile files: which there are, and what one of them and its parents say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.config.layers import file_layer, shown
from jlab_mcp.config.tomlfile import is_there, read_toml
from jlab_mcp.core.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.config.places import Level, Places
    from jlab_mcp.core.resolver import Layer

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME_RULE = (
    "a name of letters, digits, dots, dashes and underscores, at most 64, that begins with a letter or digit"
)
NOT_INHERITED = ("extends", "match", "description")
"""What a profile says of itself alone."""


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile that can be chosen by name."""

    name: str
    level: Level
    path: Path


@dataclass(frozen=True, slots=True)
class Chain:
    """A profile and its parents.

    Attributes:
        files: the profile's own file first; empty if there is none of that name.
        layers: what they say, highest first.
        problems: one sentence each.
    """

    files: tuple[ProfileFile, ...]
    layers: tuple[Layer, ...]
    problems: tuple[str, ...]


def profile_files(places: Places) -> list[ProfileFile]:
    """List every profile file, the more important place first; the first of a name is the one that counts."""
    return [
        ProfileFile(path.stem, place.level, path)
        for place in places
        for path in toml_files(place.profiles)
        if _NAME.fullmatch(path.stem)
    ]


def is_folder(path: Path) -> bool:
    """Say whether there is a folder that can be looked at."""
    try:
        return path.is_dir()
    except OSError:
        return False


def toml_files(folder: Path) -> list[Path]:
    """List what is named `*.toml` in a folder, sorted; nothing where the folder cannot be read."""
    try:
        return sorted(folder.glob("*.toml"))
    except OSError:
        return []


def known_names(places: Places) -> list[str]:
    """Return the names of all profiles, sorted."""
    return sorted({file.name for file in profile_files(places)})


def read_chain(name: str, places: Places, *, home: Path, said_by: str) -> Chain:
    """Read a profile and all it extends.

    Args:
        name: the profile.
        places: where profiles are.
        home: the user's home, to show paths in short.
        said_by: who names the profile, for the message that there is none.
    """
    file = _find(name, places, after=None)
    if file is None:
        return Chain((), (), (_no_profile(name, places, said_by),))
    return read_chain_of(file, places, home=home)


def read_chain_of(file: ProfileFile, places: Places, *, home: Path) -> Chain:
    """Read a profile file, which need not be in one of the places, and all it extends."""
    files: list[ProfileFile] = []
    layers: list[Layer] = []
    problems: list[str] = []
    current: ProfileFile | None = file
    while current is not None:
        files.append(current)
        read = read_toml(current.path, shown(current.path, home))
        problems += read.problems
        values = {key: value for key, value in read.values.items() if not (layers and key in NOT_INHERITED)}
        layers.append(file_layer(current.path, values, "profile"))
        parent = read.values.get("extends")
        if not isinstance(parent, str) or parent.strip().lower() == "none":
            break
        said_by = f"{shown(current.path, home, 'extends')}: extends"
        is_own_name = parent == current.name
        current = _find(parent, places, after=current if is_own_name else None)
        if current is None and is_own_name:
            problems.append(f"{said_by}: there is no other profile of the name {parent}")
        elif current is None:
            problems.append(_no_profile(parent, places, said_by))
        elif current.path in [seen.path for seen in files]:
            names = " → ".join([*(seen.name for seen in files), current.name])
            problems.append(f"{said_by}: {names} goes round in a circle")
            break
    return Chain(tuple(files), tuple(layers), tuple(problems))


def own_values(file: ProfileFile) -> Mapping[str, object]:
    """Return what one file sets, without its parents; empty where it cannot be read."""
    return read_toml(file.path, str(file.path)).values


def _find(name: str, places: Places, *, after: ProfileFile | None) -> ProfileFile | None:
    """Return the file of a profile; one that extends its own name means that of the next place.

    A file that is in none of the places stands before all of them.
    """
    if not _NAME.fullmatch(name):
        return None
    found = []
    for place in places:
        path = place.profiles / f"{name}.toml"
        if is_there(path):
            found.append(ProfileFile(name, place.level, path))
    if after is not None:
        paths = [file.path for file in found]
        found = found[paths.index(after.path) + 1 :] if after.path in paths else found
    return found[0] if found else None


def _no_profile(name: str, places: Places, said_by: str) -> str:
    if not _NAME.fullmatch(name):
        got = json.dumps(name, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
        return f"{said_by}: expected {NAME_RULE}, got {got}"
    known = known_names(places)
    listed = nearest(name.removesuffix(".toml"), known) or f"; there are: {', '.join(known) or 'none'}"
    return f'{said_by}: there is no profile "{name}"{listed}'
