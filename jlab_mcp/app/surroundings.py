"""What a server on this machine runs in: which Python, and what a shell prepares for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jlab_mcp.config.places import home_folder
from jlab_mcp.config.problems import place
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.scripting.launching import JobPaths
from jlab_mcp.core.scripting.local import interpreter_path, local_script, names_environment, needs_shell
from jlab_mcp.errors import ConfigError
from jlab_mcp.runners.bash import syntax_error
from jlab_mcp.runners.interpreter import Interpreter, choose_interpreter, named_interpreter
from jlab_mcp.storage.files import write_private, writing

if TYPE_CHECKING:
    from pathlib import Path

    from jlab_mcp.core.resolver import ResolvedProfile

_NO_EFFECT = ("template",)
"""What a local server does not heed."""


def local_interpreter(resolved: ResolvedProfile) -> Interpreter:
    """Return the Python that runs JupyterLab: the one that a setting names, else the project's, else our own.

    One that a shell has to prepare is looked at when it is there: a module may have to be loaded first.

    Raises:
        ConfigError: a setting names a virtual environment that is not there.
        StartFailed: it has no JupyterLab.
    """
    if needs_shell(resolved) and names_environment(resolved):
        return Interpreter(interpreter_path(resolved, resolved.project_dir), resolved.venv)
    if resolved.venv is not None:
        return named_interpreter(resolved.venv, setting_place(resolved, "env.venv"), os.environ)
    return choose_interpreter(resolved.project_dir, os.environ)


def write_script(
    resolved: ResolvedProfile, interpreter: Interpreter, launcher: Path, server_id: str
) -> Path | None:
    """Write the script that prepares the shell, beside the log; nothing where no shell is needed.

    Raises:
        ConfigError: a setting cannot be put into a script.
        CannotWrite: the folder of logs does not allow it.
    """
    if not needs_shell(resolved):
        return None
    for path, lines in (("env.prologue", resolved.env.prologue), ("env.epilogue", resolved.env.epilogue)):
        if error := syntax_error(lines or ""):
            raise ConfigError([f"{setting_place(resolved, path)}: bash cannot read it: {error}"])
    venv = interpreter.venv
    files = JobPaths(
        python=interpreter.path,
        launcher=launcher,
        connection_file=resolved.paths.connection_file,
        log_file=resolved.paths.log_file,
        venv=venv if venv and (venv / "bin" / "activate").exists() else None,
    )
    text = local_script(resolved, files, server_id, place=lambda path: setting_place(resolved, path))
    script = resolved.paths.log_file.with_suffix(".sh")
    with writing(script):
        write_private(script, text)
    return script


def without_effect(resolved: ResolvedProfile) -> list[str]:
    """Return the settings that were made and that a local server does not heed."""
    return [path for path in _NO_EFFECT if resolved.origins.get(path, BUILT_IN).kind != "built-in"]


def setting_place(resolved: ResolvedProfile, path: str) -> str:
    """Name a setting by the thing its user can change."""
    origin = resolved.origins.get(path, BUILT_IN)
    named = place(origin, path, home_folder(os.environ))
    return named if path in named else f"{named}: {path}"
