"""Answers about the Jupyter server."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from jlab_mcp import __version__
from jlab_mcp.core import words
from jlab_mcp.core.chosen import chosen_how
from jlab_mcp.core.words import bytes_in_words
from jlab_mcp.mcpserver import answers
from jlab_mcp.mcpserver.wording import sentence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from mcp_types import CallToolResult

    from jlab_mcp.app.events import LifecycleEvent
    from jlab_mcp.app.profiles.states import ProfileState, ProfileStates
    from jlab_mcp.app.status import ServerStatus
    from jlab_mcp.app.target import Target
    from jlab_mcp.client.models import Gpu, Resources
    from jlab_mcp.mcpserver.calls import Call

_PROGRESS_SECONDS = 10.0


async def follow(call: Call, events: AsyncIterator[LifecycleEvent], target: Target) -> CallToolResult:
    """Report lifecycle events as progress, and answer with all of them at the end."""
    since = time.monotonic()
    seen: list[LifecycleEvent] = []

    async def beat() -> None:
        """Keep the client from giving up while nothing happens."""
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            message = seen[-1].message if seen else "at work"
            await call.report_progress(time.monotonic() - since, None, message)

    beating = asyncio.create_task(beat())
    try:
        async for event in events:
            seen.append(event)
            await call.report_progress(time.monotonic() - since, None, event.message)
    finally:
        beating.cancel()
    facts: dict[str, Any] = {"state": seen[-1].stage if seen else "nothing"}
    for event in seen:
        facts |= event.data
    facts |= {"profile": target.name, "project_dir": str(target.project_dir)}
    lines = [
        f"{'NOTE: ' if event.stage == 'note' else ''}{sentence(event.message)}"
        for event in seen
        if event.stage != "changed"  # the desk tells that once
    ]
    if facts["state"] == "ready":
        lines.append("Next: open a session with start_new_session.")
    elif facts["state"] == "queued":
        lines.append("Next: wait_for_server goes on waiting; stop_server cancels the job.")
    return answers.answer(lines, facts)


def status_answer(status: ServerStatus, notes: Sequence[str]) -> CallToolResult:
    """Answer with how things stand; a server that does not run is a result, not an error.

    Args:
        status: how it is.
        notes: what the model was not told before.
    """
    lines = [*notes, f"jlab-mcp {__version__} is alive. Jupyter server: {status.state}."]
    if status.reason:
        lines.append(sentence(status.reason))
    if info := status.info:
        lines.append(
            f"JupyterLab {info.jupyterlab} at {status.address} on {info.hostname}: "
            f"{info.sessions} sessions, {info.kernels} kernels, {info.running} running."
        )
    if status.job and status.job.time_left_s is not None:
        left = words.duration(status.job.time_left_s)
        lines.append(f"Job {status.job.job_id} on {status.hostname}: {left} left.")
    if status.log_tail:
        lines.append("\n".join(["The log ends:", *status.log_tail]))
    if hint := _HINTS.get(status.state):
        lines.append(hint)
    by = f" ({chosen_how(status.chosen_by)})" if status.chosen_by else ""
    place = f"project {status.project_dir} · notebooks {status.notebook_dir}"
    lines.append(f"profile {status.profile}{by} · {place}")
    return answers.answer(lines, {"version": __version__, **status.model_dump(mode="json")})


def profiles_answer(found: ProfileStates) -> CallToolResult:
    """Answer with the profiles there are, a line for each."""
    in_use = found.in_use if any(profile.in_use for profile in found.profiles) else "none"
    head = f"{len(found.profiles)} profiles; in use: {in_use}."
    lines = [head, *(sentence(each) for each in found.problems), *map(_profile_words, found.profiles)]
    lines.append("Use another one with start_server(profile=NAME).")
    return answers.answer(lines, found.model_dump(mode="json"))


def _profile_words(profile: ProfileState) -> str:
    asks = ", ".join(part for part in (profile.mode, profile.gpus, profile.time) if part)
    parts = [
        f"{'* ' if profile.in_use else '- '}{profile.name}",
        f" ({asks})" if asks else "",
        f": {_server_words(profile)}" if profile.server != "stopped" else "",
        f"; broken: {profile.problem}" if profile.problem else "",
        f" · {profile.description}" if profile.description else "",
    ]
    return "".join(parts)


def _server_words(profile: ProfileState) -> str:
    job = f" in job {profile.job_id}" if profile.job_id else ""
    host = f" on {profile.hostname}" if profile.hostname else ""
    left = "" if profile.time_left_s is None else f", {words.duration(profile.time_left_s)} left"
    return f"server {profile.server}{job}{host}{left}"


_HINTS = {
    "stopped": "Call start_server to start it.",
    "stale": "Call start_server to start a new one.",
    "starting": "Call wait_for_server to wait for it.",
    "queued": "Call wait_for_server to wait for it, or stop_server to cancel it.",
    "unreachable": "Call stop_server and then start_server for a new one.",
}


def resource_words(found: Resources) -> list[str]:
    """Say what a machine has and how much of it is in use."""
    cpus, memory = found.cpus, found.memory
    load = "" if cpus.load_1m is None else f", load {cpus.load_1m:.2f}"
    busy = "" if cpus.percent is None else f", {cpus.percent:.0f} % busy"
    usable = "" if cpus.usable is None or cpus.usable == cpus.count else f" ({cpus.usable:g} usable)"
    limit = "" if memory.limit is None else f", limit {bytes_in_words(memory.limit)}"
    lines = [
        f"CPU: {cpus.count} cores{usable}{load}{busy}",
        f"Memory: {_size(memory.available)} available of {_size(memory.total)}{limit}",
        *(_gpu_words(gpu) for gpu in found.gpus),
    ]
    if not found.gpus:
        lines.append(f"GPU: none ({found.gpu_note})" if found.gpu_note else "GPU: none")
    elif found.gpu_note:
        lines.append(f"Note: {found.gpu_note}")
    for kernel in found.kernels:
        owner = f"session {kernel.session_id}" if kernel.session_id else kernel.kernel_id
        lines.append(f"Kernel of {owner}: {_size(kernel.rss)}")
    return lines


def _gpu_words(gpu: Gpu) -> str:
    use = "" if gpu.utilization is None else f", {gpu.utilization:.0f} % busy"
    heat = "" if gpu.temperature is None else f", {gpu.temperature:.0f} °C"
    used, total = _size(gpu.memory_used), _size(gpu.memory_total)
    return f"GPU {gpu.index}: {gpu.name}, {used} of {total} used{use}{heat}"


def _size(count: int | None) -> str:
    return "unknown" if count is None else bytes_in_words(count)
