"""Clocks that differ, and proxies that stand in the way."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.proxies import LOOPBACK, caught
from jlab_mcp.core.slurm.commands import clock_arguments, hosts_arguments
from jlab_mcp.core.slurm.facts import parse_clock
from jlab_mcp.core.words import duration, listed
from jlab_mcp.errors import ExitCode, JlabMcpError
from jlab_mcp.runners.ask import ask
from jlab_mcp.storage.trial import try_folder

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene

_DOUBTFUL = 10.0
"""Seconds of difference from which the order of events may be taken wrongly."""
_TOO_MUCH = 300.0
"""Seconds from which SLURM's authentication, munge, refuses what a host says."""


async def _clock(scene: Scene) -> Finding:
    """Compare this host's clock with the controller's, that of the files, and the node's if a job looks."""
    ahead: dict[str, float] = {}
    trial = try_folder(scene.resolved.state_dir)
    if trial.refusal is None:
        ahead["your files' disk"] = trial.ahead
    if scene.resolved.mode == "slurm":
        ahead |= await _of_slurm(scene)
    worst = max(ahead, key=lambda who: abs(ahead[who]), default="")
    apart = abs(ahead.get(worst, 0.0))
    if apart < _DOUBTFUL:
        return fine(
            f"this host's agrees with that of {listed(ahead)}" if ahead else "there is none to compare with"
        )
    which = "ahead of" if ahead[worst] > 0 else "behind"
    found = f"the clock of {worst} is {duration(apart)} {which} this host's"
    fix = "have an administrator mend the one that is wrong; on a machine of your own this sets it"
    command = "sudo timedatectl set-ntp true"
    if apart >= _TOO_MUCH and worst == "SLURM's controller":
        return failed(
            found,
            "SLURM refuses hosts whose clock is so far off",
            code=ExitCode.NO_SLURM,
            fix=fix,
            command=command,
        )
    return doubtful(
        found,
        "what happened first may be taken wrongly, such as whether a server is an old one",
        fix=fix,
        command=command,
    )


async def _of_slurm(scene: Scene) -> dict[str, float]:
    ahead: dict[str, float] = {}
    seconds = scene.resolved.profile.server.command_timeout
    began = time.time()
    answer = await ask(clock_arguments(), environ=scene.slurm_environ, timeout=seconds)
    clock = parse_clock(answer.stdout)
    if clock is not None:
        # Whole seconds, said at some moment between question and answer.
        ahead["SLURM's controller"] = outside(clock, began, time.time())
    if scene.on_node:
        try:
            seen = await scene.node() or {}
        except JlabMcpError:
            return ahead
        if seen:
            ahead[f"the node {seen['hostname']}"] = float(seen["clock_ahead"])
    return ahead


def outside(clock: int, began: float, ended: float) -> float:
    """Return by how much a clock of whole seconds is outside the time in which it was looked at."""
    if clock + 1 < began:
        return clock + 1 - began
    return max(0.0, clock - ended)


async def _proxy(scene: Scene) -> Finding:
    """Say whether programs of this shell, a browser or a kernel's code, would ask a proxy for the server."""
    found = caught(scene.environ, [*LOOPBACK, *await _nodes(scene)])
    if not found.variables:
        return fine("no proxy is set")
    if not found.hosts:
        return fine(f"{listed(found.variables)} set, and no_proxy leaves out what has to be")
    return doubtful(
        f"{listed(found.variables)} {'is' if len(found.variables) == 1 else 'are'} set, and no_proxy does not"
        f" leave out {listed(found.hosts)}",
        "jlab-mcp itself asks no proxy, but a browser, curl or a cell of this shell would, and get nowhere",
        fix="leave these hosts out",
        command=f"export no_proxy={shlex.quote(found.wanted)} NO_PROXY={shlex.quote(found.wanted)}",
    )


async def _nodes(scene: Scene) -> list[str]:
    """Return the nodes that a job would come to, as far as sbatch says."""
    if scene.settings is None or scene.settings.mode != "slurm":
        return []
    try:
        job = await scene.job()
    except JlabMcpError:
        return []
    if not job.nodes:
        return []
    names = await ask(hosts_arguments(job.nodes), environ=scene.slurm_environ, timeout=10.0)
    return names.stdout.split()[:4] or [job.nodes]


CHECKS: tuple[Check[Scene], ...] = (
    Check("clock", "clocks", _clock, needs=("profile",)),
    Check("proxy", "proxies", _proxy),
)
