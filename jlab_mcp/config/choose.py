"""Which profile: what flag, variable, project, user or site name, else the one that fits this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from jlab_mcp.config.host import cluster_name, fits, host_names
from jlab_mcp.config.profiles import own_values, profile_files
from jlab_mcp.core.profile import MatchSection
from jlab_mcp.core.resolver import BUILT_IN, Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jlab_mcp.config.places import Places
    from jlab_mcp.config.profiles import ProfileFile


@dataclass(frozen=True, slots=True)
class Choice:
    """A profile and what chose it; no name where nothing did.

    Attributes:
        warning: why none of several that fit was taken.
    """

    name: str | None = None
    by: Origin = BUILT_IN
    warning: str | None = None


def choose(said: Sequence[Origin], places: Places, environ: Mapping[str, str]) -> Choice:
    """Take the first profile that was named, else the only one that fits this machine.

    Args:
        said: who names which profile (`text`), the most important first; `none` means no profile.
        places: where profiles are.
        environ: the environment, which may name the cluster.
    """
    if said:
        first = said[0]
        return Choice(None, first) if first.text.strip().lower() == "none" else Choice(first.text, first)
    found = fitting(places, environ)
    for level in ("user", "site", "shipped"):
        here = [(file, why) for file, why in found if file.level == level]
        if len(here) == 1:
            file, why = here[0]
            return Choice(file.name, Origin("built-in", why))
        if here:
            names = ", ".join(file.name for file, _ in here)
            warning = f"several profiles fit this machine ({names}), so none is used; choose with `--profile`"
            return Choice(warning=warning)
    return Choice()


def fitting(places: Places, environ: Mapping[str, str]) -> list[tuple[ProfileFile, str]]:
    """List the profiles whose `match` fits this machine, and why; of each name the file that counts."""
    hosts, cluster = host_names(), cluster_name(environ)
    named: dict[str, list[ProfileFile]] = {}
    for file in profile_files(places):
        named.setdefault(file.name, []).append(file)
    reasons = [(files[0], fits(_match(files), hosts, cluster)) for files in named.values()]
    return [(file, why) for file, why in reasons if why]


def _match(files: Sequence[ProfileFile]) -> MatchSection:
    """Return whom a profile is for: what the first of its name says that says anything.

    A user's file that adds an account to the shipped one of the same name need not repeat it. A broken file
    is told when it is used.
    """
    for file in files:
        try:
            if match := own_values(file).get("match"):
                return MatchSection.model_validate(match)
        except ValidationError:
            break
    return MatchSection()
