"""Use case: show every setting of a profile, where it was set, and what it overrode."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from jlab_mcp.app.context import load
from jlab_mcp.app.profiles.chosen import chosen_by
from jlab_mcp.config.layers import shown
from jlab_mcp.config.places import home_folder
from jlab_mcp.config.tomlfile import lines_of
from jlab_mcp.core.resolver import (
    BUILT_IN,
    Kind,
    setting_paths,
    value_at,
)
from jlab_mcp.core.secrets import MASK, is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jlab_mcp.core.resolver import Origin, ResolvedProfile

_VARS = "env.vars"
_NOT_SHOWN = ("extends",)
"""All that a parent gives is shown in its place."""
_JSON = TypeAdapter[object](object)


class ShownOrigin(BaseModel):
    """Where a value was set."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    where: str = Field(description="Path of the file, name of the variable or flag, or a reason.")
    line: int | None = Field(default=None, description="Line of the file.")
    text: str = Field(default="", description="The value as it was written there.")


class ShownSetting(BaseModel):
    """One setting."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="Dotted path, such as slurm.time.")
    value: JsonValue = Field(description="null where the word `none` took back what lower layers set.")
    origin: ShownOrigin
    overrides: tuple[ShownOrigin, ...] = Field(
        default=(), description="Where else it was set, highest first."
    )


class ShownProfile(BaseModel):
    """Every setting that is set."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The profile; where none is used, the mode that servers run in.")
    is_profile: bool = Field(description="Whether a profile is used.")
    chosen_by: str | None = Field(
        default=None, description="What chose it: a flag, variable, file or reason."
    )
    mode: Literal["local", "slurm"] = Field(description="Where servers run.")
    settings: tuple[ShownSetting, ...]
    missing: tuple[str, ...] = Field(default=(), description="Settings that the user still has to fill in.")
    warnings: tuple[str, ...] = ()


def show_profile(
    profile: str | None = None,
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
    said_by: str = "--profile",
) -> ShownProfile:
    """Resolve a profile, and tell where each of its values comes from; values of secret variables are masked.

    Args:
        profile: its name; else the one that is chosen here.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.
        said_by: what the caller knows `profile` as.

    Raises:
        ConfigError: something is wrong; says all of it at once.
    """
    environ = os.environ if environ is None else environ
    resolved = load(profile, project_dir=project_dir, environ=environ, said_by=said_by)
    places = _Lines()
    return ShownProfile(
        name=resolved.name,
        is_profile=resolved.is_profile,
        chosen_by=chosen_by(resolved.chosen_by, home_folder(environ)),
        mode=resolved.mode,
        settings=tuple(_settings(resolved, places)),
        missing=resolved.missing,
        warnings=resolved.warnings,
    )


def in_words(origin: ShownOrigin) -> str:
    """Name the place where a value was set, such as `~/.config/jlab-mcp/config.toml:3`."""
    if origin.kind in ("built-in", "variable", "flag"):
        reason = f" ({origin.where})" if origin.kind == "built-in" and origin.where else ""
        return f"built-in{reason}" if origin.kind == "built-in" else origin.where
    place = shown(Path(origin.where), home_folder(os.environ))
    return f"{place}:{origin.line}" if origin.line else place


class _Lines:
    """The lines of settings in files, each of which is read once."""

    def __init__(self) -> None:
        self._files: dict[str, Mapping[str, int]] = {}

    def shown(self, origin: Origin, key: str) -> ShownOrigin:
        """Add the line to an origin."""
        line = None
        if origin.in_file:
            if origin.where not in self._files:
                self._files[origin.where] = lines_of(Path(origin.where))
            line = self._files[origin.where].get(key)
        text = MASK if is_secret(key) and origin.text else origin.text
        return ShownOrigin(kind=origin.kind, where=origin.where, line=line, text=text)


def _settings(resolved: ResolvedProfile, places: _Lines) -> Iterator[ShownSetting]:
    for key in _keys(resolved):
        value = value_at(resolved.profile, key)
        origin = resolved.origins.get(key, BUILT_IN)
        if key in _NOT_SHOWN or (value is None and origin.kind == "built-in"):
            continue
        if key == "template" and value is not None and origin.in_file:
            value = Path(origin.where).parent / value  # where it is, whichever file the line is pasted into
        yield ShownSetting(
            key=key,
            value=MASK if is_secret(key) and value else _JSON.dump_python(value, mode="json"),
            origin=places.shown(origin, key),
            overrides=tuple(places.shown(other, key) for other in resolved.overridden.get(key, ())),
        )


def _keys(resolved: ResolvedProfile) -> Iterator[str]:
    """Yield the dotted paths of all settings; each environment variable is one of its own."""
    for key in setting_paths():
        if key == _VARS:
            yield from (f"{_VARS}.{name}" for name in resolved.env.vars)
        else:
            yield key
