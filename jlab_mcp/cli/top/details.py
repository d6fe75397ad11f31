"""All about one server or session, and what the keys do: the other two things that the screen shows."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

from rich.text import Text

from jlab_mcp.cli.top.machine import about
from jlab_mcp.cli.top.words import clock, gib, line_of, where
from jlab_mcp.core.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jlab_mcp.app.watch import WatchedServer, WatchedSession
    from jlab_mcp.cli.top.state import View

_HELP = (
    ("q, Ctrl+C", "quit; servers and sessions go on"),
    ("up, down, k, j", "choose a server or a session; also Home, End, Page Up, Page Down"),
    ("i", "interrupt what the chosen session runs, after a yes"),
    ("Enter, o", "show all about what is chosen; again, or Esc, goes back"),
    ("?, h", "show or leave this help"),
    ("Ctrl+L", "draw the screen anew"),
    ("Ctrl+Z", "leave it for the shell; `fg` comes back"),
)
_READING = (
    "Each graph is what was measured while this view was open, the newest at its right end. CPU is of all"
    " cores that the server may use, memory that of the whole machine. SLURM is asked four times a minute at"
    " most, and only about servers that do not listen."
)


def help_lines(width: int) -> list[Text]:
    """Explain the keys, and what is shown."""
    return [
        Text("Keys", style="bold"),
        *_table(_HELP, width),
        Text(),
        *(Text(line) for line in textwrap.wrap(_READING, max(20, width - 1))),
    ]


def detail_lines(view: View, width: int, now: float) -> list[Text]:
    """Show all about the chosen session or server."""
    server, session = view.server(), view.session()
    if server is None:
        return [Text("it is gone", style="dim")]
    rows = _session(session, now) if session else _server(server)
    title = session.session.name if session else server.profile
    return [Text(title, style="bold"), *_table(rows, width)]


def _server(server: WatchedServer) -> Iterator[tuple[str, str]]:
    yield "state", f"{server.state}: {server.reason}" if server.reason else server.state
    yield "address", server.address or ""
    yield "runs as", where(server)
    if job := server.job:
        yield "job", job.words or job.state or ""
        yield "time left", "" if job.time_left_s is None else duration(job.time_left_s)
    yield "age", "" if server.age_s is None else duration(server.age_s)
    if info := server.info:
        yield "kernels", f"{info.kernels} for {info.sessions} sessions, {info.running} running"
        ends = info.idle_ends_in_s
        yield "ends idle in", "" if ends is None else duration(ends)
        yield "python", f"{info.python}, JupyterLab {info.jupyterlab}"
    if resources := server.resources:
        for gpu in resources.gpus:
            yield f"GPU {gpu.index}", ", ".join([*about(gpu), f"{gib(gpu.memory_total)} GiB"])
        if not resources.gpus:
            yield "GPU", resources.gpu_note or "none found"
    yield "project", str(server.project_dir)
    yield "log", str(server.log_file)


def _session(watched: WatchedSession, now: float) -> Iterator[tuple[str, str]]:
    session, running = watched.session, watched.running
    yield "session", session.session_id
    yield "notebook", str(session.notebook_path)
    yield "cells", str(session.cells)
    memory = "" if watched.rss is None else f", {gib(watched.rss)} GiB"
    process = f", process {session.kernel_pid}" if session.kernel_pid else ""
    yield "kernel", f"{session.kernel_name}, {session.kernel_state}{process}{memory}"
    yield "open for", duration(max(0.0, now - session.created_at))
    if running:
        began = running.started_at
        yield "running", running.execution_id + (f" for {clock(now - began)}" if began is not None else "")
        yield "cell", "" if running.cell_index is None else str(running.cell_index)
        yield "printed last", line_of(running.latest_line)
    yield "queued", str(session.queued) if session.queued else ""
    if session.last_activity is not None:
        yield "last activity", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(session.last_activity))
    yield "notice", line_of(session.notice or "")
    yield "not saved", line_of(session.save_error or "")


def _table(rows: Iterable[tuple[str, str]], width: int) -> list[Text]:
    """Lay labels and values out, values wrapped under each other; a label without a value is left out."""
    rows = [row for row in rows if row[1]]
    column = max((len(label) for label, _ in rows), default=0) + 2
    lines = []
    for label, value in rows:
        parts = textwrap.wrap(value, max(10, width - column - 1)) or [""]
        for number, part in enumerate(parts):
            shown = label if number == 0 else ""
            lines.append(Text.assemble((f"{shown:<{column}}", "cyan"), part))
    return lines
