"""The only printer: data to stdout, talk to stderr, readable without colour."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING

from jlab_mcp.cli.progress import PROGRESS, follow, is_only_a_sign_of_life
from jlab_mcp.cli.tone import CYAN, DIM, GREEN, RED, TONE, YELLOW, coloured
from jlab_mcp.cli.wording import hints
from jlab_mcp.core.chosen import chosen_how
from jlab_mcp.core.words import duration
from jlab_mcp.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jlab_mcp.app.events import LifecycleEvent
    from jlab_mcp.app.status import ServerStatus
    from jlab_mcp.errors import JlabMcpError

_GIB = 1024**3
_ASKED = (
    *("clusters", "partition", "account", "qos", "reservation", "constraint", "nodes", "gres", "gpus"),
    *("gpus_per_node", "gpus_per_task", "ntasks", "cpus_per_task", "cpus_per_gpu"),
    *("mem", "mem_per_cpu", "mem_per_gpu", "time"),
)
"""What `status` shows of a job's settings, in this order."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_lost: list[str] = []
"""Why data could not be written."""


def data(text: str) -> None:
    """Print what a script may read."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The terminal's character set may not hold the letters of a folder's name.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with PROGRESS.aside():
            print(text, flush=True)
    except OSError as error:  # a reader that went away wants no more of it
        if error.errno in _NO_ROOM:
            _lost.append(os.strerror(error.errno or 0))


def show_lost_data() -> bool:
    """Say so where a full disk has swallowed data; a script must not go on with half of a file."""
    if _lost:
        insist(_error_label(CannotWrite.code) + f"cannot write the output: {_lost[-1]}")
    return bool(_lost)


def say(text: str) -> None:
    """Print what a person may read, unless only errors and data are wanted."""
    if not TONE.quiet:
        insist(text)


def insist(text: str) -> None:
    """Print what a person has to read: an error, or what a question is about."""
    with _terminal_may_be_gone(), PROGRESS.aside():
        print(text, file=sys.stderr, flush=True)


def show_event(event: LifecycleEvent) -> None:
    """Print one step of a start or a stop, and show what is waited for after it."""
    mark = {"ready": GREEN, "stopped": GREEN, "killing": YELLOW}.get(event.stage)
    label = "warning: " if event.stage in ("note", "changed") else ""
    if not is_only_a_sign_of_life(event):
        said = coloured(event.message, mark) if mark and not label else event.message
        say(coloured(label, YELLOW) + said)
    follow(event)


def show_warnings(warnings: Iterable[str]) -> None:
    """Print what is odd about the settings."""
    for warning in warnings:
        say(coloured("warning: ", YELLOW) + warning)


def show_note(text: str) -> None:
    """Print what is good to know, and no reason to worry."""
    say(coloured("note: ", CYAN) + text)


def show_hint(text: str) -> None:
    """Print what to do next."""
    say(coloured("hint: ", CYAN) + text)


def show_error(error: JlabMcpError, profile: str | None) -> None:
    """Print what went wrong, the end of the log if there is one, and what mends it."""
    insist(_error_label(error.code) + error.message)
    for line in error.details.get("log_tail", ()):
        insist(f"  | {line}")
    for hint in hints(error, profile):
        insist(coloured("hint: ", CYAN) + hint)


def show_failure(error: JlabMcpError, profile: str | None) -> None:
    """Print what ended a command; where a script reads JSON, to stdout as well."""
    PROGRESS.over()
    show_error(error, profile)
    if TONE.json:
        from jlab_mcp.app.failure import report

        data(report(error, hints(error, profile)).model_dump_json(indent=2))


def _error_label(code: str) -> str:
    return coloured("error", RED) + coloured(f"[{code}]", DIM) + coloured(": ", RED)


def show_log(lines: Iterable[str]) -> None:
    """Print lines of a server's log as such."""
    for line in lines:
        say(f"  | {line}")


def status_lines(status: ServerStatus) -> list[str]:
    """Lay a status out as lines of label and value."""
    rows = [("state", status.state + (f": {status.reason}" if status.reason else ""))]
    rows += [("address", status.address or "-")] if status.address else []
    if status.hostname:
        rows.append(("host", status.hostname + (f", process {status.pid}" if status.pid else "")))
    rows += list(_job(status))
    if status.age_s is not None:
        rows.append(("age", duration(status.age_s)))
    rows += list(_use(status))
    rows += [
        ("profile", _profile(status)),
        *_started_with(status),
        ("project", str(status.project_dir)),
        ("notebooks", str(status.notebook_dir)),
        ("log", str(status.log_file)),
    ]
    if status.info:
        rows.append(("python", f"{status.info.python}, JupyterLab {status.info.jupyterlab}"))
    width = max(len(label) for label, _ in rows) + 2
    return [f"{label:<{width}}{value}" for label, value in rows]


def _profile(status: ServerStatus) -> str:
    """Say which profile it is and what chose it; a fact about this machine is its own reason."""
    said = f"{status.profile} ({status.mode})"
    return f"{said}, {chosen_how(status.chosen_by)}" if status.chosen_by else said


def _job(status: ServerStatus) -> Iterator[tuple[str, str]]:
    """Say which SLURM job it is and how it stands."""
    job = status.job
    if job is None:
        return
    on = f" on cluster {job.cluster}" if job.cluster else ""
    yield "job", f"{job.job_id or 'not known yet'}{on}{f', {job.state}' if job.state else ''}"
    if job.time_left_s is not None:
        yield "time left", duration(job.time_left_s)
    if job.expected_start:
        yield "start", f"expected at {job.expected_start.replace('T', ' ')}"


def _started_with(status: ServerStatus) -> Iterator[tuple[str, str]]:
    """Say what was asked of SLURM, and what only a restart would change."""
    if status.mode == "slurm":
        asked = [
            f"{key} {status.settings[f'slurm.{key}']}" for key in _ASKED if f"slurm.{key}" in status.settings
        ]
        yield "asked for", ", ".join(asked) or "the cluster's defaults"
    for change in status.changes:
        yield "changed", change.sentence


def _use(status: ServerStatus) -> Iterator[tuple[str, str]]:
    """Say how busy the server and its machine are."""
    if info := status.info:
        yield "sessions", f"{info.sessions} open, {info.kernels} kernels, {info.running} running"
    if not (resources := status.resources):
        return
    cpus, memory = resources.cpus, resources.memory
    busy = f"{cpus.percent:.0f} % of " if cpus.percent is not None else ""
    yield "CPU", f"{busy}{cpus.usable or cpus.count:g} cores"
    if memory.total and memory.available is not None:
        held = sum(kernel.rss or 0 for kernel in resources.kernels)
        used = f"{_gib(memory.total - memory.available)} of {_gib(memory.limit or memory.total)} in use"
        yield "memory", f"{used}, kernels {_gib(held)}"
    for gpu in resources.gpus:
        used = f"{_gib(gpu.memory_used)} of {_gib(gpu.memory_total)} in use"
        load = f", {gpu.utilization:.0f} % busy" if gpu.utilization is not None else ""
        yield f"GPU {gpu.index}", f"{gpu.name}: {used}{load}"
    if not resources.gpus:
        yield "GPU", resources.gpu_note or "none found"


def _gib(count: int | None) -> str:
    return "unknown" if count is None else f"{count / _GIB:.1f} GiB"


def _terminal_may_be_gone() -> contextlib.AbstractContextManager[None]:
    """Go on when nobody can read any more: a closed terminal must not keep a server from being stopped."""
    return contextlib.suppress(OSError)
