"""Use case: the profiles there are, and how the server of each is in this project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.lookup import load_for_all
from jlab_mcp.app.observe import observe
from jlab_mcp.app.profiles.listing import list_profiles
from jlab_mcp.app.queue import remaining
from jlab_mcp.app.servers import servers
from jlab_mcp.core.slurm.jobs import Phase
from jlab_mcp.core.startup import Standing
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jlab_mcp.app.profiles.listing import ListedProfile
    from jlab_mcp.app.servers import ProjectServer

ServerState = Literal["stopped", "queued", "starting", "ready", "stopping", "elsewhere", "stale"]
_STATES: dict[Standing, ServerState] = {
    Standing.STARTING: "starting",
    Standing.LISTENING: "ready",
    Standing.STOPPING: "stopping",
    Standing.ELSEWHERE: "elsewhere",
}


class ProfileState(BaseModel):
    """One profile, and its server in this project."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str | None = None
    mode: Literal["local", "slurm", "auto"] | None = Field(
        default=None, description="Where servers run; null if the profile is broken or gone."
    )
    gpus: str | None = Field(default=None, description="GPUs of a job in words.")
    time: str | None = Field(default=None, description="How long a job may run, as SLURM writes it.")
    in_use: bool = Field(default=False, description="Whether calls that name no profile mean it.")
    server: ServerState = Field(default="stopped", description="`ready`: it listens; it was not asked.")
    job_id: str | None = Field(default=None, description="SLURM's id of its server's job.")
    hostname: str | None = Field(default=None, description="Host of its server; null until it listens.")
    time_left_s: float | None = Field(
        default=None, description="Seconds until its server's job ends; null where nothing ends it."
    )
    problem: str | None = Field(default=None, description="The first thing that is wrong with the profile.")


class ProfileStates(BaseModel):
    """What the tool `list_profiles` answers."""

    model_config = ConfigDict(frozen=True)

    in_use: str = Field(description="Name of the profile in use, or the mode's where none was chosen.")
    profiles: list[ProfileState] = Field(description="Sorted by name.")
    problems: list[str] = Field(default=[], description="What is wrong whichever profile is used.")


def profile_states(
    profile: str | None = None,
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> ProfileStates:
    """List all profiles with their servers; one that is gone is listed while its server is there.

    Args:
        profile: name of the profile in use, if a call chose it.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.

    Raises:
        ConfigError: there is no home folder to look in, or no project folder.
    """
    listed = list_profiles(profile, project_dir=project_dir, environ=environ, said_by="the argument profile")
    try:
        resolved, _ = load_for_all(project_dir=project_dir, environ=environ)
    except ConfigError:
        found: list[ProjectServer] = []
        fallback = "none"
    else:
        found, fallback = servers(resolved), resolved.name
    in_use = listed.chosen or fallback
    by_name = {each.server.name: each for each in found}
    known = [_state(each, by_name.pop(each.name, None), in_use) for each in listed.profiles]
    unknown = [_without_profile(each, in_use) for each in by_name.values()]
    return ProfileStates(
        in_use=in_use,
        profiles=sorted([*known, *unknown], key=lambda each: each.name),
        problems=list(listed.problems),
    )


def _state(listed: ListedProfile, server: ProjectServer | None, in_use: str) -> ProfileState:
    return ProfileState(
        name=listed.name,
        description=listed.description,
        mode=listed.mode,
        gpus=listed.gpus,
        time=listed.time,
        in_use=listed.name == in_use,
        problem=listed.problem,
        **_about(server),
    )


def _without_profile(server: ProjectServer, in_use: str) -> ProfileState:
    """Describe a server that no profile's file belongs to: it is gone, or none was chosen."""
    return ProfileState(
        name=server.server.name,
        mode=server.record.runner,
        in_use=server.server.name == in_use,
        **_about(server),
    )


def _about(server: ProjectServer | None) -> dict[str, Any]:
    """Return the fields that tell of a profile's server."""
    if server is None:
        return {}
    job, link = server.record.job, observe(server.server.paths).connection
    return {
        "server": _server_state(server),
        "job_id": job.job_id if job else None,
        "hostname": link.hostname if link else None,
        "time_left_s": remaining(server.record, link).seconds if job and link else None,
    }


def _server_state(server: ProjectServer) -> ServerState:
    if server.standing is Standing.STARTING and server.job and server.job.phase is Phase.QUEUED:
        return "queued"
    return _STATES.get(server.standing, "stale")
