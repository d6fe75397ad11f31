"""Make all checks: those that do not need each other at the same time, and tell their results in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jlab_mcp.app.doctor import asked, client, environment, folders, machine, onnode, records, settings, slurm
from jlab_mcp.app.doctor import ports as listening
from jlab_mcp.app.doctor import versions as releases
from jlab_mcp.core.checkup import Check, Checkup, blocked, counts, exit_code, failed, result_of
from jlab_mcp.errors import ExitCode, JlabMcpError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.core.checkup import Result


def checks_for(scene: Scene) -> tuple[Check[Scene], ...]:
    """Return the checks that make sense here, in the order in which they are told."""
    all_of_them = (
        *settings.CHECKS,
        *slurm.CHECKS,
        *asked.CHECKS,
        slurm.TEST_ONLY,
        folders.HERE,
        *((onnode.CHECK,) if scene.on_node else ()),
        folders.ON_NODES,
        *environment.CHECKS,
        *listening.CHECKS,
        *records.CHECKS,
        *machine.CHECKS,
        *client.CHECKS,
        *releases.CHECKS,
    )
    mode = scene.settings.mode if scene.settings else None
    if mode == "local":
        return tuple(check for check in all_of_them if not check.of_slurm)
    return tuple(check for check in all_of_them if check is not slurm.LEFT_OUT)


async def run(checks: Sequence[Check[Scene]], scene: Scene) -> AsyncGenerator[Result, None]:
    """Yield the results in the order of the checks, each as soon as it and all before it are there."""
    made: dict[str, asyncio.Task[Result]] = {}
    for check in checks:
        made[check.id] = asyncio.create_task(_make(check, scene, made))
    try:
        for task in list(made.values()):
            yield await task
    finally:
        for task in made.values():
            task.cancel()
        await asyncio.gather(*made.values(), return_exceptions=True)
        await scene.give_up()


def summary(scene: Scene, results: Sequence[Result]) -> Checkup:
    """Put all results together."""
    code = exit_code(results)
    return Checkup(
        profile=scene.settings.name if scene.settings else None,
        mode=scene.settings.mode if scene.settings else None,
        project_dir=str(scene.project_dir),
        hostname=scene.hostname,
        ok=code is ExitCode.OK,
        exit_code=code,
        counts=counts(results),
        checks=tuple(results),
    )


async def _make(check: Check[Scene], scene: Scene, made: dict[str, asyncio.Task[Result]]) -> Result:
    needed = {need: made[need] for need in check.needs if need in made}
    earlier = {need: await task for need, task in needed.items()}
    for result in list(earlier.values()):
        if result.blocked_by and result.blocked_by in made:
            earlier[result.blocked_by] = await made[result.blocked_by]
    if stopped := blocked(check, earlier):
        return stopped
    try:
        finding = await check.look(scene)
    except JlabMcpError as error:
        command = str(error.details.get("command", ""))
        finding = failed(
            error.message,
            *map(str, error.details.get("hints", ())),
            code=error.exit_code,
            fix="this mends it" if command else "",
            command=command,
        )
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        finding = failed(f"this cannot be looked at:{where} {error.strerror}", code=ExitCode.CANNOT_WRITE)
    return result_of(check, finding)
