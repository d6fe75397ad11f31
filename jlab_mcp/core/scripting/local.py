"""The script of a server on this machine whose profile prepares its shell: a job's, without SLURM's part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.core.scripting.fitness import problems_of_settings
from jlab_mcp.core.scripting.launching import JobPaths, launch
from jlab_mcp.core.scripting.preparation import conda_folder, preparation
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jlab_mcp.core.resolver import ResolvedProfile


def needs_shell(resolved: ResolvedProfile) -> bool:
    """Say whether a shell has to prepare the server: variables and a virtual environment need none."""
    env = resolved.env
    asked = (env.prologue, env.module_purge, env.modules, env.conda, env.container, env.epilogue)
    return any(asked)


def names_environment(resolved: ResolvedProfile) -> bool:
    """Say whether the profile itself says which environment JupyterLab is in."""
    return bool(resolved.venv or resolved.env.conda or resolved.env.container)


def local_script(
    resolved: ResolvedProfile, files: JobPaths, server_id: str, *, place: Callable[[str], str]
) -> str:
    """Return the script, which takes its server's place unless there is an epilogue.

    Args:
        resolved: the settings.
        files: what is launched, and the server's files.
        server_id: the launch's id.
        place: names the setting of a dotted path, for the beginning of a sentence.

    Raises:
        ConfigError: a setting of `[env]` cannot be put into a script; says all of it at once.
    """
    found = [
        f"{place(path)}: {sentence}"
        for path, sentence in problems_of_settings(resolved)
        if path.startswith("env.")
    ]
    if found:
        raise ConfigError(found)
    venv = resolved.venv or (None if resolved.env.conda or resolved.env.container else files.venv)
    lines = [*preparation(resolved, venv), "", *launch(resolved, files, venv, server_id, in_job=False)]
    return "\n".join(["#!/bin/bash -l", *lines]) + "\n"


def interpreter_path(resolved: ResolvedProfile, otherwise: Path) -> Path:
    """Return the interpreter that the script runs, as far as its path is known beforehand."""
    if resolved.venv:
        return resolved.venv / "bin" / "python"
    folder = conda_folder(resolved)
    if folder is not None and not folder.startswith("~"):
        return Path(folder) / "bin" / "python"
    return Path("python3") if resolved.env.conda or resolved.env.container else otherwise
