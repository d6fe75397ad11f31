"""What a profile can say: one machine, cluster or GPU type, and how to use it.

Names of scheduler settings are sbatch's long options with `_` for `-`; units are SLURM's own. Every
section is frozen and refuses keys it does not know. The word `none` drops a value that a lower layer set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from jlab_mcp.core.walltime import ALLOWED_WALLTIME, walltime_seconds

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a field accepts, in the words of an error message: "expected …"."""

    text: str


def _one_line(text: str) -> str:
    if not text.strip() or _CONTROL.search(text):
        raise ValueError
    return text


def _walltime(text: str) -> str:
    walltime_seconds(text)
    return text.strip()


def _address(text: str) -> str:
    import ipaddress  # noqa: PLC0415 - 10 ms that only a set value pays

    return str(ipaddress.ip_address(text))


def _nameable(path: Path) -> Path:
    if b"\0" in str(path).encode("utf-8"):  # an encoding error is a ValueError, too
        raise ValueError
    return path


def _split_modules(value: object) -> object:
    return tuple(re.split(r"[\s,]+", value.strip())) if isinstance(value, str) else value


Line = Annotated[str, AfterValidator(_one_line), Allowed("one line of text without control characters")]
Walltime = Annotated[str, AfterValidator(_walltime), Allowed(ALLOWED_WALLTIME)]
Memory = Annotated[
    str, Field(pattern=r"^\d+[KMGTkmgt]?$"), Allowed("megabytes, or a number with K, M, G or T")
]
Module = Annotated[str, Field(pattern=r"^[^\s\-'\"\x00-\x1f][^\s'\"\x00-\x1f]*$")]
Modules = Annotated[
    tuple[Module, ...],
    BeforeValidator(_split_modules),
    Allowed("module names separated by spaces or commas, such as `cuda/12.4 anaconda`"),
]
Port = Annotated[int, Field(ge=1, le=_LAST_PORT), Allowed(f"a whole number from 1 to {_LAST_PORT}")]
Address = Annotated[str, AfterValidator(_address), Allowed("an IP address, such as 127.0.0.1 or 0.0.0.0")]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400), Allowed("seconds, above 0")]
Count = Annotated[int, Field(ge=1), Allowed("a whole number of at least 1")]
Folder = Annotated[Path, AfterValidator(_nameable), Allowed("a path in UTF-8")]


class Section(BaseModel):
    """A part of a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_none(cls, values: Any) -> Any:
        """Turn the word `none` into no value at all."""
        if not isinstance(values, dict):
            return values
        return {
            key: None if isinstance(value, str) and value.strip().lower() == "none" else value
            for key, value in values.items()
        }


class SlurmSection(Section):
    """What to ask SLURM for; an unset value gives no `#SBATCH` line."""

    partition: Line | None = Field(
        default=None, description="`--partition`: one name, or several with commas."
    )
    gres: Line | None = Field(default=None, description="`--gres`, such as gpu:1 or gpu:a100:2.")
    cpus_per_task: Count | None = Field(default=None, description="`--cpus-per-task`: CPU cores.")
    mem: Memory | None = Field(default=None, description="`--mem` per node: megabytes, or with K, M, G, T.")
    time: Walltime | None = Field(default=None, description="`--time`: how long the job may run.")


class EnvSection(Section):
    """What the job's shell prepares before JupyterLab starts."""

    modules: Modules | None = Field(default=None, description="Environment modules, loaded in this order.")


class ServerSection(Section):
    """Where JupyterLab listens, and how long to wait for it."""

    port_min: Port = Field(default=18_000, description="First port to try.")
    port_max: Port = Field(default=19_000, description="Last port to try.")
    bind_ip: Address = Field(default="127.0.0.1", description="Address JupyterLab listens on.")
    ready_timeout: Seconds = Field(default=120.0, description="Seconds from launch to ready.")
    stop_timeout: Seconds = Field(default=10.0, description="Seconds from SIGTERM to SIGKILL.")

    @model_validator(mode="after")
    def _range_is_upright(self) -> ServerSection:
        if self.port_min > self.port_max:
            raise PydanticCustomError("contradiction", "is above", {"fields": ("port_min", "port_max")})
        return self


class NotebookSection(Section):
    """Where notebooks live."""

    dir: Folder = Field(default=Path("notebooks"), description="Folder; relative to the project folder.")


class OutputSection(Section):
    """How much of a cell's output an agent is shown; the notebook keeps all of it."""

    text_chars: Count = Field(default=12_000, description="Characters of text per answer.")
    image_edge: Count = Field(default=1_568, description="Pixels along an image's longer edge.")
    image_bytes: Count = Field(default=600_000, description="Bytes per image.")


class PathsSection(Section):
    """Where jlab-mcp keeps its own files."""

    dir: Folder = Field(default=Path("~/.jlab-mcp"), description="Folder of everything below.")
    log_dir: Folder | None = Field(default=None, description="Logs of servers; `logs` under `dir` if unset.")
    connection_dir: Folder | None = Field(
        default=None, description="Records and connection files; `connections` under `dir` if unset."
    )


class Profile(Section):
    """One machine, cluster or GPU type."""

    version: Literal[1] = Field(default=1, description="Version of this format.")
    description: Line | None = Field(default=None, description="One line for people.")
    source: Line | None = Field(default=None, description="Where the values were read.")
    verified: Line | None = Field(default=None, description="When and how they were last checked.")
    mode: Annotated[Literal["auto", "slurm", "local"], Allowed("local, slurm or auto")] = Field(
        default="auto", description="Where servers run; `auto`: slurm if `sbatch` is on PATH, else local."
    )
    slurm: SlurmSection = SlurmSection()
    env: EnvSection = EnvSection()
    server: ServerSection = ServerSection()
    notebook: NotebookSection = NotebookSection()
    output: OutputSection = OutputSection()
    paths: PathsSection = PathsSection()
