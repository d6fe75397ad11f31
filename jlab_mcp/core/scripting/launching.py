"""The lines of a job's script that run the launcher, and what is done after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.core.command import launcher_arguments
from jlab_mcp.core.scripting.bash import give_up, path_word, word
from jlab_mcp.core.scripting.container import container_words, find_runtime
from jlab_mcp.core.scripting.preparation import conda_folder, whole_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jlab_mcp.core.resolver import ResolvedProfile


@dataclass(frozen=True, slots=True)
class JobPaths:
    """Files a job needs on the cluster; all absolute.

    Attributes:
        python: interpreter that has JupyterLab, where the profile names no environment.
        launcher: the node service's launcher.
        connection_file: where the node service writes how to reach it.
        log_file: where the job's output goes.
        venv: virtual environment of `python`, to be activated; None if there is nothing to activate.
    """

    python: Path
    launcher: Path
    connection_file: Path
    log_file: Path
    venv: Path | None = None


def launch(
    resolved: ResolvedProfile,
    job: JobPaths,
    venv: Path | None,
    server_id: str | None,
    *,
    in_job: bool = True,
) -> Iterator[str]:
    """Yield the lines that run the launcher until it ends.

    Args:
        resolved: the settings.
        job: the job's files.
        venv: virtual environment that was activated, if any.
        server_id: the launch's id, if it has one.
        in_job: whether SLURM runs it, and gives it a job id.
    """
    named = _named_python(resolved, venv)
    if resolved.env.container:
        yield from find_runtime(resolved)
        program = named or "python3"
    else:
        program = named or word(str(job.python))
        yield f"[ -x {program} ] || {give_up(f'run {_shown(resolved, venv, job.python)}: it is not there')}"
        if named is None:
            yield f'export PATH={word(str(job.python.parent))}:"$PATH"'
    rows = [" ".join(container_words(resolved)), f"{program} {word(str(job.launcher))}"]
    rows += _arguments(resolved, job, server_id, in_job=in_job)
    command = " \\\n    ".join(row for row in rows if row)
    if resolved.env.epilogue:
        yield from _with_epilogue(command, resolved.env.epilogue)
    else:
        yield f"exec {command}"


def _named_python(resolved: ResolvedProfile, venv: Path | None) -> str | None:
    """Return the word that runs the interpreter of the environment in use, if there is one."""
    if venv:
        return word(f"{venv}/bin/python")
    if folder := conda_folder(resolved):
        return path_word(f"{folder}/bin/python")
    return '"$CONDA_PREFIX/bin/python"' if resolved.env.conda else None


def _shown(resolved: ResolvedProfile, venv: Path | None, python: Path) -> str:
    if venv:
        return f"{venv}/bin/python"
    if resolved.env.conda:
        return f"bin/python of the conda environment {resolved.env.conda}"
    return str(python)


def _arguments(resolved: ResolvedProfile, job: JobPaths, server_id: str | None, *, in_job: bool) -> list[str]:
    arguments = launcher_arguments(
        connection_file=job.connection_file,
        project_dir=resolved.project_dir,
        notebook_dir=resolved.notebook_dir,
        bind_ip=resolved.bind_ip,
        ports=(resolved.port_min, resolved.port_max),
        profile=resolved.name,
        server_id=server_id,
        interface=resolved.interface,
        idle_timeout=resolved.profile.server.idle_timeout,
        spare_kernels=resolved.profile.server.spare_kernels,
    )
    return [*map(word, arguments), *(_OF_JOB if in_job else [])]


_OF_JOB = ('--job-id="$SLURM_JOB_ID"', '--restarts="${SLURM_RESTART_COUNT:-0}"')


def _with_epilogue(command: str, epilogue: str) -> Iterator[str]:
    """Run the launcher beside the shell, hand it the signals that the shell gets, and clean up after it.

    `wait` returns at each signal, so it is called until it returned for another reason. The epilogue
    cannot change the exit status, which is the launcher's.
    """
    yield from _PASS_SIGNALS_ON
    yield from ("(", f"    trap - {' '.join(_SIGNALS)}", f"    exec {command}", ") &")
    yield from _WAIT
    yield from ("# env.epilogue", "(", *whole_lines(epilogue), ")", 'exit "$jlab_mcp_status"')


_SIGNALS = ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2")
_PASS_SIGNALS_ON = (
    "jlab_mcp_child=''",
    "jlab_mcp_signal=''",
    "jlab_mcp_pass_on() {",
    "    jlab_mcp_signal=$1",
    '    [ -z "$jlab_mcp_child" ] || kill -s "$1" "$jlab_mcp_child" 2>/dev/null || :',
    "}",
    *(f"trap 'jlab_mcp_pass_on {name}' {name}" for name in _SIGNALS),
)
_WAIT = (
    "jlab_mcp_child=$!",
    '[ -z "$jlab_mcp_signal" ] || jlab_mcp_pass_on "$jlab_mcp_signal"',
    "jlab_mcp_status=127",
    "while",
    "    jlab_mcp_signal=''",
    '    wait "$jlab_mcp_child"',
    "    jlab_mcp_ended=$?",
    "    # 127: an earlier `wait` has told how it ended.",
    '    [ "$jlab_mcp_ended" -eq 127 ] || jlab_mcp_status=$jlab_mcp_ended',
    '    [ -n "$jlab_mcp_signal" ]',
    "do :; done",
    "jlab_mcp_child=''",
)
