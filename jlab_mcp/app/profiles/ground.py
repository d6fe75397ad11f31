"""Use case: look around before a new profile is made, and set the scene for its questions."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from jlab_mcp.app.profiles.survey import survey
from jlab_mcp.config.choose import fitting
from jlab_mcp.config.host import cluster_name, host_names
from jlab_mcp.config.layers import put, shown
from jlab_mcp.config.places import home_folder, places
from jlab_mcp.config.problems import describe
from jlab_mcp.config.profiles import NOT_INHERITED, known_names, read_chain
from jlab_mcp.config.settings import MergedProfile, merge
from jlab_mcp.core.drafting.draft import fit_name, free_name
from jlab_mcp.core.drafting.extending import Base
from jlab_mcp.core.drafting.interview import Scene
from jlab_mcp.core.profile import takes_back
from jlab_mcp.core.resolver import Layer, Origin, setting_paths, value_at
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.config.places import Level, Places
    from jlab_mcp.core.cluster import Cluster

_ABOUT_ITSELF = ("version", "required", "source", "verified", *NOT_INHERITED)
"""What a profile says of itself, and no setting of the new one."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A profile that is for this machine."""

    name: str
    level: Level
    why: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is before the first question.

    Attributes:
        project_dir: absolute, with symlinks resolved.
        cluster: what SLURM says of itself.
        fitting: profiles for this machine, the user's own first.
        names: all profiles there are.
        taken: those that are the user's own files.
    """

    environ: Mapping[str, str]
    project_dir: Path
    home: Path
    places: Places
    cluster: Cluster
    fitting: tuple[Fitting, ...]
    names: tuple[str, ...]
    taken: tuple[str, ...]

    @property
    def where(self) -> str:
        """The cluster's name, or this machine's."""
        return (self.cluster.name if self.cluster.has_slurm else None) or host_names()[0].partition(".")[0]

    def file_of(self, name: str) -> Path:
        """Return the file of a profile of the user's own; it need not be there."""
        return self.places.user.profiles / f"{name}.toml"

    def shown(self, path: Path) -> str:
        """Write a path as its user would."""
        return shown(path, self.home)


async def look_around(environ: Mapping[str, str], project_dir: Path, *, seconds: float) -> Ground:
    """Ask the cluster, and find the profiles that fit.

    Args:
        environ: the environment.
        project_dir: the project folder.
        seconds: how long each command of SLURM may take.

    Raises:
        ConfigError: there is no home folder to put a profile in.
    """
    home_folder(environ)  # before anybody waits
    return _ground(environ, project_dir, await survey(environ, timeout=seconds))


def _ground(environ: Mapping[str, str], project_dir: Path, cluster: Cluster) -> Ground:
    home = home_folder(environ)
    where = places(environ, home)
    if cluster.has_slurm and not cluster.name and (named := cluster_name(environ)):
        cluster = replace(cluster, name=named)
    known = {"SLURM_CLUSTER_NAME": cluster.name} if cluster.name else {}
    found = fitting(where, {**environ, **known})
    return Ground(
        environ=environ,
        project_dir=project_dir.resolve(),
        home=home,
        places=where,
        cluster=cluster,
        fitting=tuple(Fitting(file.name, file.level, why) for file, why in found),
        names=tuple(known_names(where)),
        taken=tuple(sorted(path.stem for path in where.user.profiles.glob("*.toml"))),
    )


def scene_of(ground: Ground, base: str | None, extra: Mapping[str, str]) -> Scene:
    """Set the scene for the questions.

    Args:
        ground: what there is.
        base: the profile to extend, if any.
        extra: settings that were given, dotted path -> text.

    Raises:
        ConfigError: there is no such profile, or it is broken.
    """
    extended = _base(ground, base) if base else None
    own = ground.project_dir / ".venv"
    active = ground.environ.get("VIRTUAL_ENV")
    return Scene(
        mode=_mode(ground, extended, extra),
        cluster=ground.cluster,
        base=extended,
        project_venv=(own / "bin" / "python").exists(),
        venvs={active: "the activated one"} if active and os.path.realpath(active) != str(own) else {},
        extra=extra,
    )


def proposed_name(ground: Ground, base: str | None) -> str:
    """Propose a name for the profile that hides none of the user's own."""
    return free_name(base if base and base not in ground.taken else fit_name(ground.where), ground.taken)


def name_problem(ground: Ground, name: str, base: str | None) -> str | None:
    """Say what is wrong with a profile's name; that it is taken is not wrong."""
    if name.strip().lower() == "none":
        return "`none` means no profile, choose another name"
    if name == base and name in ground.taken:
        return f"a profile cannot extend itself, choose another name than {name}"
    problem = value_problem("extends", name, ground.home)
    return problem.partition(": ")[2] if problem else None


def value_problem(key: str, text: str, home: Path) -> str | None:
    """Say what is wrong with a value by itself, in the words of the loader; None if nothing is."""
    layer = _layer_of({key: text})
    try:
        MergedProfile([layer])
    except ValidationError as error:
        return describe(error.errors(include_url=False), (), layer.origins, home=home)[0]
    return None


def values_problem(texts: Mapping[str, str], home: Path) -> str | None:
    """Say what is wrong with values that go together, dotted path -> text."""
    problems: list[str] = []
    merge([_layer_of(texts)], home=home, problems=problems)
    return problems[0] if problems else None


def _layer_of(texts: Mapping[str, str]) -> Layer:
    values: dict[str, Any] = {}
    for key, text in texts.items():
        put(values, key, text)
    return Layer(values, {key: Origin("built-in", "", text) for key, text in texts.items()})


def _mode(ground: Ground, base: Base | None, extra: Mapping[str, str]) -> Literal["slurm", "local"]:
    said = str(extra.get("mode") or (base.values.get("mode") if base else None) or "auto")
    if said == "local":
        return "local"
    return "slurm" if said == "slurm" or ground.cluster.has_slurm else "local"


def _base(ground: Ground, name: str) -> Base:
    problems: list[str] = []
    layers = layers_of(ground, name, problems)
    profile, origins = merge(layers, home=ground.home, problems=problems)
    if problems or profile is None:
        raise ConfigError(problems)
    values = {
        path: value_at(profile, path)
        for path in (*setting_paths(), *(f"env.vars.{variable}" for variable in profile.env.vars))
        if path not in (*_ABOUT_ITSELF, "env.vars") and origins.of.get(path, Origin("built-in")).in_file
    }
    plain = {path: value for path, value in values.items() if value is not None}
    return Base(name, {path: as_toml(value, value) for path, value in plain.items()}, profile.required or ())


def layers_of(ground: Ground, name: str, problems: list[str]) -> list[Layer]:
    """Read a profile's chain, without what the new profile does not inherit."""
    chain = read_chain(name, ground.places, home=ground.home, said_by="--from")
    problems += chain.problems
    return [
        Layer({key: value for key, value in layer.values.items() if key not in NOT_INHERITED}, layer.origins)
        for layer in chain.layers
    ]


def as_toml(said: object, checked: Any) -> Any:
    """Return a value in the type in which TOML has it; the word `none` stays."""
    if isinstance(said, str) and takes_back("", said):
        return "none"
    if isinstance(checked, (bool, int, float, str)):
        return checked
    return list(checked) if isinstance(checked, (list, tuple)) else str(checked)
