"""The only printer: data to stdout, talk to stderr, readable without colour."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING

from jlab_mcp.cli.wording import hints
from jlab_mcp.core.chosen import chosen_how
from jlab_mcp.core.words import duration

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
_RED, _YELLOW, _CYAN, _GREEN = 31, 33, 36, 32


def data(text: str) -> None:
    """Print what a script may read."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The terminal's character set may not hold the letters of a folder's name.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(text, flush=True)
    except OSError as error:  # a reader that went away wants no more of it
        if error.errno in _NO_ROOM:
            _lost.append(os.strerror(error.errno or 0))


def show_lost_data() -> bool:
    """Say so where a full disk has swallowed data; a script must not go on with half of a file."""
    if _lost:
        say(_coloured("error: ", _RED) + f"cannot write the output: {_lost[-1]}")
    return bool(_lost)


def say(text: str) -> None:
    """Print what a person may read."""
    with _terminal_may_be_gone():
        print(text, file=sys.stderr, flush=True)


def show_event(event: LifecycleEvent) -> None:
    """Print one step of a start or a stop."""
    mark = {"ready": _GREEN, "stopped": _GREEN, "killing": _YELLOW}.get(event.stage)
    label = "warning: " if event.stage in ("note", "changed") else ""
    say(_coloured(label, _YELLOW) + (_coloured(event.message, mark) if mark and not label else event.message))


def show_warnings(warnings: Iterable[str]) -> None:
    """Print what is odd about the settings."""
    for warning in warnings:
        say(_coloured("warning: ", _YELLOW) + warning)


def show_hint(text: str) -> None:
    """Print what to do next."""
    say(_coloured("hint: ", _CYAN) + text)


def show_error(error: JlabMcpError, profile: str | None) -> None:
    """Print what went wrong, the end of the log if there is one, and what mends it."""
    say(_coloured("error: ", _RED) + error.message)
    show_log(error.details.get("log_tail", ()))
    for hint in hints(error, profile):
        show_hint(hint)


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


def _coloured(text: str, colour: int | None) -> str:
    """Colour text for stderr, where that is a terminal and nobody said NO_COLOR."""
    if not text or not colour or os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def _terminal_may_be_gone() -> contextlib.AbstractContextManager[None]:
    """Go on when nobody can read any more: a closed terminal must not keep a server from being stopped."""
    return contextlib.suppress(OSError)
