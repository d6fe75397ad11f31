"""Use case: make a new profile. Look around, check a draft with the loader's own means, write it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from jlab_mcp.app.jobscript import job_script
from jlab_mcp.app.schemas import schema_file
from jlab_mcp.app.survey import survey
from jlab_mcp.config.choose import fitting
from jlab_mcp.config.environment import environment_layer
from jlab_mcp.config.homes import expand_users
from jlab_mcp.config.host import cluster_name, host_names
from jlab_mcp.config.layers import put, shown
from jlab_mcp.config.load import read_template
from jlab_mcp.config.places import home_folder, places
from jlab_mcp.config.problems import describe
from jlab_mcp.config.profiles import NOT_INHERITED, known_names, read_chain
from jlab_mcp.config.settings import MergedProfile, merge
from jlab_mcp.core.draft import fit_name, free_name, profile_text
from jlab_mcp.core.extending import Base
from jlab_mcp.core.gpus import gpus_in_words
from jlab_mcp.core.interview import Scene, chosen_settings
from jlab_mcp.core.profile import Profile, takes_back
from jlab_mcp.core.resolver import Facts, Layer, Origin, Origins, resolve, setting_paths, value_at
from jlab_mcp.errors import ConfigError
from jlab_mcp.storage.files import make_private_folder, write_private, writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jlab_mcp.config.places import Level, Places
    from jlab_mcp.core.cluster import Cluster
    from jlab_mcp.core.proposal import Setting
    from jlab_mcp.core.resolver import ResolvedProfile

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


@dataclass(frozen=True, slots=True)
class Draft:
    """A profile that is not written yet, checked.

    Attributes:
        text: of the file.
        settings: what it says beyond its head, with reasons.
        script: the sbatch script that comes of it; None where servers run here.
        sentences: what its user should know; one sentence each.
    """

    name: str
    text: str
    settings: tuple[Setting, ...]
    resolved: ResolvedProfile
    script: str | None
    sentences: tuple[str, ...]


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


def make_draft(
    ground: Ground, scene: Scene, name: str, answers: Mapping[str, object], said: Mapping[str, str]
) -> Draft:
    """Make a profile of answers, and check it as the loader would.

    Args:
        ground: what there is.
        scene: what the answers were given to.
        name: of the profile.
        answers: all of them, under their questions' keys.
        said: dotted path -> the flag that gave it, for messages.

    Raises:
        ConfigError: something is wrong; says all of it at once.
    """
    try:
        settings = chosen_settings(scene, answers)
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    values = {setting.key: setting.value for setting in settings}
    if (scene.base.values.get("mode") if scene.base else None) != scene.mode:
        values.setdefault("mode", scene.mode)
    profile, origins, template = _checked(ground, scene.base, values, said)
    if "description" not in values:
        values["description"] = _description(ground, scene, profile)
        profile = profile.model_copy(update={"description": values["description"]})
    written = {path: _as_toml(value, value_at(profile, path)) for path, value in values.items()}
    if scene.base:
        written["extends"] = scene.base.name
    facts = Facts(
        ground.project_dir, ground.home, name, Origin("flag", "--name", name), template, has_sbatch=True
    )
    resolved = resolve(profile, facts, origins=origins)
    return Draft(
        name=name,
        text=profile_text(
            schema_file("profile").as_uri(),
            _head(ground, scene),
            written,
            {each.key: each.why for each in settings},
        ),
        settings=settings,
        resolved=resolved,
        script=job_script(resolved) if resolved.mode == "slurm" else None,
        sentences=tuple(_sentences(ground, resolved)),
    )


def write_draft(ground: Ground, draft: Draft, *, replace_old: bool = False) -> tuple[Path, Path | None]:
    """Write a profile file that only its user can read.

    Returns:
        The file, and the copy of the one that it took the place of, if there was one.

    Raises:
        ConfigError: there is such a file already, and it is not to be replaced.
        CannotWrite: the system refused; the old file, if any, is as it was.
    """
    path = ground.file_of(draft.name)
    with writing(path):
        make_private_folder(path.parent)
        if replace_old and path.exists():
            backup = _keep(path)
            write_private(path, draft.text)
            return path, backup
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # nobody else's from here on
        except FileExistsError as error:
            raise ConfigError(
                [f"{ground.shown(path)} is there already; choose another name, or replace it"]
            ) from error
        try:
            write_private(path, draft.text)
        except BaseException:
            path.unlink()
            raise
    return path, None


def _keep(path: Path) -> Path:
    """Copy a file beside itself under a name that is free."""
    number = 1
    while (backup := path.with_name(f"{path.name}.bak{number if number > 1 else ''}")).exists():
        number += 1
    write_private(backup, path.read_text(encoding="utf-8", errors="surrogateescape"))
    return backup


def _mode(ground: Ground, base: Base | None, extra: Mapping[str, str]) -> Literal["slurm", "local"]:
    said = str(extra.get("mode") or (base.values.get("mode") if base else None) or "auto")
    if said == "local":
        return "local"
    return "slurm" if said == "slurm" or ground.cluster.has_slurm else "local"


def _base(ground: Ground, name: str) -> Base:
    problems: list[str] = []
    layers = _layers_of(ground, name, problems)
    profile, origins = merge(layers, home=ground.home, problems=problems)
    if problems or profile is None:
        raise ConfigError(problems)
    values = {
        path: value_at(profile, path)
        for path in (*setting_paths(), *(f"env.vars.{variable}" for variable in profile.env.vars))
        if path not in (*_ABOUT_ITSELF, "env.vars") and origins.of.get(path, Origin("built-in")).in_file
    }
    plain = {path: value for path, value in values.items() if value is not None}
    return Base(name, {path: _as_toml(value, value) for path, value in plain.items()}, profile.required or ())


def _layers_of(ground: Ground, name: str, problems: list[str]) -> list[Layer]:
    """Read a profile's chain, without what the new profile does not inherit."""
    chain = read_chain(name, ground.places, home=ground.home, said_by="--from")
    problems += chain.problems
    return [
        Layer({key: value for key, value in layer.values.items() if key not in NOT_INHERITED}, layer.origins)
        for layer in chain.layers
    ]


