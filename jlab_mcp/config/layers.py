"""Layers of settings out of files and flags, with the origin of each value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.tomlfile import is_there, leaves, lines_of, read_toml
from jlab_mcp.config.trust import is_trusted, safe
from jlab_mcp.core.profile import ConfigFile, Profile
from jlab_mcp.core.resolver import Layer, Origin
from jlab_mcp.core.words import in_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.core.resolver import Kind

PROFILE_ONLY = Profile.model_fields.keys() - ConfigFile.model_fields.keys()
"""Keys that only a profile file has."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a `config.toml` or a project's file says.

    Attributes:
        layer: its settings.
        profile: the profile that it chooses, if any.
    """

    layer: Layer = Layer({}, {})  # noqa: RUF009 - frozen
    profile: Origin | None = None


def file_layer(path: Path, values: Mapping[str, Any], kind: Kind) -> Layer:
    """Make the layer of a settings file."""
    return Layer(values, {dotted: Origin(kind, str(path), text) for dotted, text in leaves(values)})


def config_layer(path: Path, kind: Kind, *, home: Path, problems: list[str]) -> Said:
    """Read a `config.toml`; one that is not there says nothing."""
    if not is_there(path):
        return Said()
    read = read_toml(path, shown(path, home))
    problems += read.problems
    return _config_values(path, read.values, kind, home, problems)


def project_layer(path: Path, store: Path, *, home: Path, problems: list[str], warnings: list[str]) -> Said:
    """Read a project's own file; what may not be used of it until it is trusted gives a warning.

    Args:
        path: the file.
        store: where trusted files are recorded.
        home: the user's home, to show paths in short.
        problems: gets what is wrong.
        warnings: gets what is left out.
    """
    if not is_there(path):
        return Said()
    read = read_toml(path, shown(path, home))
    problems += read.problems
    values = read.values
    if not is_trusted(path, store, home):
        values, withheld = safe(values)
        if withheld:
            warnings.append(
                f"{shown(path, home)} is not trusted, so this is ignored: {', '.join(withheld)};"
                " read the file, then run `jlab-mcp config trust`"
            )
    return _config_values(path, values, "project", home, problems)


def flag_layer(flags: Mapping[str, Origin]) -> Layer:
    """Make the layer of the command line: dotted path -> what was said, and by which flag."""
    values: dict[str, Any] = {}
    for path, origin in flags.items():
        put(values, path, origin.text)
    return Layer(values, {path: replace(origin, text=in_utf8(origin.text)) for path, origin in flags.items()})


def put(values: dict[str, Any], path: str, value: object) -> None:
    """Set a dotted path in nested mappings."""
    *sections, field = path.split(".")
    for section in sections:
        inner = values.get(section)
        if not isinstance(inner, dict):
            inner = values[section] = {}
        values = inner
    values[field] = value


def shown(path: Path, home: Path, setting: str | None = None) -> str:
    """Write a file's path as its user would, with the line of a setting."""
    short = f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
    line = lines_of(path).get(setting) if setting else None
    return f"{short}:{line}" if line else short


def _config_values(
    path: Path, values: Mapping[str, Any], kind: Kind, home: Path, problems: list[str]
) -> Said:
    kept = dict(values)
    profile = kept.pop("profile", None)
    if profile is not None and not isinstance(profile, str):
        problems.append(f"{shown(path, home, 'profile')}: profile: expected a profile's name in quotes")
    for key in sorted(PROFILE_ONLY & kept.keys()):
        del kept[key]
        problems.append(f"{shown(path, home, key)}: {key}: only a profile file can say this")
    chosen = Origin(kind, str(path), profile) if isinstance(profile, str) else None
    return Said(file_layer(path, kept, kind), chosen)
