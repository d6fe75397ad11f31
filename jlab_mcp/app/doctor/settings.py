"""Settings files, the profile in use, what it leaves to its user, and whether the project's file counts."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from jlab_mcp.app.complete import missing_settings
from jlab_mcp.app.doctor import permissions
from jlab_mcp.app.doctor.mending import edit_command, variable_command
from jlab_mcp.app.profiles.chosen import chosen_by
from jlab_mcp.app.profiles.trust import withheld
from jlab_mcp.app.profiles.validating import validate
from jlab_mcp.config.places import PROJECT_FILE, places
from jlab_mcp.config.problems import place
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.chosen import chosen_how
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.slurm.instead import instead
from jlab_mcp.core.words import listed
from jlab_mcp.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene

_CLOSED_FOLDER = re.compile(r"cannot use the folder of your settings (.*): Permission denied")
_MOST = 8
"""Problems that are told; `jlab-mcp profile validate` has all."""


async def _files(scene: Scene) -> Finding:
    """Check every settings file of the user and the project for what is wrong with it."""
    try:
        where = places(scene.environ, scene.home)
    except ConfigError as error:
        return _closed(error)
    checked = validate(project_dir=scene.project_dir, environ=scene.environ)
    problems = list(dict.fromkeys(problem for file in checked.files for problem in file.problems))
    files = [file.path for file in checked.files]
    if not problems:
        shown = listed([scene.shown(path) for path in files], most=4)
        nowhere = f"there are none, neither in {scene.shown(where.user.folder)} nor in the project"
        return fine(shown or nowhere)
    closed = [scene.word(path) for path in files if path.is_file() and not os.access(path, os.R_OK)]
    if closed:
        fix, command = "let yourself read it", f"chmod u+r {' '.join(closed)}"
    else:
        fix, command = "mend that line", edit_command(scene, problems[0]) or "jlab-mcp profile validate"
    return failed(problems[0], *problems[1:_MOST], code=ExitCode.CONFIG, fix=fix, command=command)


def _closed(error: ConfigError) -> Finding:
    """Tell that the folder of the user's settings cannot be looked into."""
    found = _CLOSED_FOLDER.fullmatch(error.message)
    command = f"chmod u+rwx {shlex.quote(found[1])}" if found else ""
    return failed(error.message, code=error.exit_code, fix="open it for yourself", command=command)


async def _profile(scene: Scene) -> Finding:
    """Say which profile is used and why, or what keeps it from being used."""
    if scene.problem is not None:
        return _unusable(scene, scene.problem)
    found = _in_use(scene)
    warnings = [warning for warning in scene.resolved.warnings if "is not trusted" not in warning]
    if not warnings:
        return fine(found)
    choose = any(warning.startswith("several profiles fit") for warning in warnings)
    unknown = [name for name in scene.environ if any(said.startswith(f"{name} is not") for said in warnings)]
    return doubtful(
        found,
        *warnings,
        fix="choose one for good" if choose else "take it back" if unknown else "",
        command="jlab-mcp profile use NAME" if choose else shlex.join(["unset", *unknown]) if unknown else "",
    )


def _in_use(scene: Scene) -> str:
    """Say which profile is in use, what chose it, and where its servers run and why."""
    resolved = scene.resolved
    by = chosen_by(resolved.chosen_by, scene.home)
    if resolved.is_profile:
        name = f"{resolved.name}, {chosen_how(by or '')}"
    else:
        name = f"none, {chosen_how(by)}" if by else "none is chosen, and none fits this machine"
    mode = resolved.origins.get("mode")
    why = "" if mode is None or mode == BUILT_IN else place(mode, "mode", scene.home)
    if mode is not None and mode.kind == "built-in":
        why = mode.where
    runs = "in SLURM jobs" if resolved.mode == "slurm" else "on this machine"
    return f"{name}; servers run {runs}{f' ({why})' if why else ''}"


async def _required(scene: Scene) -> Finding:
    """Look for settings that the profile leaves to its user, and for values that the cluster would take."""
    resolved = scene.resolved
    if not resolved.missing:
        return fine("all that the profile leaves to you is set")
    cluster = await scene.cluster() if resolved.mode == "slurm" else None
    values = {
        path: (instead(path.rpartition(".")[2], resolved.slurm, cluster) if cluster else None) or "VALUE"
        for path in resolved.missing
    }
    open_ = "VALUE" in values.values()
    return failed(
        missing_settings(resolved)[0],
        *missing_settings(resolved)[1:],
        code=ExitCode.CONFIG,
        fix="put your own value in place of VALUE" if open_ else "the cluster has this for you",
        command=" && ".join(variable_command(path, value) for path, value in values.items()),
    )


def _unusable(scene: Scene, error: ConfigError) -> Finding:
    first = error.problems[0] if error.problems else error.message
    unknown = "there is no profile" in first
    variable = next((name for name in scene.environ if first.startswith(f"{name}: ")), "")
    command = edit_command(scene, first) or (f"unset {variable}" if variable else "")
    return failed(
        first,
        *error.problems[1:_MOST],
        code=error.exit_code,
        fix="see which there are" if unknown else "mend that setting" if command else "",
        command="jlab-mcp profile list" if unknown else command,
    )


async def _trust(scene: Scene) -> Finding:
    """Say whether the project's own settings count."""
    file = scene.project_dir / PROJECT_FILE
    if not file.exists():
        return fine("the project has no settings file of its own")
    if keys := withheld(file, scene.environ):
        return doubtful(
            f"{scene.shown(file)} is not trusted, so this of it is ignored: {listed(keys)}",
            fix="read the file, then trust it",
            command=f"cat {scene.word(file)} && jlab-mcp config trust",
        )
    return fine(f"{scene.shown(file)} counts whole")


CHECKS: tuple[Check[Scene], ...] = (
    Check("settings-files", "settings files", _files),
    permissions.CHECK,
    Check("profile", "profile", _profile),
    Check("required", "required settings", _required, needs=("profile",)),
    Check("trust", "project settings", _trust),
)
