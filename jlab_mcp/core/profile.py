"""What a profile can say: one machine, cluster or GPU type, and how to use it.

Names of scheduler settings are sbatch's long options with `_` for `-`; units are SLURM's own. Every
section is frozen and refuses keys it does not know. The word `none` takes back what a lower layer set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from jlab_mcp.core import fields
from jlab_mcp.core.fields import Allowed

NO_SUCH_WORD = ("NONE",)
"""How `slurm.export` says sbatch's own `NONE`, which is not the word `none`."""


class Section(BaseModel):
    """A part of a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_none(cls, values: Any) -> Any:
        """Leave out what the word `none` takes back."""
        if not isinstance(values, dict):
            return values
        return {key: value for key, value in values.items() if not takes_back(key, value)}


def takes_back(key: str, value: object) -> bool:
    """Say whether a value is the word `none`; `export = "NONE"` is a value of sbatch's own."""
    if not isinstance(value, str) or value.strip().lower() != "none":
        return False
    return not (key == "export" and value in NO_SUCH_WORD)


class SlurmSection(Section):
    """What to ask SLURM for; an unset value gives no `#SBATCH` line."""

    partition: fields.Word | None = Field(
        default=None, description="`--partition`: one name, or several with commas."
    )
    account: fields.Word | None = Field(default=None, description="`--account`: who is charged.")
    qos: fields.Word | None = Field(default=None, description="`--qos`: quality of service.")
    constraint: fields.Line | None = Field(
        default=None, description="`--constraint`: features of the nodes, such as gpu&hbm80g."
    )
    gres: fields.Gres | None = Field(default=None, description="`--gres` per node, such as gpu:a100:2.")
    gpus: fields.Gpus | None = Field(default=None, description="`--gpus` of the job, such as 1 or a100:2.")
    gpus_per_node: fields.Gpus | None = Field(default=None, description="`--gpus-per-node`.")
    gpus_per_task: fields.Gpus | None = Field(
        default=None, description="`--gpus-per-task`; needs `ntasks` or `gpus`."
    )
    cpus_per_task: fields.Count | None = Field(default=None, description="`--cpus-per-task`: CPU cores.")
    cpus_per_gpu: fields.Count | None = Field(default=None, description="`--cpus-per-gpu`: CPU cores.")
    mem: fields.Memory | None = Field(
        default=None, description="`--mem` per node: megabytes, or with K, M, G, T; 0 is all of it."
    )
    mem_per_cpu: fields.Memory | None = Field(
        default=None, description="`--mem-per-cpu`: megabytes, or with K, M, G, T."
    )
    mem_per_gpu: fields.Memory | None = Field(
        default=None, description="`--mem-per-gpu`: megabytes, or with K, M, G, T."
    )
    nodes: fields.Nodes | None = Field(default=None, description="`--nodes`: a number, or MIN-MAX.")
    ntasks: fields.Count | None = Field(default=None, description="`--ntasks`.")
    time: fields.Walltime | None = Field(default=None, description="`--time`: how long the job may run.")
    nodelist: fields.Word | None = Field(default=None, description="`--nodelist`: nodes that must be used.")
    exclude: fields.Word | None = Field(default=None, description="`--exclude`: nodes not to use.")
    reservation: fields.Word | None = Field(default=None, description="`--reservation`.")
    clusters: fields.Word | None = Field(
        default=None, description="`--clusters`: where to submit, if not to the cluster at hand."
    )
    exclusive: fields.Exclusive | None = Field(
        default=None, description="`--exclusive`: whole nodes (true), or not shared with other users (user)."
    )
    requeue: fields.Flag | None = Field(default=None, description="`--requeue` (true) or `--no-requeue`.")
    signal: fields.Signal | None = Field(
        default=None, description="`--signal`: which one, how many seconds before the end."
    )
    mail_type: fields.MailTypes | None = Field(default=None, description="`--mail-type`, with commas.")
    mail_user: fields.Word | None = Field(default=None, description="`--mail-user`: an address.")
    export: fields.Line | None = Field(
        default=None, description="`--export`: ALL, NIL, NONE (in capitals) or NAMES of the environment."
    )
    get_user_env: fields.UserEnv | None = Field(
        default=None, description="`--get-user-env`: true, or [SECONDS][S|L]."
    )
    licenses: fields.Word | None = Field(default=None, description="`--licenses`.")
    nice: fields.Nice | None = Field(default=None, description="`--nice`: added to the priority's inverse.")
    tmp: fields.Memory | None = Field(
        default=None, description="`--tmp`: disk of the node; megabytes, or with K, M, G, T."
    )
    comment: fields.Line | None = Field(default=None, description="`--comment`; other users may read it.")
    job_name: fields.Word | None = Field(
        default=None, description="`--job-name` begins with it; other users may read it."
    )
    extra_directives: fields.Directives | None = Field(
        default=None, description="Other long options of sbatch, each as `--option=value`."
    )


class ContainerSection(Section):
    """A container that JupyterLab runs in."""

    runtime: Annotated[Literal["apptainer", "pyxis"], Allowed("apptainer or pyxis")] = Field(
        default="apptainer", description="Apptainer (or Singularity), or SLURM's plugin pyxis."
    )
    image: fields.Line = Field(description="File of the image, or its address as the runtime writes it.")
    binds: fields.Lines | None = Field(
        default=None, description="Folders to bind beside the project's: SOURCE[:DESTINATION[:OPTIONS]]."
    )
    gpus: Annotated[Literal["nvidia", "rocm", "off"], Allowed("nvidia, rocm or off")] = Field(
        default="nvidia", description="Which GPU libraries of the node apptainer brings in."
    )


