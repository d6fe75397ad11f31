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
from jlab_mcp.config.places import home_folder
from jlab_mcp.config.problems import place
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.slurm.verdict import verdict
from jlab_mcp.runners.ask import ask
from jlab_mcp.storage.files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jlab_mcp.core.resolver import ResolvedProfile

State = Literal["accepted", "refused", "not_asked", "local"]


class Fault(BaseModel):
    """A setting that a refusal is about."""

    model_config = ConfigDict(frozen=True)

    key: str = Field(description="Dotted path, such as slurm.account.")
    value: str | None = Field(description="What it says; null where it is unset.")
    where: str = Field(description="Where it was set, or just its name.")


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
    return plain.model_copy(
        update={
            "state": "accepted" if found.accepted else "refused",
            "start": found.start,
            "nodes": found.nodes,
            "partition": found.partition,
            "reason": found.reason,
            "faults": tuple(_faults(resolved, found.fields, home_folder(environ))),
            "notes": (*plain.notes, *found.notes),
        }
    )


def _not_asked(plain: CheckedJob, reason: str) -> CheckedJob:
    return plain.model_copy(update={"state": "not_asked", "reason": reason})


def _faults(resolved: ResolvedProfile, fields: Iterable[str], home: Path) -> Iterator[Fault]:
    """Yield the settings that are at fault: those that are set, else those that could be."""
    known = [field for field in fields if getattr(resolved.slurm, field) is not None]
    for field in known or fields:
        key = f"slurm.{field}"
        value = getattr(resolved.slurm, field)
        where = place(resolved.origins.get(key, BUILT_IN), key, home)
        yield Fault(key=key, value=None if value is None else str(value), where=where)
