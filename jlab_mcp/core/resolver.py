"""From layers of settings to one resolved profile, in which every value knows its origin."""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jlab_mcp.core.profile import EnvSection, OutputSection, Profile, Section, SlurmSection
from jlab_mcp.core.record import ServerPaths, server_key, server_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_LOOPBACK = "127.0.0.1"
_EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - on a compute node; the token guards it

PUBLISHED_SLURM: Mapping[str, object] = {
    "partition": "gpu",
    "gres": "gpu:1",
    "cpus_per_task": 4,
    "mem": "32000",
    "time": "4:00:00",
}
"""What the published `JLAB_MCP_SLURM_*` variables default to; holds only where no profile is chosen."""

Kind = Literal["built-in", "site", "user", "profile", "project", "variable", "flag"]
"""The layers of settings, lowest first."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set.

    Attributes:
        kind: which layer.
        where: path of the file, name of the variable or flag; for built-in values the reason, if any.
        text: the value as it was written there.
    """

    kind: Kind
    where: str = ""
    text: str = ""

    @property
    def in_file(self) -> bool:
        """Whether `where` is the path of a settings file."""
        return self.kind in ("site", "user", "profile", "project")

    def __str__(self) -> str:
        return self.where or self.kind


BUILT_IN = Origin("built-in")


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place: nested values, and the origin of each by its dotted path."""

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class Origins:
    """Where every setting comes from.

    Attributes:
        of: dotted path -> where the value that counts was set; every setting has one.
        overridden: dotted path -> where else it was set, highest first.
    """

    of: Mapping[str, Origin]
    overridden: Mapping[str, tuple[Origin, ...]]


NO_ORIGINS = Origins({}, {})


@dataclass(frozen=True, slots=True)
class Facts:
    """What resolving needs to know of the world.

    Attributes:
        project_dir: absolute, with symlinks resolved.
        home: the user's home folder.
        profile: name of the chosen profile, if one was chosen.
        chosen_by: what chose it.
        template: text of the sbatch script template, if there is one.
        has_sbatch: whether `sbatch` is on PATH.
    """

    project_dir: Path
    home: Path
    profile: str | None = None
    chosen_by: Origin = BUILT_IN
    template: str | None = None
    has_sbatch: bool = False


@dataclass(frozen=True)
class ResolvedProfile:
    """Every setting of one project and profile, ready to use; all paths are absolute.

    Attributes:
        name: the profile's name, or the mode's where none was chosen.
        chosen_by: what chose the profile; built-in where none was chosen.
        mode: where servers run.
        venv: virtual environment on the machine that runs JupyterLab, if one was named.
        slurm_conf: SLURM's configuration file for its commands, if one was named.
        template: text of the sbatch script template; None for the built-in one.
        profile: the merged profile as it was written.
        origins: dotted path -> where the value was set.
        overridden: dotted path -> where else it was set, highest first.
        missing: dotted paths of settings that the profile requires and nobody set.
        warnings: one sentence each, for the user.
    """

    name: str
    chosen_by: Origin
    mode: Literal["local", "slurm"]
    project_dir: Path
    notebook_dir: Path
    state_dir: Path
    log_dir: Path
    connection_dir: Path
    venv: Path | None
    slurm_conf: Path | None
    template: str | None = field(repr=False)
    profile: Profile
    origins: Mapping[str, Origin] = field(repr=False)
    overridden: Mapping[str, tuple[Origin, ...]] = field(repr=False)
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_profile(self) -> bool:
        """Whether a profile is used; else the name is that of the mode."""
        return bool(self.chosen_by.where) and self.chosen_by.text.strip().lower() != "none"

    @property
    def port_min(self) -> int:
        """First port to try."""
        return self.profile.server.port_min

    @property
    def port_max(self) -> int:
        """Last port to try."""
        return self.profile.server.port_max

    @property
    def bind_ip(self) -> str:
        """Address JupyterLab listens on: unless one was chosen, this machine's, or in a job every one.

        The front has to reach the compute node, and which of its interfaces that takes is not known.
        """
        return self.profile.server.bind_ip or (_LOOPBACK if self.mode == "local" else _EVERY_INTERFACE)

    @property
    def interface(self) -> str | None:
        """Network interface JupyterLab listens on, instead of `bind_ip`."""
        return self.profile.server.interface

    @property
    def ready_timeout(self) -> float:
        """Seconds from launch to ready."""
        return self.profile.server.ready_timeout

    @property
    def queue_timeout(self) -> float | None:
        """Seconds to wait in the queue; None for as long as it takes."""
        return self.profile.server.queue_timeout

    @property
    def stop_timeout(self) -> float:
        """Seconds from SIGTERM to SIGKILL."""
        return self.profile.server.stop_timeout

    @property
    def slurm(self) -> SlurmSection:
        """What to ask SLURM for."""
        return self.profile.slurm

    @property
    def env(self) -> EnvSection:
        """What the job's shell prepares."""
        return self.profile.env

    @property
    def output(self) -> OutputSection:
        """How much of an output an agent is shown."""
        return self.profile.output

    @cached_property
    def paths(self) -> ServerPaths:
        """The files of this project's and profile's server."""
        key = server_key(self.project_dir, self.name)
        return server_paths(key, connection_dir=self.connection_dir, log_dir=self.log_dir)


