"""Use case: make a new profile. Check a draft with the loader's own means, and write it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jlab_mcp.app.blame import naming_the_users_folder
from jlab_mcp.app.jobscript import job_script
from jlab_mcp.app.profiles.ground import as_toml, layers_of
from jlab_mcp.config.environment import environment_layer
from jlab_mcp.config.homes import expand_users
from jlab_mcp.config.layers import put
from jlab_mcp.config.load import read_template
from jlab_mcp.config.places import schema_file
from jlab_mcp.config.settings import merge
from jlab_mcp.core.drafting.draft import profile_text
from jlab_mcp.core.drafting.interview import chosen_settings
from jlab_mcp.core.gpus import gpus_in_words
from jlab_mcp.core.resolver import Facts, Layer, Origin, resolve, value_at
from jlab_mcp.errors import ConfigError
from jlab_mcp.storage.files import make_private_folder, write_private, writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.app.profiles.ground import Ground
    from jlab_mcp.core.drafting.extending import Base
    from jlab_mcp.core.drafting.interview import Scene
    from jlab_mcp.core.profile import Profile
    from jlab_mcp.core.proposal import Setting
    from jlab_mcp.core.resolver import Origins, ResolvedProfile


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
    written = {path: as_toml(value, value_at(profile, path)) for path, value in values.items()}
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
    with naming_the_users_folder(path.parent.parent), writing(path):
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
    layers = [Layer(nested, origins), *(layers_of(ground, base.name, problems) if base else ())]
    layers = [expand_users(layer, problems, home=ground.home) for layer in layers]
    profile, merged = merge(layers, home=ground.home, problems=problems)
    template = None
    if profile:
        template = read_template(profile, merged, ground.places.user.profiles, ground.home, problems)
    if problems or profile is None:
        raise ConfigError(problems)
    return profile, merged, template


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
