"""Use case: find out what the cluster that this machine belongs to has to offer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jlab_mcp.core.slurm import commands
from jlab_mcp.core.slurm.picture import Replies, Reply, picture
from jlab_mcp.runners.ask import ask, user_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.core.cluster import Cluster

_THEIR_VIEW = ("SINFO_", "SLURM_CLUSTERS", "SLURM_TIME_FORMAT")
"""Variables with which a user narrows what SLURM's commands show, or changes its form."""


async def survey(
    environ: Mapping[str, str],
    *,
    timeout: float,  # noqa: ASYNC109 - a slow command costs a sentence, not an exception
    modules: bool = True,
) -> Cluster:
    """Ask SLURM and the modules, all at once, and return what they say.

    Nothing is raised for a command that is missing, slow or failing: the cluster's `sentences` say so.

    Args:
        environ: the environment; PATH and the user's name are taken from it.
        timeout: seconds that each command may take; all together they take no longer.
        modules: whether to ask for the modules, too, which takes a login shell.
    """
    user = user_name(environ)
    kept = {name: value for name, value in environ.items() if not name.startswith(_THEIR_VIEW)}

    async def reply(argv: tuple[str, ...], called: str | None = None) -> Reply:
        answer = await ask(argv, environ=kept, timeout=timeout, called=called)
        return Reply(answer.stdout, answer.failure)

    replies = await asyncio.gather(
        reply(commands.configuration_arguments(), "scontrol show config"),
        reply(commands.partitions_arguments(), "scontrol show partition"),
        reply(commands.sinfo_arguments()),
        reply(commands.associations_arguments(user), "sacctmgr show associations"),
        reply(commands.default_account_arguments(user), "sacctmgr show user"),
        reply(commands.qos_arguments(), "sacctmgr show qos"),
        reply(commands.shares_arguments()),
        reply(commands.version_arguments(), "sbatch --version"),
        *([reply(commands.modules_arguments(), "module avail")] if modules else ()),
    )
    return picture(Replies(*replies))
