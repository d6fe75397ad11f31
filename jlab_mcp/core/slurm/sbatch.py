"""What sbatch is told: its options as `#SBATCH` lines, its command line, and its environment.

`#SBATCH` lines are not shell. sbatch splits them itself, and takes a text in double quotes as it is, but
for a backslash before a quote or another backslash. Variables such as `SBATCH_ACCOUNT` beat these lines
without a word, so sbatch gets an environment without them; nothing has to be said twice.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from jlab_mcp.core.profile import SlurmSection
from jlab_mcp.core.scripting.bash import has_control
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jlab_mcp.core.resolver import ResolvedProfile

DEFAULT_PREFIX = "jlab-mcp"
LONGEST_NAME = 1_024
"""Bytes that slurmctld takes for a job's name."""

_PLAIN = re.compile(r"[A-Za-z0-9_./:,=@+-]*")
_OFF = {"requeue": "--no-requeue"}
"""What the value false is called, where it is an option of its own."""
_KEPT = ("SLURM_CONF", "SLURM_JWT", "SLURM_SACK")
"""Beginnings of the variables that say how SLURM is reached, not what is asked of it."""
_DROPPED = ("SBATCH_", "SALLOC_", "SRUN_", "SLURM_", "SLURMD_", "JUPYTER_TOKEN")
_OTHER_NAMES = {
    "SBATCH_TIMELIMIT": "time",
    "SBATCH_MEM_PER_NODE": "mem",
    "SBATCH_NO_REQUEUE": "requeue",
    "SLURM_CLUSTERS": "clusters",
}
"""sbatch's variables that are not called like their option."""


def option_of(field: str) -> str:
    """Return sbatch's long option of a field."""
    return f"--{field.replace('_', '-')}"


def job_name(resolved: ResolvedProfile, server_id: str | None = None) -> str:
    """Return the job's name; with a launch's id no other job has it, so the job can be found by it."""
    parts = [resolved.slurm.job_name or DEFAULT_PREFIX, resolved.paths.key, server_id]
    return "-".join(part for part in parts if part)


def directives(resolved: ResolvedProfile, log_file: Path, server_id: str | None = None) -> list[str]:
    """Return sbatch's options as they stand on `#SBATCH` lines; unset values give none.

    Raises:
        ConfigError: a value holds a control character.
    """
    asked = [
        *_of_section(resolved.slurm, job_name(resolved, server_id)),
        f"--chdir={resolved.project_dir}",
        f"--output={str(log_file).replace('%', '%%')}",  # a % would start one of sbatch's patterns
        "--open-mode=append",  # a job that is requeued keeps what it said before
    ]
    return [quoted(option) for option in asked]


def quoted(option: str) -> str:
    """Quote an option's value for an `#SBATCH` line.

    Raises:
        ConfigError: it holds a control character, which has no quote there.
    """
    if has_control(option):
        raise ConfigError([f"{option!r} holds a control character, which a SLURM job cannot be given"])
    name, equals, value = option.partition("=")
    return f"{name}{equals}{directive_word(value)}"


def directive_word(value: str) -> str:
    """Quote a text as one word of an `#SBATCH` line; it must be one line."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def sbatch_command(script: Path) -> list[str]:
    """Return the command that submits a script and prints `ID` or `ID;CLUSTER`."""
    return ["sbatch", "--parsable", str(script)]


def submit_environment(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the environment for sbatch, and the names that were left out of the given one.

    What asks SLURM for something goes, and what a job around this process left behind; what says how
    SLURM is reached stays. Tokens of Jupyter go, because clusters may keep a job's environment.
    """
    removed = [name for name in environ if name.startswith(_DROPPED) and not name.startswith(_KEPT)]
    return {name: value for name, value in environ.items() if name not in removed}, sorted(removed)


def unused_variables(resolved: ResolvedProfile, environ: Mapping[str, str]) -> list[str]:
    """Say of each variable of sbatch's that a profile can state, and does not state alike, what to do."""
    return [
        f"{name}={shlex.quote(environ[name])} in your environment is not used;"
        f" set slurm.{field} in the profile"
        for name in sorted(environ)
        if (field := _field_of(name)) and str(getattr(resolved.slurm, field)) != environ[name]
    ]


def _of_section(slurm: SlurmSection, name: str) -> Iterator[str]:
    """Yield the options of all fields, in the model's order."""
    for field in SlurmSection.model_fields:
        value = name if field == "job_name" else getattr(slurm, field)
        if isinstance(value, tuple):
            yield from value
        elif value is True:
            yield option_of(field)
        elif value is False:
            yield from [_OFF[field]] if field in _OFF else []
        elif value is not None:
            yield f"{option_of(field)}={value}"


def _field_of(variable: str) -> str | None:
    """Return the field that says what a variable of sbatch's says."""
    field = _OTHER_NAMES.get(variable)
    if field is None and variable.startswith("SBATCH_"):
        field = variable.removeprefix("SBATCH_").lower()
    return field if field in SlurmSection.model_fields else None
