"""The sbatch script of a server: one pure function, every value quoted, no secret.

`#SBATCH` lines are not shell: sbatch reads them itself, with a backslash as its one reliable quote. What
follows them is bash, quoted by `shlex`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.core.command import launcher_arguments
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jlab_mcp.core.resolver import ResolvedProfile

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN = re.compile(r"[A-Za-z0-9_./:,=@+-]")


@dataclass(frozen=True, slots=True)
class JobPaths:
    """Files a job needs on the cluster; all absolute.

    Attributes:
        python: interpreter that has JupyterLab.
        launcher: the node service's launcher.
        connection_file: where the node service writes how to reach it.
        log_file: where the job's output goes.
    """

    python: Path
    launcher: Path
    connection_file: Path
    log_file: Path


def render_script(resolved: ResolvedProfile, job: JobPaths, *, server_id: str | None = None) -> str:
    """Return the text of the script that sbatch is given.

    Args:
        resolved: what to ask for, and where the project is.
        job: the job's files.
        server_id: the launch's id; left out of the script if None.

    Raises:
        ConfigError: a path holds a control character.
    """
    lines = [
        "#!/bin/bash -l",
        *(f"#SBATCH {directive}" for directive in directives(resolved, job)),
        "",
        *_prepare(resolved),
        "",
        _launch(resolved, job, server_id),
    ]
    return "\n".join(lines) + "\n"


def directives(resolved: ResolvedProfile, job: JobPaths) -> list[str]:
    """Return sbatch's options as `--opt=value`, quoted for an `#SBATCH` line; unset values give none."""
    slurm = resolved.slurm
    asked = {
        "--job-name": f"jlab-mcp-{resolved.paths.key}",
        "--partition": slurm.partition,
        "--gres": slurm.gres,
        "--cpus-per-task": slurm.cpus_per_task,
        "--mem": slurm.mem,
        "--time": slurm.time,
        "--chdir": resolved.project_dir,
        "--output": str(job.log_file).replace("%", "%%"),  # a % would start one of sbatch's patterns
    }
    return [f"{option}={_escape(str(value))}" for option, value in asked.items() if value is not None]


def _escape(value: str) -> str:
    """Quote a value for an `#SBATCH` line; a control character has no quote there."""
    if _CONTROL.search(value):
        raise ConfigError([f"{value!r} holds a control character, which a SLURM job cannot be given"])
    return "".join(char if _PLAIN.match(char) or ord(char) > 127 else f"\\{char}" for char in value)  # noqa: PLR2004


def _prepare(resolved: ResolvedProfile) -> Iterator[str]:
    """Yield the lines that set the shell up; each failure ends the job with a sentence in its log."""
    folder = shlex.quote(str(resolved.project_dir))
    yield f"cd -- {folder} || {_give_up(f'cannot enter the project folder {resolved.project_dir}')}"
    for module in resolved.env.modules or ():
        yield f"module load {shlex.quote(module)} || {_give_up(f'cannot load the module {module}')}"
    yield "unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE"


def _give_up(message: str) -> str:
    return f"{{ echo {shlex.quote(f'jlab-mcp: {message}')} >&2; exit 1; }}"


def _launch(resolved: ResolvedProfile, job: JobPaths, server_id: str | None) -> str:
    """Return the launcher's command line, which takes the shell's place so that signals reach it."""
    arguments = launcher_arguments(
        connection_file=job.connection_file,
        project_dir=resolved.project_dir,
        notebook_dir=resolved.notebook_dir,
        bind_ip=resolved.bind_ip,
        ports=(resolved.port_min, resolved.port_max),
        profile=resolved.name,
        server_id=server_id,
    )
    words = [shlex.quote(str(job.python)), shlex.quote(str(job.launcher)), *map(shlex.quote, arguments)]
    return " \\\n    ".join(["exec " + " ".join(words[:2]), *words[2:], '--job-id="$SLURM_JOB_ID"'])
