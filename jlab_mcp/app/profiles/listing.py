"""Use case: which profiles there are, what each asks for, and which one is used here."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.context import load, project_folder
from jlab_mcp.app.profiles.chosen import chosen_by, chosen_profile
from jlab_mcp.config.layers import shown
from jlab_mcp.config.places import home_folder, places
from jlab_mcp.config.profiles import known_names, profile_files, read_chain_of
from jlab_mcp.config.settings import merge
from jlab_mcp.core.gpus import gpus_in_words
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.config.places import Places
    from jlab_mcp.config.profiles import ProfileFile
    from jlab_mcp.core.profile import SlurmSection

Mode = Literal["local", "slurm", "auto"]


class ListedProfile(BaseModel):
    """One profile, as it would be used in this project with this environment."""

    model_config = ConfigDict(frozen=True)

    name: str
    level: Literal["user", "site", "shipped"] = Field(description="Whose profile it is.")
    path: Path = Field(description="Its file.")
    hides: tuple[Path, ...] = Field(
        default=(), description="Files of the same name that it takes the place of."
    )
    description: str | None = None
    mode: Mode | None = Field(default=None, description="Where servers run; null if the profile is broken.")
    gpus: str | None = Field(
        default=None, description="GPUs of a job in words; null where none are asked for."
    )
    time: str | None = Field(default=None, description="How long a job may run, as SLURM writes it.")
    chosen: bool = Field(default=False, description="Whether it is the one that is used here.")
    problem: str | None = Field(default=None, description="The first thing that is wrong with it.")


class ProfileList(BaseModel):
    """All profiles there are."""

    model_config = ConfigDict(frozen=True)

    profiles: tuple[ListedProfile, ...] = Field(description="Sorted by name.")
    chosen: str | None = Field(
        default=None, description="Name of the profile that is used here; may be missing."
    )
    chosen_by: str | None = Field(
        default=None, description="What chose it: a flag, variable, file or reason."
    )
    problems: tuple[str, ...] = Field(default=(), description="What is wrong whichever profile is used.")
    warnings: tuple[str, ...] = ()


def list_profiles(
    profile: str | None = None,
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
    said_by: str = "--profile",
) -> ProfileList:
    """List all profiles; a broken one carries its first problem, and the others are listed all the same.

    Args:
        profile: name of the profile chosen by flag, if any.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.
        said_by: what the caller knows `profile` as.

    Raises:
        ConfigError: there is no home folder to look in, or no project folder.
    """
    environ = os.environ if environ is None else environ
    where = places(environ, home_folder(environ))
    folder = project_folder(project_dir)
    choice, warnings = chosen_profile(profile, project_dir=folder, environ=environ, said_by=said_by)
    common = _problems("none", folder, environ)  # whichever profile is used
    lister = _Lister(folder, environ, where, common)
    files: dict[str, list[ProfileFile]] = {}
    for file in profile_files(where):
        files.setdefault(file.name, []).append(file)
    listed = [lister.entry(found, choice.name) for _, found in sorted(files.items())]
    missing: tuple[str, ...] = ()
    if choice.name and choice.name not in files:
        found = _problems(profile, folder, environ, said_by)
        missing = tuple(problem for problem in found if problem not in common)
    return ProfileList(
        profiles=tuple(listed),
        chosen=choice.name,
        chosen_by=chosen_by(choice.by, home_folder(environ)),
        problems=(*common, *missing),
        warnings=tuple(warnings),
    )


def profile_names(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the names of all profiles, sorted; without looking into them."""
    environ = os.environ if environ is None else environ
    return known_names(places(environ, home_folder(environ)))


class _Lister:
    """Looks at one profile after the other, in the same surroundings."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], where: Places, common: tuple[str, ...]
    ) -> None:
        self._folder, self._environ, self._where, self._common = folder, environ, where, common
        self._home = home_folder(environ)

    def entry(self, files: list[ProfileFile], chosen: str | None) -> ListedProfile:
        """Describe a profile by its files, of which the first counts."""
        file = files[0]
        plain = ListedProfile(
            name=file.name,
            level=file.level,
            path=file.path,
            hides=tuple(hidden.path for hidden in files[1:]),
            chosen=file.name == chosen,
        )
        try:
            resolved = load(file.name, project_dir=self._folder, environ=self._environ)
        except ConfigError as error:
            own = [problem for problem in error.problems if problem not in self._common]
            if own:
                return plain.model_copy(update={"problem": own[0]})
            return self._by_itself(plain, file)
        return _filled(plain, resolved.profile.description, resolved.mode, resolved.slurm)

    def _by_itself(self, plain: ListedProfile, file: ProfileFile) -> ListedProfile:
        """Describe a profile whose surroundings are broken by its own files."""
        chain = read_chain_of(file, self._where, home=self._home)
        problems = list(chain.problems)
        profile, _ = merge(chain.layers, home=self._home, problems=problems)
        if profile is None or problems:
            return plain.model_copy(
                update={"problem": (problems or [f"{shown(file.path, self._home)} is broken"])[0]}
            )
        return _filled(plain, profile.description, profile.mode, profile.slurm)


def _filled(plain: ListedProfile, description: str | None, mode: Mode, slurm: SlurmSection) -> ListedProfile:
    """Put in what a profile says; a local server asks SLURM for nothing."""
    is_job = mode != "local"
    return plain.model_copy(
        update={
            "description": description,
            "mode": mode,
            "gpus": gpus_in_words(slurm) if is_job else None,
            "time": slurm.time if is_job else None,
        }
    )


def _problems(
    profile: str | None, folder: Path, environ: Mapping[str, str], said_by: str = ""
) -> tuple[str, ...]:
    try:
        load(profile, project_dir=folder, environ=environ, said_by=said_by)
    except ConfigError as error:
        return error.problems
    return ()
