"""What earlier servers of this project left: records of servers that are gone, and broken ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.app.observe import observe
from jlab_mcp.app.queue import is_it
from jlab_mcp.app.servers import servers
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.errors import ExitCode, RecordBroken, SlurmUnreachable

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.app.servers import ProjectServer


async def _records(scene: Scene) -> Finding:
    """Look at the records of all servers of the project."""
    resolved = scene.resolved
    try:
        observe(resolved.paths)
    except RecordBroken as error:
        return failed(
            error.message,
            code=ExitCode.RECORD_BROKEN,
            fix="clear it away",
            command=f"jlab-mcp stop{scene.flag}",
        )
    found = servers(resolved)
    stale = [(each, why) for each in found if (why := await _why_stale(scene, each))]
    if stale:
        first, why = stale[0]
        others = (f"the server of profile {each.server.name} {reason}" for each, reason in stale[1:])
        return doubtful(
            f"the server of profile {first.server.name} {why}; a start takes its place",
            *others,
            fix="clear away what is left of it",
            command=_stop(scene, first),
        )
    states = [f"{each.server.name} ({each.state})" for each in found]
    return fine(
        f"servers of this project: {', '.join(states)}"
        if states
        else "no server of this project is left over"
    )


async def _why_stale(scene: Scene, each: ProjectServer) -> str:
    """Say why a server is gone, as far as its files, its process and the queue tell; else nothing."""
    if each.standing.stale:
        return observe(each.server.paths).why_stale
    job = each.record.job
    same = job and (job.cluster, job.slurm_conf) == (scene.resolved.slurm.clusters, scene.resolved.slurm_conf)
    if job is None or not same or scene.resolved.mode != "slurm" or not each.usable:
        return ""
    in_flight = job.job_id is None and each.record.created_at > scene.began - job.command_timeout
    if in_flight or each.record.created_at > scene.began:
        return ""
    try:
        queue = await scene.queue()
    except SlurmUnreachable:
        return ""
    if any(is_it(queued, job) and queued.phase is not Phase.ENDED for queued in queue):
        return ""
    return f"is gone: its job {job.job_id or job.name} is not in the queue any more"


def _stop(scene: Scene, each: ProjectServer) -> str:
    profile = each.server.name
    usual = profile == scene.resolved.name and not scene.profile
    return "jlab-mcp stop" if usual else f"jlab-mcp stop --profile {profile}"


CHECKS: tuple[Check[Scene], ...] = (Check("records", "earlier servers", _records, needs=("profile",)),)
