"""Use case: check settings files, and tell everything that is wrong with all of them at once."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.context import load, project_folder
from jlab_mcp.app.jobscript import job_problems
from jlab_mcp.app.profiles.trust import withheld
from jlab_mcp.config.homes import expand_users
from jlab_mcp.config.layers import config_layer, shown
from jlab_mcp.config.load import read_template
from jlab_mcp.config.places import PROJECT_FILE, Places, home_folder, places
from jlab_mcp.config.problems import in_order, place
from jlab_mcp.config.profiles import (
    ProfileFile,
    is_folder,
    known_names,
    profile_files,
    read_chain,
    read_chain_of,
    toml_files,
)
from jlab_mcp.config.settings import merge
from jlab_mcp.config.tomlfile import is_there
from jlab_mcp.core.resolver import Facts, resolve
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jlab_mcp.core.profile import Profile
    from jlab_mcp.core.resolver import Origins, ResolvedProfile

Kind = Literal["profile", "config", "project"]


class CheckedFile(BaseModel):
    """What is to say about one file."""

    model_config = ConfigDict(frozen=True)

    path: Path
    kind: Kind = Field(description="A profile, a config.toml, or a project's own settings.")
    problems: tuple[str, ...] = Field(description="What is wrong with it or its parents, one sentence each.")
    notes: tuple[str, ...] = Field(default=(), description="What else its user may want to know.")


class Validation(BaseModel):
    """What came of checking."""

    model_config = ConfigDict(frozen=True)

    ok: bool = Field(description="Whether nothing is wrong.")
    files: tuple[CheckedFile, ...]
    problems: tuple[str, ...] = Field(default=(), description="What is wrong with none of the files alone.")


def validate(
    targets: Sequence[str] = (),
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Validation:
    """Check files.

    Args:
        targets: names of profiles, files, and folders of profiles; if there are none, all files of the user's
            and the project's are checked, each for itself and all together with the environment.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.

    Raises:
        ConfigError: there is no home folder to look in.
    """
    environ = os.environ if environ is None else environ
    checker = _Checker(environ, project_folder(project_dir))
    problems: list[str] = []
    if targets:
        found = [file for target in targets for file in checker.named(target, problems)]
    else:
        found = list(checker.own())
    files = tuple(checker.check(path, kind) for path, kind in dict.fromkeys(found))
    if not targets:
        known = {problem for file in files for problem in file.problems}
        problems += [problem for problem in checker.together() if problem not in known]
    ok = not problems and not any(file.problems for file in files)
    return Validation(ok=ok, files=files, problems=tuple(problems))


class _Checker:
    """Checks one file after the other."""

    def __init__(self, environ: Mapping[str, str], project_dir: Path) -> None:
        self._environ, self._project = environ, project_dir
        self._home = home_folder(environ)
        self._where: Places = places(environ, self._home)

    @cached_property
    def _by_path(self) -> dict[str, ProfileFile]:
        return {os.path.realpath(file.path): file for file in profile_files(self._where)}

    def named(self, target: str, problems: list[str]) -> Iterator[tuple[Path, Kind]]:
        """Yield the files that a target means; one that means none is a problem."""
        path = Path(target)
        if target in known_names(self._where):
            yield next(file.path for file in profile_files(self._where) if file.name == target), "profile"
        elif is_folder(path):
            files = toml_files(path)
            problems += [] if files else [f"there is no .toml file in `{target}`"]
            yield from ((file, _kind(file)) for file in files)
        elif os.path.lexists(path):
            yield path, _kind(path)
        elif path.suffix == ".toml" or len(path.parts) > 1:
            problems.append(f"there is no file {target}")
        else:
            chain = read_chain(target, self._where, home=self._home, said_by="NAME")
            problems += chain.problems

    def own(self) -> Iterator[tuple[Path, Kind]]:
        """Yield the files of the user's and the project's."""
        yield from ((path, "profile") for path in toml_files(self._where.user.profiles))
        if is_there(self._where.user.config_file):
            yield self._where.user.config_file, "config"
        if is_there(self._project / PROJECT_FILE):
            yield self._project / PROJECT_FILE, "project"

    def together(self) -> tuple[str, ...]:
        """Return what is wrong with the settings that hold here."""
        try:
            load(project_dir=self._project, environ=self._environ)
        except ConfigError as error:
            return error.problems
        return ()

    def check(self, path: Path, kind: Kind) -> CheckedFile:
        """Check one file, with all that it extends."""
        problems: list[str] = []
        notes: list[str] = []
        if kind == "profile":
            self._check_profile(path, problems, notes)
        else:
            self._check_config(path, kind, problems, notes)
        return CheckedFile(path=path, kind=kind, problems=tuple(in_order(problems)), notes=tuple(notes))

    def _check_profile(self, path: Path, problems: list[str], notes: list[str]) -> None:
        same = self._by_path.get(os.path.realpath(path))
        file = same or ProfileFile(path.stem, "user", path)
        chain = read_chain_of(file, self._where, home=self._home)
        problems += chain.problems
        layers = [expand_users(layer, problems, home=self._home) for layer in chain.layers]
        profile, origins = merge(layers, home=self._home, problems=problems)
        if file.name.lower() == "none" or (path.parent == self._where.user.profiles and not same):
            notes.append(f"{shown(path, self._home)}: no profile can be chosen by the name {file.name!r}")
        if profile is not None:
            resolved = self._resolved(profile, origins, file, problems)
            if resolved.mode == "slurm":
                problems += job_problems(resolved, home=self._home)
            notes += [f"{shown(path, self._home)}: {key} has to be filled in" for key in resolved.missing]

    def _resolved(
        self, profile: Profile, origins: Origins, file: ProfileFile, problems: list[str]
    ) -> ResolvedProfile:
        """Resolve a profile whose values are right by themselves."""
        template = read_template(profile, origins, self._project, self._home, problems)
        facts = Facts(self._project, self._home, profile=file.name, template=template, has_sbatch=True)
        return resolve(profile, facts, origins=origins)

    def _check_config(self, path: Path, kind: Kind, problems: list[str], notes: list[str]) -> None:
        said = config_layer(
            path, "project" if kind == "project" else "user", home=self._home, problems=problems
        )
        layer = expand_users(said.layer, problems, home=self._home)
        profile, origins = merge([layer], home=self._home, problems=problems)
        if said.profile and said.profile.text.strip().lower() != "none":
            by = place(said.profile, "profile", self._home)
            chain = read_chain(said.profile.text, self._where, home=self._home, said_by=by)
            problems += [] if chain.files else chain.problems
        if profile is not None:
            read_template(profile, origins, self._project, self._home, problems)
        if kind == "project" and (keys := withheld(path, self._environ)):
            notes.append(
                f"{shown(path, self._home)}: ignored until `jlab-mcp config trust`: {', '.join(keys)}"
            )


def _kind(path: Path) -> Kind:
    kinds: dict[str, Kind] = {PROJECT_FILE: "project", "config.toml": "config"}
    return kinds.get(path.name, "profile")
