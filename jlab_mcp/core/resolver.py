"""From layers of settings to one resolved profile, in which every value knows its origin."""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jlab_mcp.core.profile import EnvSection, OutputSection, Profile, SlurmSection
from jlab_mcp.core.record import ServerPaths, server_key, server_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PUBLISHED_SLURM: Mapping[str, object] = {
    "partition": "gpu",
    "gres": "gpu:1",
    "cpus_per_task": 4,
    "mem": "32000",
    "time": "4:00:00",
}
"""What the published `JLAB_MCP_SLURM_*` variables default to; holds only where no profile is chosen."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set.

    Attributes:
        kind: which layer.
        where: variable, flag, or file and line; for built-in values the reason, if there is one.
        text: the value as it was written there.
    """

    kind: Literal["built-in", "profile", "variable", "flag"]
    where: str = ""
    text: str = ""

    def __str__(self) -> str:
        return self.where if self.kind in ("variable", "flag", "profile") else self.where or "built-in"


BUILT_IN = Origin("built-in")


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place: nested values, and the origin of each by its dotted path."""

    values: Mapping[str, Any]
    origins: Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class Facts:
    """What resolving needs to know of the world.

    Attributes:
        project_dir: absolute, with symlinks resolved.
        home: the user's home folder.
        profile: name of the chosen profile, if one was chosen.
        has_sbatch: whether `sbatch` is on PATH.
    """

    project_dir: Path
    home: Path
    profile: str | None = None
    has_sbatch: bool = False


@dataclass(frozen=True)
class ResolvedProfile:
    """Every setting of one project and profile, ready to use; all paths are absolute.

    Attributes:
        name: the profile's name, or the mode's where none was chosen.
        mode: where servers run.
        profile: the merged profile as it was written.
        ready_timeout: seconds from launch to ready.
        stop_timeout: seconds from SIGTERM to SIGKILL.
        origins: dotted path -> where the value was set.
        warnings: one sentence each, for the user.
    """

    name: str
    mode: Literal["local", "slurm"]
    project_dir: Path
    notebook_dir: Path
    state_dir: Path
    log_dir: Path
    connection_dir: Path
    profile: Profile
    origins: Mapping[str, Origin] = field(repr=False)
    warnings: tuple[str, ...] = ()

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
        """Address JupyterLab listens on."""
        return self.profile.server.bind_ip

    @property
    def ready_timeout(self) -> float:
        """Seconds from launch to ready."""
        return self.profile.server.ready_timeout

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
    profile: Profile, facts: Facts, *, origins: Mapping[str, Origin], warnings: Sequence[str] = ()
) -> ResolvedProfile:
    """Settle what a merged profile leaves open: the mode, and where relative paths start."""
    found = dict(origins)
    mode = profile.mode
    if mode == "auto":
        mode = "slurm" if facts.has_sbatch else "local"
        found["mode"] = Origin("built-in", f"`sbatch` is {'' if facts.has_sbatch else 'not '}on PATH")
    state_dir = _anchor(profile.paths.dir, facts)
    return ResolvedProfile(
        name=facts.profile or mode,
        mode=mode,
        project_dir=facts.project_dir,
        notebook_dir=_anchor(profile.notebook.dir, facts),
        state_dir=state_dir,
        log_dir=_anchor(profile.paths.log_dir or state_dir / "logs", facts),
        connection_dir=_anchor(profile.paths.connection_dir or state_dir / "connections", facts),
        profile=profile,
        origins=found,
        warnings=tuple(warnings),
    )


def origins_of(layers: Sequence[Layer]) -> dict[str, Origin]:
    """Say where each setting comes from; `layers` go from the highest to the lowest."""
    found = dict.fromkeys(setting_paths(), BUILT_IN)
    for layer in reversed(layers):
        found.update(layer.origins)
    return found


def setting_paths() -> Iterator[str]:
    """Yield the dotted path of every setting a profile has."""
    for name, info in Profile.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and hasattr(section, "model_fields"):
            yield from (f"{name}.{inner}" for inner in section.model_fields)
        else:
            yield name


def _anchor(path: Path, facts: Facts) -> Path:
    """Make a path absolute: `~` is the home folder, anything relative starts at the project folder."""
    if path.parts[:1] == ("~",):
        path = facts.home.joinpath(*path.parts[1:])
    return Path(os.path.normpath(facts.project_dir / path))
