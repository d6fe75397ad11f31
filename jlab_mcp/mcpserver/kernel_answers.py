"""Words on kernels that no session has: a person's in JupyterLab, and those whose server is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jlab_mcp.core import words
from jlab_mcp.mcpserver.answers import active_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jlab_mcp.client.models import ClosedSession, LeftKernel, OtherKernel, SessionList


def other_words(kernels: Iterable[OtherKernel]) -> list[str]:
    """Say which kernels of a server no session has, and how to take one up."""
    lines = [
        f"- {kernel.type or 'kernel'} {kernel.notebook_path}: kernel {kernel.kernel_name} "
        f"{kernel.kernel_state}{active_words(kernel.last_activity)}"
        for kernel in kernels
    ]
    if not lines:
        return []
    how = "`start_session_resume_notebook` takes up that of a notebook as it is and runs nothing"
    return [f"Kernels in JupyterLab that are in no session ({how}):", *lines]


def left_words(kernels: Iterable[LeftKernel]) -> list[str]:
    """Say which kernels have no server any more, and how to end one."""
    lines = [f"- {_left(kernel)}" for kernel in kernels]
    if not lines:
        return []
    how = "`shutdown_session` with the id shown ends one and frees its memory"
    return [f"Kernels on the host whose server is gone ({how}):", *lines]


def _left(kernel: LeftKernel) -> str:
    age = "" if kernel.age_s is None else f", {words.duration(kernel.age_s)} old"
    memory = "" if kernel.rss is None else f", {words.bytes_in_words(kernel.rss)}"
    more = f" and {kernel.processes - 1} more" if kernel.processes > 1 else ""
    return f"{kernel.left_id}: process {kernel.pid}{more}{age}{memory}, {kernel.notebook_path}"


def kernel_facts(listings: Iterable[SessionList]) -> dict[str, Any]:
    """Return the same as facts; a kernel that several servers of one host have found is there once."""
    listed = list(listings)
    left = {kernel.left_id: kernel for each in listed for kernel in each.left}
    return {
        "others": [kernel.model_dump(mode="json") for each in listed for kernel in each.others],
        "left": [kernel.model_dump(mode="json") for kernel in left.values()],
    }


def gone_words(session: ClosedSession) -> str:
    """Say whether a kernel's processes have gone, and what goes on."""
    if session.processes:
        which = ", ".join(map(str, session.processes))
        return f"NOTE: process {which} has not gone, though it was killed; its memory is not free."
    if session.detached:
        which = ", ".join(map(str, session.detached))
        return f"The kernel has gone. It had started process {which} to run on its own, which goes on."
    return "Its kernel has gone, and its memory is free."


def closed_facts(session: ClosedSession) -> dict[str, Any]:
    """Return the same as facts."""
    rescued = None if session.rescued is None else str(session.rescued)
    return {"rescued": rescued, "processes": session.processes, "detached": session.detached}
