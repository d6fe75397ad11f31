"""Figures as `top` writes them, in few columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.words import clean

if TYPE_CHECKING:
    from jlab_mcp.app.watch import WatchedServer

_GIB = 1024**3


def clock(seconds: float) -> str:
    """Write seconds as a clock does: `0:07`, `3:41:02`, `1 d 3:41:02`."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days} d {hours}:{minutes:02}:{left:02}"
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def gib(count: int | None, digits: int = 1) -> str:
    """Write bytes in GiB, without the unit."""
    return "?" if count is None else f"{count / _GIB:.{digits}f}"


def percent(share: float | None) -> str:
    """Write a share of 1 in percent, always as wide."""
    return "  ? %" if share is None else f"{share * 100:3.0f} %"


def line_of(text: str) -> str:
    """Make one harmless line of what code printed: no control characters, tabs as spaces."""
    return " ".join(clean(text).expandtabs(4).split("\n")).strip()


def where(server: WatchedServer) -> str:
    """Say as what a server runs, and on which host."""
    job = server.job
    if job is None:
        return f"process {server.pid}" if server.pid else ""
    named = f"job {job.job_id}" if job.job_id else "a job"
    host = server.hostname or job.nodes
    return f"{named} on {host}" if host else named
