"""From the profile that a call names, or does not name, to the server it means."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.app.context import load
from jlab_mcp.app.servers import server_meant, servers, standing_in
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.app.target import RecordedServer, Target
    from jlab_mcp.core.resolver import ResolvedProfile


@dataclass(frozen=True, slots=True)
class Meant:
    """The server that a call means.

    Attributes:
        target: which one.
        resolved: the settings of the chosen profile; None where they cannot be read.
        notes: what the caller should know, one sentence each, without a full stop.
    """

    target: Target
    resolved: ResolvedProfile | None
    notes: tuple[str, ...] = ()


def find(
    profile: str | None = None,
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
    said_by: str = "--profile",
    to_stop: bool = False,
    strict: bool = True,
) -> Meant:
    """Find the server that a call means; starts nothing.

    A server outlives its profile: where that is gone or broken, its record says enough to reach and stop it.

    Args:
        profile: name of the profile, if the call names one.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.
        said_by: what the caller knows `profile` as.
        to_stop: whether the server is to be stopped.
        strict: whether no other server may stand in for the named profile's.

    Raises:
        ConfigError: the settings are wrong, and no record says more.
        AmbiguousServer: none was named, the chosen profile's does not run, and several others do.
    """
    try:
        resolved = load(profile, project_dir=project_dir, environ=environ, said_by=said_by)
    except ConfigError as error:
        recorded = _by_record(profile, project_dir=project_dir, environ=environ)
        if recorded is None:
            raise
        return Meant(recorded, None, (f"{error.message}; going by the record of its server",))
    target = server_meant(resolved, named=strict and profile is not None, to_stop=to_stop)
    other = standing_in(target, resolved)
    return Meant(target, resolved, (*resolved.warnings, *([other] if other else [])))


def load_for_all(
    *, project_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[ResolvedProfile, str | None]:
    """Read the settings that say where the project's servers are, and what is wrong with its profile.

    Raises:
        ConfigError: they are wrong whichever profile is used.
    """
    try:
        return load(project_dir=project_dir, environ=environ), None
    except ConfigError as error:
        try:
            return load("none", project_dir=project_dir, environ=environ), error.message
        except ConfigError:
            raise error from None


def _by_record(
    profile: str | None, *, project_dir: Path | None, environ: Mapping[str, str] | None
) -> RecordedServer | None:
    """Find the recorded server of a profile that cannot be read."""
    try:
        plain = load("none", project_dir=project_dir, environ=environ)
    except ConfigError:
        return None
    name = profile or _chosen_name(plain, environ)
    return next((each.server for each in servers(plain) if each.server.name == name), None)


def _chosen_name(plain: ResolvedProfile, environ: Mapping[str, str] | None) -> str | None:
    from jlab_mcp.app.profiles.chosen import chosen_profile

    choice, _ = chosen_profile(
        None, project_dir=plain.project_dir, environ=os.environ if environ is None else environ
    )
    return choice.name