def _checked(
    ground: Ground, base: Base | None, values: Mapping[str, object], said: Mapping[str, str]
) -> tuple[Profile, Origins, str | None]:
    """Lay the values over the base, and check what comes of it."""
    nested: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for path, value in values.items():
        put(nested, path, list(value) if isinstance(value, tuple) else value)
        kind: Literal["flag", "built-in"] = "flag" if path in said else "built-in"
        origins[path] = Origin(kind, said.get(path, ""), str(value))
    problems: list[str] = []
    layers = [Layer(nested, origins), *(_layers_of(ground, base.name, problems) if base else ())]
    layers = [expand_users(layer, problems, home=ground.home) for layer in layers]
    profile, merged = merge(layers, home=ground.home, problems=problems)
    template = None
    if profile:
        template = read_template(profile, merged, ground.places.user.profiles, ground.home, problems)
    if problems or profile is None:
        raise ConfigError(problems)
    return profile, merged, template


def _as_toml(said: object, checked: Any) -> Any:
    """Return a value in the type in which TOML has it; the word `none` stays."""
    if isinstance(said, str) and takes_back("", said):
        return "none"
    if isinstance(checked, (bool, int, float, str)):
        return checked
    return list(checked) if isinstance(checked, (list, tuple)) else str(checked)


def _description(ground: Ground, scene: Scene, profile: Profile) -> str:
    if scene.mode == "local":
        return f"This machine ({ground.where})"
    kind = gpus_in_words(profile.slurm) or profile.slurm.constraint or "no GPU"
    return f"{ground.where}: {kind}".encode("utf-8", "replace").decode("utf-8")


def _head(ground: Ground, scene: Scene) -> list[str]:
    head = [f"Made by `jlab-mcp profile init` on {ground.where}."]
    if scene.base:
        head.append(f"What is not said here is as in the profile {scene.base.name}.")
    return [*head, "Change what you like: jlab-mcp does not rewrite this file."]


def _sentences(ground: Ground, resolved: ResolvedProfile) -> list[str]:
    """Say what keeps the profile from being all that counts."""
    sentences = []
    layer, _, _ = environment_layer(ground.environ)
    names = sorted(origin.where for path, origin in layer.origins.items() if origin.where)
    if names:
        sentences.append(f"set in your environment, and so before any profile: {', '.join(names)}")
    venv = resolved.venv
    if venv and not (venv / "bin" / "python").exists():
        sentences.append(f"there is no bin/python in {ground.shown(venv)}, as seen from this machine")
    return sentences


def undecided(draft: Draft) -> Sequence[str]:
    """Return the settings that the profile requires and nobody made."""
    return draft.resolved.missing
