"""What the node service sends, as frozen models; fields that a newer service adds are ignored."""

from enum import Enum, unique
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Output = dict[str, Any]
"""One nbformat 4 output, as it stands in the notebook file (with text joined)."""


class WireModel(BaseModel):
    """Base of all wire models. Times are seconds since the epoch, sizes are bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@unique
class ExecutionState(Enum):
    """Where an execution stands."""

    QUEUED = "queued"
    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    INTERRUPTED = "interrupted"
    KERNEL_DIED = "kernel_died"
    NOT_RUN = "not_run"
    SERVER_ENDED = "server_ended"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (ExecutionState.QUEUED, ExecutionState.RUNNING)


class NodeInfo(WireModel):
    """The node service and the server it lives in."""

    server_id: str
    node_version: str
    api: int
    hostname: str
    pid: int
    started_at: float
    root_dir: Path
    notebook_dir: Path
    profile: str
    job_id: str | None = None
    python: str
    jupyterlab: str
    jupyter_server: str
    restarts: int = Field(0, description="How often SLURM started the job again.")
    sessions: int
    kernels: int
    running: int
    spare_kernels: int = Field(0, description="Kernels that are ready for whoever asks next, of nobody yet.")
    idle_s: float | None = Field(
        None, description="Seconds since a cell last ran or the server became ready; 0 while one runs."
    )
    idle_timeout: float | None = Field(None, description="As server.idle_timeout; null for never.")
    idle_ends_in_s: float | None = Field(
        None, description="Seconds until the server ends unless a cell runs; null where it does not."
    )


class Cpus(WireModel):
    """Processors; `usable` heeds affinity and cgroup quota, `percent` is the load since the last call."""

    count: int | None = None
    usable: float | None = None
    load_1m: float | None = None
    percent: float | None = None


class Memory(WireModel):
    """Main memory; `limit` is the cgroup's, null where there is none."""

    total: int | None = None
    available: int | None = None
    limit: int | None = None
    service_rss: int | None = None


class Gpu(WireModel):
    """One GPU; memory in bytes, utilization in percent, temperature in °C, power in W."""

    index: int | str | None = None
    name: str | None = None
    uuid: str | None = None
    memory_total: int | None = None
    memory_used: int | None = None
    utilization: float | None = None
    temperature: float | None = None
    power: float | None = None


class KernelUse(WireModel):
    """A kernel's process and its memory."""

    kernel_id: str
    session_id: str | None = None
    pid: int | None = None
    rss: int | None = None


class Resources(WireModel):
    """What the server's machine has and how much of it is in use."""

    hostname: str
    cpus: Cpus
    memory: Memory
    gpus: list[Gpu] = []
    gpu_tool: str | None = None
    gpu_note: str | None = None
    kernels: list[KernelUse] = []


class Session(WireModel):
    """A notebook with its kernel."""

    session_id: str
    name: str
    notebook_path: Path
    kernel_id: str | None = None
    kernel_name: str
    kernel_state: str = Field(description="starting, idle, busy or dead.")
    kernel_pid: int | None = None
    created_at: float
    last_activity: float | None = None
    cells: int = Field(description="Cells in the notebook.")
    queued: int = Field(0, description="Executions that wait.")
    running: str | None = Field(None, description="Id of the execution that runs.")
    generation: int = Field(1, description="Kernels that the session has had so far.")
    notice: str | None = None
    save_error: str | None = Field(None, description="Why the notebook cannot be saved at present.")


class ExecutionError(WireModel):
    """Name and text of the exception that ended an execution."""

    ename: str
    evalue: str


class Execution(WireModel):
    """One run of a cell, or of scratch code (then without session and cell)."""

    execution_id: str
    session_id: str | None = None
    notebook_path: Path | None = None
    state: ExecutionState
    cell_id: str | None = None
    cell_index: int | None = None
    cell_type: str | None = None
    execution_count: int | None = None
    outputs: list[Output] = []
    queued_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    seq: int = Field(0, description="Number of the last event; grows with every change.")
    reason: str | None = Field(None, description="Why it was interrupted, not run or lost, in words.")
    tag: str | None = Field(
        None, description="The cell's tag by which a resume let it fail (raises-exception) or skipped it."
    )
    notice: str | None = Field(None, description="What the caller should know first, in words.")
    output_file: Path | None = Field(None, description="The full text, where the cell holds head and tail.")
    output_bytes: int = 0
    latest_line: str = Field("", description="The last line that code which has not ended printed.")
    kernel_id: str | None = None
    error: ExecutionError | None = None