def resolve(
    profile: Profile, facts: Facts, *, origins: Origins = NO_ORIGINS, warnings: Sequence[str] = ()
) -> ResolvedProfile:
    """Settle what a merged profile leaves open: the mode, and where relative paths start."""
    found = dict(origins.of)
    mode = profile.mode
    if mode == "auto":
        mode = "slurm" if facts.has_sbatch else "local"
        found["mode"] = Origin("built-in", f"`sbatch` is {'' if facts.has_sbatch else 'not '}on PATH")
    state_dir = _anchor(profile.paths.dir, facts)
    venv = profile.env.venv
    return ResolvedProfile(
        name=facts.profile or mode,
        chosen_by=facts.chosen_by,
        mode=mode,
        project_dir=facts.project_dir,
        notebook_dir=_anchor(profile.notebook.dir, facts),
        state_dir=state_dir,
        log_dir=_anchor(profile.paths.log_dir or state_dir / "logs", facts),
        connection_dir=_anchor(profile.paths.connection_dir or state_dir / "connections", facts),
        venv=_anchor(venv, facts) if venv else None,
        slurm_conf=_anchor(conf, facts) if (conf := profile.paths.slurm_conf) else None,
        template=facts.template,
        profile=profile,
        origins=found,
        overridden=origins.overridden,
        missing=tuple(
            path
            for path in profile.required or ()
            if value_at(profile, path) is None and not (mode == "local" and path.startswith("slurm."))
        ),
        warnings=tuple(warnings),
    )


def origins_of(layers: Sequence[Layer]) -> Origins:
    """Say where each setting comes from; `layers` go from the highest to the lowest."""
    places: dict[str, list[Origin]] = {path: [] for path in setting_paths()}
    for layer in layers:
        for path, origin in layer.origins.items():
            places.setdefault(path, []).append(origin)
    return Origins(
        {path: found[0] if found else BUILT_IN for path, found in places.items()},
        {path: tuple(found[1:]) for path, found in places.items() if len(found) > 1},
    )


def setting_paths(model: type[BaseModel] = Profile, prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every setting a model has, those of its sections included."""
    for name, info in model.model_fields.items():
        section = section_of(info)
        if section is None:
            yield prefix + name
        else:
            yield from setting_paths(section, f"{prefix}{name}.")


def section_of(info: FieldInfo) -> type[Section] | None:
    """Return the model of a field that is a section, which may be optional."""
    for kind in (info.annotation, *getattr(info.annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def value_at(profile: BaseModel, path: str) -> Any:
    """Return the value of a dotted path; None where a section on the way is unset."""
    value: Any = profile
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def _anchor(path: Path, facts: Facts) -> Path:
    """Make a path absolute: `~` is the home folder, anything relative starts at the project folder."""
    if path.parts[:1] == ("~",):
        path = facts.home.joinpath(*path.parts[1:])
    return Path(os.path.normpath(facts.project_dir / path))
