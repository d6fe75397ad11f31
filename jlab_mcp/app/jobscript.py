"""The job that `start` would submit, without submitting it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.config.places import home_folder
from jlab_mcp.config.problems import place
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.script import JobPaths, render_script, script_problems
from jlab_mcp.core.slurm.sbatch import submit_environment, unused_variables
from jlab_mcp.errors import ConfigError
from jlab_mcp.runners.bash import syntax_error
from jlab_mcp.runners.interpreter import Interpreter
from jlab_mcp.storage.nodefiles import launcher_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.core.resolver import ResolvedProfile


@dataclass(frozen=True, slots=True)
class Submission:
    """What sbatch is given.

    Attributes:
        script: the job.
        environ: its environment.
        removed: names of variables that are left out of the environment.
        notes: one sentence each for the user about variables that a setting should say.
    """

    script: str
    environ: Mapping[str, str]
    removed: tuple[str, ...]
    notes: tuple[str, ...]


def submission(
    resolved: ResolvedProfile,
    environ: Mapping[str, str] | None = None,
    *,
    server_id: str | None = None,
    interpreter: Interpreter | None = None,
) -> Submission:
    """Return what sbatch would be given; creates nothing on disk.

    Args:
        resolved: what to ask for.
        environ: the environment; the process's own if None.
        server_id: the launch's id, which makes the job's name unique.
        interpreter: what runs JupyterLab; else the project's or this program's Python.

    Raises:
        ConfigError: no script can be made of these settings; says all that is wrong at once.
    """
    environ = os.environ if environ is None else environ
    kept, removed = submit_environment(environ)
    return Submission(
        script=job_script(resolved, server_id=server_id, interpreter=interpreter),
        environ=kept,
        removed=tuple(removed),
        notes=tuple(unused_variables(resolved, environ)),
    )


def job_script(
    resolved: ResolvedProfile, *, server_id: str | None = None, interpreter: Interpreter | None = None
) -> str:
    """Return the sbatch script of a project and profile; creates nothing on disk.

    Raises:
        ConfigError: no script can be made of these settings; says all that is wrong at once.
    """
    if problems := job_problems(resolved):
        raise ConfigError(problems)
    return render_script(resolved, _paths(resolved, interpreter), server_id=server_id)


def job_problems(resolved: ResolvedProfile, *, home: Path | None = None) -> list[str]:
    """Say in one sentence each why no script can be made of these settings; bash reads their lines of bash.

    Args:
        resolved: the settings.
        home: the user's home, to show paths in short.
    """
    shown_from = home or home_folder(os.environ)
    problems = script_problems(resolved, place=lambda origin, path: place(origin, path, shown_from))
    for path, lines in (("env.prologue", resolved.env.prologue), ("env.epilogue", resolved.env.epilogue)):
        if error := syntax_error(lines or ""):
            where = place(resolved.origins.get(path, BUILT_IN), path, shown_from)
            problems.append(f"{where}: bash cannot read it: {error}")
    return problems


def _paths(resolved: ResolvedProfile, interpreter: Interpreter | None) -> JobPaths:
    """Return the job's files; without a named environment, with the project's or this program's Python."""
    own = resolved.project_dir / ".venv"
    python = own / "bin" / "python"
    if interpreter is None:
        interpreter = Interpreter(python, own) if python.exists() else Interpreter(Path(sys.executable), None)
    venv = interpreter.venv
    return JobPaths(
        python=interpreter.path,
        launcher=launcher_path(resolved.state_dir),
        connection_file=resolved.paths.connection_file,
        log_file=resolved.paths.log_file,
        venv=venv if venv and (venv / "bin" / "activate").exists() else None,
    )