class OpenedSession(WireModel):
    """Answer to opening a session; `executions` are the queued re-runs of a resumed notebook."""

    session: Session
    already_open: bool = False
    attached: bool = Field(
        False, description="Whether it took up a kernel that a person had for the notebook."
    )
    recovered: str | None = Field(None, description="What an earlier server had not saved, brought in now.")
    executions: list[Execution] = []


class GivenUpOpening(WireModel):
    """Answer to giving up a session that is being opened."""

    open: bool = Field(description="Whether it was open by then, and is still.")


class InterruptedSession(Session):
    """Answer to an interrupt; where the code did not react, `running` names what still runs."""

    interrupted: bool = Field(description="Whether code was running and has ended.")
    not_run: list[str] = Field([], description="Ids of the executions that were queued, now not run.")


class ClosedSession(Session):
    """Answer to ending a session."""

    rescued: Path | None = Field(None, description="Where a copy went if the file could not be saved.")
    processes: list[int] = Field([], description="Processes of its kernel that have not gone.")
    detached: list[int] = Field([], description="Those it started in sessions of their own, which go on.")


class Ticket(WireModel):
    """Answer to asking for a way in to a page."""

    ticket: str = Field(description="Good once.")
    life: float = Field(description="Seconds for which it is good.")
    session_id: str | None = None
    notebook_path: Path | None = None


class CellChange(WireModel):
    """Answer to inserting, editing, moving or deleting a cell."""

    cell_id: str
    cell_index: int
    cell_type: str
    total: int
    notice: str | None = None


class Cell(WireModel):
    """One cell of a notebook."""

    cell_id: str
    cell_index: int
    cell_type: str
    source: str
    execution_count: int | None = None
    outputs: list[Output] = []


class CellPage(WireModel):
    """Some cells of a notebook, from `start` on, of `total`."""

    notebook_path: Path
    total: int
    start: int
    cells: list[Cell]
    notice: str | None = None


class OtherKernel(WireModel):
    """A kernel of a notebook or console that no session has, such as a person's in JupyterLab."""

    kernel_id: str
    kernel_name: str
    kernel_state: str
    kernel_pid: int | None = None
    last_activity: float | None = None
    type: str = ""
    notebook_path: Path


class LeftKernel(WireModel):
    """A kernel on the server's host whose own server is gone."""

    left_id: str = Field(description="What names it where a session is ended.")
    pid: int
    processes: int = 1
    age_s: float | None = None
    rss: int | None = None
    notebook_path: Path | None = None


class CellOutput(WireModel):
    """A cell and its last execution; that is null once the service has forgotten it."""

    cell: Cell
    execution: Execution | None = None


class TextMatch(WireModel):
    """A line that a search has found; `offset` is where it begins."""

    offset: int
    text: str


class TextPage(WireModel):
    """Part of a full text, `offset` to `end` of `total` bytes: its text, or the lines found in it."""

    offset: int
    end: int
    total: int
    text: str | None = None
    matches: list[TextMatch] | None = None
    execution: Execution | None = Field(None, description="How it stands, if it is still known.")


class StreamPart(WireModel):
    """A piece of what code has put out."""

    kind: str = Field(
        "output",
        description="stdout, stderr, result or error with text; output; clear, where the screen is wiped;"
        " lost, for bytes that could not be kept.",
    )
    text: str = ""
    bytes: int = 0
    offset: int | None = Field(None, description="Where an output begins; what tells it from others.")
    version: int = Field(0, description="How often a display has been changed.")
    output: Output | None = None


class StreamPage(WireModel):
    """What code has put out, from `offset` to `end` of `total` bytes of its full text, in order."""

    offset: int
    end: int
    total: int
    parts: list[StreamPart] = []
    changed: list[StreamPart] = Field(
        [], description="Once it has ended: displays that were changed after they were put out."
    )
    caught: list[Output] = Field([], description="Once it has ended: what Output widgets caught.")
    execution: Execution


class SessionList(WireModel):
    """Answer to listing sessions."""

    sessions: list[Session]
    others: list[OtherKernel] = []
    left: list[LeftKernel] = []


class Refusal(WireModel):
    """Why the service refused."""

    code: str
    message: str
    data: dict[str, JsonValue] = {}


class RefusalEnvelope(WireModel):
    """The body of every 4xx and 5xx answer of the service."""

    error: Refusal
