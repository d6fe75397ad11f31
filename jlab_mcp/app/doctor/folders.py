"""Folders that a server writes to: from here, and, as far as that can be told, from a node."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.doctor.mending import set_command
from jlab_mcp.config.problems import place
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.mounts import mount_of, reach
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.words import bytes_in_words
from jlab_mcp.errors import ExitCode
from jlab_mcp.storage.trial import try_folder

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.storage.trial import Trial

_LITTLE = 200_000_000
"""Free bytes below which a warning is due: notebooks, journals and logs go on growing."""
_SETTINGS = {
    "log": ("paths.log_dir", "~/.jlab-mcp/logs"),
    "connection": ("paths.connection_dir", "~/.jlab-mcp/connections"),
    "own": ("paths.dir", "~/.jlab-mcp"),
    "notebook": ("notebook.dir", "notebooks"),
}
"""Kind of folder -> the setting that names it, and what it usually is."""
_PROJECT = "project"


def _folders(scene: Scene) -> dict[str, Path]:
    """Return kind -> path of all that a server writes to; the project's is where it starts."""
    resolved = scene.resolved
    return {
        _PROJECT: resolved.project_dir,
        "log": resolved.log_dir,
        "connection": resolved.connection_dir,
        "own": resolved.state_dir,
        "notebook": resolved.notebook_dir,
    }


async def _writable(scene: Scene) -> Finding:
    """Write to each folder what is gone again at once."""
    folders = {kind: folder for kind, folder in _folders(scene).items() if kind != _PROJECT}
    tried = {kind: try_folder(folder) for kind, folder in folders.items()}
    for kind, trial in tried.items():
        if trial.refusal:
            return _refused(scene, kind, trial)
    free = min((trial.free for trial in tried.values() if trial.free is not None), default=None)
    shown = ", ".join(scene.shown(folders[kind]) for kind in ("own", "log", "notebook"))
    room = "" if free is None else f", {bytes_in_words(free)} free"
    if free is not None and free < _LITTLE:
        return doubtful(
            f"{shown} can be written, but only {bytes_in_words(free)} are free",
            fix="see what takes the room",
            command=_see_sizes(scene),
        )
    return fine(f"{shown} can be written{room}")


def _refused(scene: Scene, kind: str, trial: Trial) -> Finding:
    folder = _folders(scene)[kind]
    if trial.is_full:
        return failed(
            f"{_named(scene, kind)} cannot be written: {trial.refusal}",
            code=ExitCode.CANNOT_WRITE,
            fix="make room; see what takes it",
            command=_see_sizes(scene),
        )
    culprit = "" if trial.folder == folder else f" {scene.shown(trial.folder)}:"
    return failed(
        f"{_named(scene, kind)} cannot be written:{culprit} {(trial.refusal or '').lower()}",
        code=ExitCode.CANNOT_WRITE,
        fix="name a folder that you can write to",
        command=_usual(scene, kind),
    )


async def _from_node(scene: Scene) -> Finding:
    """Say whether a job on a node sees the folders: a job has looked, or the mounts of this host tell."""
    if seen := await scene.node():
        return _seen(scene, seen["folders"], seen["hostname"])
    systems: dict[str, str] = {}
    doubts: list[str] = []
    for kind, folder in _folders(scene).items():
        real = folder.resolve()
        mount = mount_of(real, scene.mounts)
        systems[kind] = mount.kind if mount else "unknown"
        who = reach(real, mount)
        if who == "private":
            return failed(
                f"{_named(scene, kind)} is this host's own ({systems[kind]}): nodes have another one of that"
                " name, or none, so what a job writes is never seen here",
                code=ExitCode.CANNOT_WRITE,
                **_moved(scene, kind),
            )
        doubts += [kind] if who == "unknown" else []
    if doubts:
        return doubtful(
            f"{_named(scene, doubts[0])} is on a disk of this host ({systems[doubts[0]]}); whether the nodes"
            " share it cannot be told from here",
            fix="let a job of seconds look from a node",
            command=f"jlab-mcp doctor --on-node{scene.flag}",
        )
    return fine(
        f"they are on {', '.join(sorted(set(systems.values())))}, which hosts share as a rule; not tried"
        f" from a node: `jlab-mcp doctor --on-node{scene.flag}` does that"
    )


def _seen(scene: Scene, told: dict[str, str], node: str) -> Finding:
    for kind, why in told.items():
        if why and kind in _SETTINGS:
            return failed(
                f"{_named(scene, kind)} cannot be written from {node}: {why}",
                code=ExitCode.CANNOT_WRITE,
                **_moved(scene, kind),
            )
    return fine(f"a job on {node} has written to all of them, and it was seen here")


def _moved(scene: Scene, kind: str) -> dict[str, str]:
    """Return what puts a folder where nodes see it, in words and as a command."""
    project = scene.resolved.project_dir
    # The notebooks of a project usually lie in it, and then move with it.
    if kind == _PROJECT or (kind == "notebook" and _folders(scene)[kind].is_relative_to(project)):
        target = shlex.quote(project.name)
        return {
            "fix": "keep the project where the nodes see it, such as in your home",
            "command": f"cp -a {shlex.quote(str(project))} ~/{target} && cd ~/{target}",
        }
    return {
        "fix": "name a folder that the nodes share, such as one in your home",
        "command": _usual(scene, kind),
    }


def _named(scene: Scene, kind: str) -> str:
    """Call a folder by its kind, its path, and where it was named: by its own setting, or by that of all."""
    named = f"the {kind} folder {scene.shown(_folders(scene)[kind])}"
    for path in (_SETTINGS[kind][0], "paths.dir") if kind in _SETTINGS else ():
        origin = scene.resolved.origins.get(path, BUILT_IN)
        if origin.kind != "built-in" and (path != "paths.dir" or kind != "notebook"):
            return f"{named} ({place(origin, path, scene.home)})"
    return named


def _usual(scene: Scene, kind: str) -> str:
    """Return the command that puts the folder where it usually is."""
    path, usual = _SETTINGS[kind]
    if kind != "notebook" and scene.resolved.origins.get(path, BUILT_IN).kind == "built-in":
        path, usual = _SETTINGS["own"]
    if Path(usual).parts[0] == "~" and _folders(scene)[kind] == scene.home.joinpath(*Path(usual).parts[1:]):
        usual = str(Path(usual).with_name("jlab-mcp-data"))  # the usual one is the one at fault
    return set_command(scene, path, usual)


def _see_sizes(scene: Scene) -> str:
    return f"du -xsh {shlex.quote(str(scene.home))}/* | sort -h"


HERE: Check[Scene] = Check("folders", "folders", _writable, needs=("profile",))
ON_NODES: Check[Scene] = Check(
    "folders-on-node", "folders on nodes", _from_node, needs=("folders", "node"), of_slurm=True
)
