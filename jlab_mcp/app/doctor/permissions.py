"""Whether somebody else could change what runs as this user, or read the token of a server."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from typing import TYPE_CHECKING

from jlab_mcp.config.load import TRUSTED
from jlab_mcp.config.places import places
from jlab_mcp.config.profiles import toml_files
from jlab_mcp.core.checkup import Check, Finding, failed, fine
from jlab_mcp.core.words import listed
from jlab_mcp.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jlab_mcp.app.doctor.scene import Scene

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


async def _permissions(scene: Scene) -> Finding:
    """Check that nobody else can change what runs as this user, or read a server's token."""
    own = list(_own(scene))
    foreign = [path for path in own if path.stat().st_uid not in (os.geteuid(), 0)]
    open_ = [path for path in own if _others_may_write(path)]
    secret = [path for path in _with_tokens(scene) if path.stat().st_mode & _OTHERS]
    if foreign:
        return failed(
            f"{_of(scene, foreign)} belongs to {_owner(foreign[0])}, who can change what runs as you",
            code=ExitCode.CONFIG,
            fix="make it yours",
            command=_made_own(scene, foreign[0]),
        )
    if open_:
        return failed(
            f"{_of(scene, open_)} can be written by others, who can change what runs as you",
            code=ExitCode.CONFIG,
            fix="take that from them",
            command=f"chmod go-w {' '.join(map(scene.word, open_))}",
        )
    if secret:
        return failed(
            f"{_of(scene, secret)} can be read by others, and holds the token of a server",
            code=ExitCode.CONFIG,
            fix="close it, and restart the server, so that it has a new token",
            command=f"chmod go-rwx {' '.join(map(scene.word, secret))}",
        )
    looked = len(own) + len(list(_with_tokens(scene)))
    told = f"nobody else can write what runs as you, or read a token ({looked} files and folders)"
    return fine(told if looked else "there is nothing yet that others could read or write")


def _own(scene: Scene) -> Iterator[Path]:
    """Yield what there is that decides what runs as this user: settings, and jlab-mcp's own files."""
    try:
        user = places(scene.environ, scene.home).user
    except ConfigError:  # the check before this one tells of it
        found = []
    else:
        found = [
            user.folder,
            user.config_file,
            user.folder / TRUSTED,
            user.profiles,
            *toml_files(user.profiles),
        ]
    if scene.settings:
        state = scene.settings.state_dir
        found += [state, state / "node", scene.settings.connection_dir, scene.settings.log_dir]
    yield from dict.fromkeys(path for path in found if path.exists())


def _with_tokens(scene: Scene) -> Iterator[Path]:
    folder = scene.settings.connection_dir if scene.settings else None
    yield from folder.glob("*.connection.json") if folder and folder.is_dir() else ()


def _others_may_write(path: Path) -> bool:
    """Say whether others than its owner may write; a group that has nobody else in it is no other."""
    if path.is_symlink():
        path = path.resolve()
    said = path.stat()
    if stat.S_ISDIR(said.st_mode) and said.st_mode & stat.S_ISVTX:
        return False  # as in /tmp, nobody can take another one's files away
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


def _made_own(scene: Scene, path: Path) -> str:
    """Return the command that makes a file or folder the user's own: a copy takes its place."""
    own, copied, old = (scene.word(path.with_name(path.name + end)) for end in ("", ".mine", ".theirs"))
    return f"cp -r {own} {copied} && mv {own} {old} && mv {copied} {own}"


def _of(scene: Scene, paths: list[Path]) -> str:
    return listed([scene.shown(path) for path in paths], most=3)


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"


CHECK: Check[Scene] = Check("permissions", "permissions", _permissions)
