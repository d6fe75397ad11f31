"""Use case: ask SLURM whether it would run a profile's job, and when, without submitting it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.context import load
from jlab_mcp.app.jobscript import submission
from jlab_mcp.app.queue import slurm_environment
from jlab_mcp.app.refused import Fault, doubts, explain
from jlab_mcp.core.slurm.verdict import verdict
from jlab_mcp.runners.ask import ask
from jlab_mcp.storage.files import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["accepted", "refused", "not_asked", "local"]


class CheckedJob(BaseModel):
    """What SLURM says about a profile's job."""

    model_config = ConfigDict(frozen=True)

    profile: str
    state: State = Field(description="`local`: no job is needed; `not_asked`: SLURM could not be asked.")
    start: str | None = Field(default=None, description="Expected start, in the cluster's local time.")
    nodes: str | None = Field(default=None, description="Where it would run.")
    partition: str | None = None
    reason: str | None = Field(
        default=None, description="Why it is refused, or why SLURM could not be asked."
    )
    faults: tuple[Fault, ...] = Field(default=(), description="Settings that the refusal may be about.")
    hints: tuple[str, ...] = Field(
        default=(), description="What is wrong with them, and what the cluster would take, as sentences."
    )
    missing: tuple[str, ...] = Field(default=(), description="Settings that the user still has to fill in.")
    notes: tuple[str, ...] = ()


async def check_profile(
    profile: str | None = None,
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
    said_by: str = "--profile",
) -> CheckedJob:
    """Ask `sbatch --test-only` about the script that a start would submit; leaves nothing behind.

    Args:
        profile: its name; else the one that is chosen here.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.
        said_by: what the caller knows `profile` as.

    Raises:
        ConfigError: something is wrong with the settings; says all of it at once.
    """
    environ = os.environ if environ is None else environ
    resolved = load(profile, project_dir=project_dir, environ=environ, said_by=said_by)
    plain = CheckedJob(
        profile=resolved.name, state="local", missing=resolved.missing, notes=resolved.warnings
    )
    if resolved.mode == "local":
        return plain
    environ = slurm_environment(resolved, environ)
    job = submission(resolved, environ)
    plain = plain.model_copy(update={"notes": (*resolved.warnings, *job.notes)})
    if shutil.which("sbatch", path=environ.get("PATH", os.defpath)) is None:
        return _not_asked(plain, "`sbatch` is not on PATH; run this where jobs are submitted")
    with tempfile.TemporaryDirectory(prefix="jlab-mcp-check-") as folder:
        script = Path(folder) / "job.sh"
        write_private(script, job.script)
        answer = await ask(
            ("sbatch", "--test-only", str(script)),
            environ=job.environ,
            timeout=resolved.profile.server.command_timeout,
            called="sbatch --test-only",
        )
    found = verdict(answer.status, f"{answer.stdout}\n{answer.stderr}")
    if not found.answered:
        return _not_asked(plain, found.reason or answer.failure or "sbatch said nothing")
    if found.refusal is None:
        return plain.model_copy(
            update={
                "state": "accepted",
                "start": found.start,
                "nodes": found.nodes,
                "partition": found.partition,
                "notes": (*plain.notes, *found.notes, *await doubts(resolved, environ)),
            }
        )
    why = found.refusal
    explained = await explain(resolved, why.fields, environ, meaning=why.meaning)
    return plain.model_copy(
        update={
            "state": "refused",
            "reason": why.said,
            "faults": explained.faults,
            "hints": explained.hints,
            "notes": (*plain.notes, *why.notes),
        }
    )


def _not_asked(plain: CheckedJob, reason: str) -> CheckedJob:
    return plain.model_copy(update={"state": "not_asked", "reason": reason})