class EnvSection(Section):
    """What the job's shell prepares before JupyterLab starts, in the order of these keys."""

    prologue: fields.Shell | None = Field(
        default=None, description="Lines of bash that run before anything else here."
    )
    module_purge: fields.Flag | None = Field(
        default=None, description="Whether to unload all modules before loading these."
    )
    modules: fields.Modules | None = Field(
        default=None, description="Environment modules, loaded in this order."
    )
    vars: dict[fields.VariableName, fields.VariableValue] = Field(
        default={}, description="Environment variables of JupyterLab and its kernels; no place for secrets."
    )
    conda: fields.Line | None = Field(default=None, description="Conda environment: its name, or its path.")
    venv: fields.Folder | None = Field(
        default=None, description="Virtual environment; the project's `.venv` if unset and there."
    )
    container: ContainerSection | None = Field(default=None, description="Container to run JupyterLab in.")
    epilogue: fields.Shell | None = Field(
        default=None, description="Lines of bash that run after JupyterLab has ended."
    )


class ServerSection(Section):
    """Where JupyterLab listens, and how long to wait; durations are in seconds."""

    port_min: fields.Port = Field(default=18_000, description="First port to try.")
    port_max: fields.Port = Field(default=19_000, description="Last port to try.")
    bind_ip: fields.Address | None = Field(
        default=None,
        description="Address JupyterLab listens on; if unset 127.0.0.1, in a SLURM job every one.",
    )
    interface: fields.Interface | None = Field(
        default=None, description="Network interface it listens on, such as ib0; instead of `bind_ip`."
    )
    idle_timeout: fields.Seconds | None = Field(
        default=None, description="Seconds without a running cell until the server ends; never if unset."
    )
    spare_kernels: fields.Spares = Field(
        default=1, description="Kernels kept ready, so that nobody waits for their start: 0 or 1."
    )
    command_timeout: fields.Seconds = Field(
        default=30.0, description="Seconds that one command of SLURM may take."
    )
    queue_timeout: fields.Seconds | None = Field(
        default=None, description="Seconds to wait in the queue; the job stays queued. For ever if unset."
    )
    ready_timeout: fields.Seconds = Field(default=120.0, description="Seconds from launch to ready.")
    time_left_warning: fields.Seconds = Field(
        default=600.0, description="Seconds left of a job's time limit at which answers begin to warn."
    )
    stop_timeout: fields.Seconds = Field(default=10.0, description="Seconds from SIGTERM to SIGKILL.")


class NotebookSection(Section):
    """Where notebooks live."""

    dir: fields.Folder = Field(
        default=Path("notebooks"), description="Folder; relative to the project folder."
    )


class OutputSection(Section):
    """When, and how much of a cell's output an agent is shown; the notebook keeps all of it."""

    wait_seconds: fields.Seconds | None = Field(
        default=50.0,
        description="Seconds until a call answers though its code still runs; many clients give up after 60. "
        "Not before the code has ended if `none`.",
    )

    text_chars: fields.Count = Field(default=12_000, description="Characters of text per answer.")
    image_edge: fields.Count = Field(default=1_568, description="Pixels along an image's longer edge.")
    image_bytes: fields.Count = Field(default=600_000, description="Bytes per image.")


class PathsSection(Section):
    """Where jlab-mcp keeps its own files."""

    dir: fields.Folder = Field(default=Path("~/.jlab-mcp"), description="Folder of everything below.")
    log_dir: fields.Folder | None = Field(
        default=None, description="Logs of servers; `logs` under `dir` if unset."
    )
    connection_dir: fields.Folder | None = Field(
        default=None, description="Records and connection files; `connections` under `dir` if unset."
    )
    slurm_conf: fields.Folder | None = Field(
        default=None,
        description="The cluster's slurm.conf (SLURM_CONF), where SLURM's commands need to be told it.",
    )


class MatchSection(Section):
    """The machines a profile is for; one of its patterns is enough."""

    hostname: fields.Names | None = Field(
        default=None, description="Shell patterns of host names, short or full, such as login*.example.org."
    )
    cluster: fields.Names | None = Field(
        default=None, description="Shell patterns of the cluster's name (SLURM's ClusterName)."
    )


class Settings(Section):
    """What every kind of settings file can say."""

    version: Annotated[
        Literal[1], BeforeValidator(fields.no_truth), Allowed("1, the only version of this format")
    ] = Field(default=1, description="Version of this format.")
    mode: Annotated[Literal["auto", "slurm", "local"], Allowed("local, slurm or auto")] = Field(
        default="auto", description="Where servers run; `auto`: slurm if `sbatch` is on PATH, else local."
    )
    template: fields.Folder | None = Field(
        default=None, description="File of an sbatch script template; relative to this file's folder."
    )
    slurm: SlurmSection = SlurmSection()
    env: EnvSection = EnvSection()
    server: ServerSection = ServerSection()
    notebook: NotebookSection = NotebookSection()
    output: OutputSection = OutputSection()
    paths: PathsSection = PathsSection()


class Profile(Settings):
    """One machine, cluster or GPU type: what `NAME.toml` can say."""

    extends: fields.ProfileName | None = Field(
        default=None, description="Profile that gives all values not set here."
    )
    description: fields.Line | None = Field(default=None, description="One line for people.")
    match: MatchSection | None = Field(default=None, description="The machines it is for; not inherited.")
    required: fields.Names | None = Field(
        default=None, description="Settings the user has to fill in, such as slurm.account."
    )
    source: fields.Line | None = Field(default=None, description="Where the values were read.")
    verified: fields.Line | None = Field(default=None, description="When and how they were last checked.")


class ConfigFile(Settings):
    """The user's or the site's `config.toml`, and a project's `.jlab-mcp.toml`."""

    profile: fields.ProfileName | None = Field(
        default=None, description="Profile to use where nothing else names one."
    )
