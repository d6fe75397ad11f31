"""Where a server is: the front's record of it, the node's connection file, and the names of both."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations at run time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from jlab_mcp.core.slurm.jobs import Job, JobEnd  # noqa: TC001 - pydantic reads the annotations at run time

Setting = bool | int | float | str | list[str] | None
"""A setting's value in JSON; None where it is not set."""

_SLUG_LENGTH = 32
_HASH_LENGTH = 10


class StartedWith(BaseModel):
    """The settings a server was started with, as far as they are part of it; holds no secret."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    mode: Literal["local", "slurm"]
    chosen_by: str = Field(default="", description="What chose the profile; empty where nothing did.")
    settings: dict[str, Setting] = Field(
        default={}, description="Dotted path -> value of every setting that can be shown."
    )
    hidden: dict[str, str] = Field(
        default={}, description="Dotted path -> fingerprint of every setting that may hold a secret."
    )
    by_flag: list[str] = Field(
        default=[],
        description="Dotted paths that were said for that one start only.",
    )


class LauncherProcess(BaseModel):
    """The launcher of a local server; all of it is its identity, because a process id alone can be reused."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int = Field(gt=0)
    started: int = Field(ge=0, description="Start of the process in clock ticks since boot.")
    boot_id: str = Field(description="The kernel's id of that boot; empty where it has none.")


class ServerJob(BaseModel):
    """The SLURM job of a server, and how SLURM is asked about it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: str | None = Field(
        description="SLURM's id; null while it is not known whether SLURM took the job."
    )
    name: str = Field(description="The job's name, which no other job has.")
    cluster: str | None = Field(default=None, description="For `--clusters`; null for the one at hand.")
    slurm_conf: Path | None = Field(default=None, description="For SLURM_CONF; null for the usual one.")
    command_timeout: float = Field(default=30.0, description="Seconds that one command of SLURM may take.")
    warn_s: float = Field(default=600.0, description="Seconds left at which answers begin to warn.")
    end: JobEnd | None = Field(default=None, description="How it ended; null as long as it has not.")


class QueueSnapshot(BaseModel):
    """What SLURM last said of all the user's jobs, or why it said nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: float = Field(description="When it was asked, in seconds since the epoch.")
    jobs: tuple[Job, ...] = ()
    failure: str | None = Field(default=None, description="Why it did not answer, in words.")


class ServerRecord(BaseModel):
    """What `start` wrote down about a server it launched; holds no secret.

    A later version may add fields, so unknown ones are ignored. A local server has a process, one in a SLURM
    job has a job.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    key: str = Field(description="Name of the server's files.")
    profile: str = Field(description="Name of the profile it was started with.")
    project_dir: Path
    notebook_dir: Path
    runner: Literal["local", "slurm"]
    hostname: str = Field(description="Host that it was started on.")
    process: LauncherProcess | None = Field(default=None, description="Its launcher; null for a job.")
    job: ServerJob | None = Field(default=None, description="Its job; null for a local server.")
    server_id: str = Field(min_length=1, description="Chosen by the front, 16 hex digits.")
    connection_file: Path
    log_file: Path
    created_at: float = Field(description="Seconds since the epoch.")
    python: Path = Field(description="Interpreter that runs JupyterLab.")
    stopping: bool = Field(default=False, description="Somebody is stopping it; set before the first signal.")
    started_with: StartedWith | None = Field(
        default=None, description="Its settings; null where a version wrote it that did not note them."
    )

    @property
    def pid(self) -> int | None:
        """Process id of a local server's launcher."""
        return self.process.pid if self.process else None

    @property
    def job_id(self) -> str | None:
        """Id of its SLURM job, if it has one and that is known."""
        return self.job.job_id if self.job else None


class Connection(BaseModel):
    """How to reach a server; read from the file that the node service writes once it listens."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    server_id: str
    url: str = Field(description="Base address with a trailing slash, without the token.")
    token: SecretStr
    hostname: str
    ip: str
    port: int
    ip_version: Literal[4, 6] | None = Field(
        default=None,
        description="Version of IP by which alone the host's name leads to this server; null for any.",
    )
    pid: int
    root_dir: Path
    notebook_dir: Path
    profile: str
    job_id: str | None = None
    python: str = Field(description="Interpreter that runs JupyterLab.")
    jupyterlab: str = Field(description="Version of JupyterLab.")
    jupyter_server: str = Field(description="Version of jupyter_server.")
    node_version: str
    started_at: float = Field(description="Seconds since the epoch.")


class SessionAtEnd(BaseModel):
    """What became of a session when its server ended."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    session_id: str
    notebook_path: Path
    running: str | None = Field(default=None, description="Id of the execution that was cut short.")
    saved: bool = Field(description="Whether the notebook's file has all of it.")


class EndNote(BaseModel):
    """Why a server ended; read from the file that the node leaves. A killed one leaves none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    server_id: str
    job_id: str | None = None
    at: float = Field(description="Seconds since the epoch.")
    cause: Literal["signal", "idle", "shutdown", "crash"] = Field(
        description="`idle`: server.idle_timeout; `shutdown`: JupyterLab's own Shut Down."
    )
    signal: str | None = Field(default=None, description="Name of the signal, such as SIGTERM.")
    sessions: list[SessionAtEnd] = []
    exit_code: int | None = Field(default=None, description="The launcher's, where it failed.")
    message: str | None = Field(default=None, description="Why the launcher failed, in one sentence.")


class ServerPaths(BaseModel):
    """The files of one server on the front."""

    model_config = ConfigDict(frozen=True)

    key: str
    record_file: Path
    connection_file: Path
    end_file: Path
    sessions_file: Path
    lock_file: Path
    log_file: Path


def slug(text: str) -> str:
    """Return a short name of lower-case ASCII letters, digits and dashes that resembles `text`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_SLUG_LENGTH].strip("-") or "project"


def server_key(project_dir: Path, profile: str) -> str:
    """Name the one server of a project and profile; `project_dir` must have its symlinks resolved."""
    digest = hashlib.sha256(f"{project_dir}\0{profile}".encode("utf-8", "surrogateescape")).hexdigest()
    return f"{slug(project_dir.name)}-{slug(profile)}-{digest[:_HASH_LENGTH]}"


def server_paths(key: str, *, connection_dir: Path, log_dir: Path) -> ServerPaths:
    """Return the files of the server called `key`."""
    return ServerPaths(
        key=key,
        record_file=connection_dir / f"{key}.record.json",
        connection_file=connection_dir / f"{key}.connection.json",
        end_file=connection_dir / f"{key}.end.json",
        sessions_file=connection_dir / f"{key}.sessions.json",
        lock_file=connection_dir / f"{key}.lock",
        log_file=log_dir / f"{key}.log",
    )
