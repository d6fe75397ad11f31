"""Settings files, who may write them, the profile in use, and whether the project's own file counts."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.complete import missing_settings
from jlab_mcp.app.doctor.mending import edit_command, variable_command
from jlab_mcp.app.profiles.chosen import chosen_by
from jlab_mcp.app.profiles.trust import withheld
from jlab_mcp.app.profiles.validating import validate
from jlab_mcp.config.load import TRUSTED
from jlab_mcp.config.places import PROJECT_FILE, places
from jlab_mcp.config.problems import place
from jlab_mcp.config.profiles import toml_files
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.chosen import chosen_how
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.slurm.instead import instead
from jlab_mcp.core.words import listed
from jlab_mcp.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jlab_mcp.app.doctor.scene import Scene

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST = 8
"""Problems that are told; `jlab-mcp profile validate` has all."""


async def _files(scene: Scene) -> Finding:
    """Check every settings file of the user and the project for what is wrong with it."""
    where = places(scene.environ, scene.home)
    checked = validate(project_dir=scene.project_dir, environ=scene.environ)
    problems = [problem for file in checked.files for problem in file.problems]
    problems = list(dict.fromkeys(problems))
    if problems:
        first = problems[0]
        return failed(
            first,
            *problems[1:_MOST],
            code=ExitCode.CONFIG,
            fix="mend that line",
            command=_readable(problems, checked.files)
            or edit_command(scene, first)
            or "jlab-mcp profile validate",
        )
    if not checked.files:
        return fine(f"there are none, neither in {scene.shown(where.user.folder)} nor in the project")
    return fine(listed([scene.shown(file.path) for file in checked.files], most=4))


def _readable(problems: Iterable[str], files: Iterable[object]) -> str:
    """Return the command that lets the user read files that cannot be read."""
    paths = [getattr(file, "path", None) for file in files]
    closed = [
        str(path)
        for path in paths
        if isinstance(path, Path) and path.is_file() and not os.access(path, os.R_OK)
    ]
    is_it = any("cannot be read: Permission denied" in problem for problem in problems)
    return f"chmod u+r {shlex.join(closed)}" if closed and is_it else ""


async def _permissions(scene: Scene) -> Finding:
    """Check that nobody else can change what runs as this user, or read a server's token."""
    where = places(scene.environ, scene.home)
    own = [where.user.folder, where.user.config_file, where.user.folder / TRUSTED, where.user.profiles]
    own = [path for path in (*own, *toml_files(where.user.profiles)) if path.exists()]
    foreign = [path for path in own if path.stat().st_uid not in (os.geteuid(), 0)]
    open_ = [path for path in own if _others_may_write(path)]
    secret = [path for path in _with_tokens(scene) if path.stat().st_mode & _OTHERS]
    if foreign:
        return failed(
            f"{_of(scene, foreign)} belongs to {_owner(foreign[0])}, who can change what runs as you",
            code=ExitCode.CONFIG,
            fix="make it yours",
            command=_made_own(foreign[0]),
        )
    if open_:
        return failed(
            f"{_of(scene, open_)} can be written by others, who can change what runs as you",
            code=ExitCode.CONFIG,
            fix="take that from them",
            command=f"chmod go-w {shlex.join(map(str, open_))}",
        )
    if secret:
        return failed(
            f"{_of(scene, secret)} can be read by others, and holds the token of a server",
            code=ExitCode.CONFIG,
            fix="close it, and restart the server, so that it has a new token",
            command=f"chmod go-rwx {shlex.join(map(str, secret))}",
        )
    looked = len(own) + len(list(_with_tokens(scene)))
    return fine(
        f"nobody else can write your settings or read a token ({looked} files and folders)"
        if looked
        else "there is nothing yet that others could read or write"
    )


def _with_tokens(scene: Scene) -> Iterator[Path]:
    folder = scene.settings.connection_dir if scene.settings else None
    yield from folder.glob("*.connection.json") if folder and folder.is_dir() else ()


def _others_may_write(path: Path) -> bool:
    """Say whether others than its owner may write; a group that has nobody else in it is no other."""
    if path.is_symlink():
        path = path.resolve()
    said = path.stat()
    if said.st_mode & stat.S_IWOTH:
        return True
    return bool(said.st_mode & stat.S_IWGRP) and not _is_private_group(said.st_gid, said.st_uid)


def _is_private_group(gid: int, uid: int) -> bool:
    """Say whether a group is one user's alone, as most Linux systems give to each user."""
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(uid)
    except KeyError:
        return False
    return gid == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _made_own(path: Path) -> str:
    """Return the command that makes a file or folder the user's own: a copy takes its place."""
    own, copied = shlex.quote(str(path)), shlex.quote(f"{path}.mine")
    return f"cp -r {own} {copied} && mv {own} {shlex.quote(f'{path}.theirs')} && mv {copied} {own}"


def _of(scene: Scene, paths: list[Path]) -> str:
    return listed([scene.shown(path) for path in paths], most=3)


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


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
            command=f"cat {shlex.quote(str(file))} && jlab-mcp config trust",
        )
    return fine(f"{scene.shown(file)} counts whole")


CHECKS: tuple[Check[Scene], ...] = (
    Check("settings-files", "settings files", _files),
    Check("permissions", "permissions", _permissions),
    Check("profile", "profile", _profile),
    Check("required", "required settings", _required, needs=("profile",)),
    Check("trust", "project settings", _trust),
)
