"""Commands that mend: one setting changed where it was set."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.config.environment import variables
from jlab_mcp.config.places import PROJECT_FILE, places
from jlab_mcp.config.tomlfile import lines_of
from jlab_mcp.core.editing.tomltext import toml_value
from jlab_mcp.core.resolver import BUILT_IN

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene


def set_command(scene: Scene, path: str, value: str) -> str:
    """Return the command that gives a setting a value: in the line of the user's file that sets it now.

    What a variable sets is set by that variable again; for what a site's or a shipped profile sets, a profile
    of the user's own takes its place, and without a profile the variable serves.
    """
    resolved = scene.resolved
    origin = resolved.origins.get(path, BUILT_IN)
    if origin.kind == "variable":
        return f"export {origin.where}={shlex.quote(value)}"
    if origin.in_file and (line := _own_line(scene, Path(origin.where), path)):
        file = scene.word(Path(origin.where))
        key = path.rpartition(".")[2]
        changed = shlex.quote(f"{line}c {key} = {toml_value(value)}".replace("\\", "\\\\"))
        trusted = " && jlab-mcp config trust" if Path(origin.where).name == PROJECT_FILE else ""
        return f"sed -i {changed} {file}{trusted}"
    return variable_command(path, value)


def variable_command(path: str, value: str) -> str:
    """Return the command that sets a setting's variable for this shell."""
    name = next((name for name, setting in variables().items() if setting == path), None)
    published = [name for name, setting in variables().items() if setting == path]
    name = min(published, key=len) if published else name
    return f"export {name}={shlex.quote(value)}" if name else ""


def edit_command(scene: Scene, problem: str) -> str:
    """Return the command that opens the file that a sentence begins with, at its line; empty without one."""
    match = re.match(r"(?P<file>(?:~|/)[^:]*)(?::(?P<line>\d+))?: ", problem)
    if match is None:
        return ""
    text = match["file"]
    path = scene.home / text[2:] if text.startswith("~/") else Path(text)
    if not path.is_file() or not os.access(path, os.W_OK):
        return ""
    at = f"+{match['line']} " if match["line"] else ""
    return f"${{EDITOR:-vi}} {at}{scene.word(path)}"


def _own_line(scene: Scene, file: Path, path: str) -> int | None:
    """Return the line of a file of the user's that sets this and nothing else; None where there is none."""
    user = places(scene.environ, scene.home).user.folder
    if not (file.is_relative_to(user) or file.is_relative_to(scene.project_dir)):
        return None
    number = lines_of(file).get(path)
    if number is None or not os.access(file, os.W_OK):
        return None
    line = file.read_text(encoding="utf-8").split("\n")[number - 1]
    key = re.escape(path.rpartition(".")[2])
    return number if re.fullmatch(rf"\s*{key}\s*=\s*(\"[^\"]*\"|'[^']*'|[\w.+-]+)\s*(#.*)?", line) else None
