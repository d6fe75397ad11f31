"""Types of a profile's values: what each accepts, and the words in which an error says so.

Units and forms are SLURM's own (sbatch(1)); values are passed on as they are written.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from jlab_mcp.core.walltime import ALLOWED_WALLTIME, walltime_seconds

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that end a line, or that no quote makes harmless."""

_LAST_PORT = 65_535
_MOST_BYTES = 1024
"""Longer values are refused by slurmctld."""
_REFERENCE = re.compile(r"\$[A-Za-z_{]")
_GRES_ITEM = r"[A-Za-z0-9_.\-/]+(?::[A-Za-z0-9_.\-]+){0,2}"
_GPU_ITEM = r"(?:[A-Za-z0-9_.\-]+:)?[1-9][0-9]*"
_SHELL_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MAIL_TYPES = (
    *("NONE", "BEGIN", "END", "FAIL", "REQUEUE", "ALL", "INVALID_DEPEND", "STAGE_OUT", "TIME_LIMIT"),
    *("TIME_LIMIT_90", "TIME_LIMIT_80", "TIME_LIMIT_50", "ARRAY_TASKS"),
)
OWNED_OPTIONS = {
    **dict.fromkeys(("chdir", "output", "error", "open-mode"), "jlab-mcp sets it itself"),
    **dict.fromkeys(("parsable", "wait", "test-only", "quiet"), "jlab-mcp reads what sbatch answers"),
    **dict.fromkeys(("array", "wrap", "input"), "a server is one job with a script of its own"),
    **dict.fromkeys(("uid", "gid"), "jobs run as their user"),
}
"""sbatch options that `extra_directives` may not set, and why."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a field accepts, in the words of an error message: "expected …"."""

    text: str


def _one_line(text: str) -> str:
    if not text.strip() or CONTROL.search(text) or len(text.encode("utf-8")) > _MOST_BYTES:
        raise ValueError  # encoding may raise one, too
    return text


def _value(text: str) -> str:
    text.encode("utf-8")  # an encoding error is a ValueError, too
    if CONTROL.search(text):
        raise ValueError
    return text


def _shell(text: str) -> str:
    text.encode("utf-8")
    if _SHELL_CONTROL.search(text):
        raise ValueError
    return text


def _walltime(text: str) -> str:
    walltime_seconds(text)
    return text.strip()


def _digits(value: object) -> object:
    """Take a whole number where SLURM takes digits; `true` is none."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def no_truth(value: object) -> object:
    """Refuse `true` where a number is expected; pydantic would take it for 1."""
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - pydantic turns it into a problem of the value
    return value


def _address(text: str) -> str:
    import ipaddress  # noqa: PLC0415 - 10 ms that only a set value pays

    return str(ipaddress.ip_address(text))


def _path(path: Path) -> Path:
    if b"\0" in str(path).encode("utf-8") or _REFERENCE.search(str(path)):  # may raise a ValueError, too
        raise ValueError
    return path


def split_names(value: object) -> object:
    """Split a text of names as a variable gives it; anything else stays as it is."""
    return tuple(re.split(r"[\s,]+", value.strip())) if isinstance(value, str) else value


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _split_shell(value: object) -> object:
    return tuple(shlex.split(value)) if isinstance(value, str) else value


def _mail_types(text: str) -> str:
    if any(part not in _MAIL_TYPES for part in text.upper().split(",")):
        raise ValueError
    return text.upper()


def _directive(text: str) -> str:
    name = text.removeprefix("--").partition("=")[0]
    if name in OWNED_OPTIONS:
        raise PydanticCustomError(
            "own_words", "`--{name}` cannot be set: {why}", {"name": name, "why": OWNED_OPTIONS[name]}
        )
    return _one_line(text)


_Positive = Annotated[int, Field(ge=1)]
_Natural = Annotated[int, Field(ge=0)]
Line = Annotated[str, AfterValidator(_one_line), Allowed("one line of text without control characters")]
Word = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f]+$"),
    AfterValidator(_one_line),
    Allowed("text without spaces"),
]
Walltime = Annotated[
    str,
    AfterValidator(_walltime),
    BeforeValidator(_digits, json_schema_input_type=str | _Positive),
    Allowed(ALLOWED_WALLTIME),
]
_MemoryText = Annotated[str, Field(pattern=r"^[0-9]+(?:[KMGTkmgt][Bb]?)?$")]
Memory = Annotated[
    _MemoryText,
    BeforeValidator(_digits, json_schema_input_type=_MemoryText | _Natural),
    Allowed("megabytes, or a number with K, M, G or T"),
]
Gres = Annotated[
    str,
    Field(pattern=rf"^{_GRES_ITEM}(?:,{_GRES_ITEM})*$"),
    Allowed("NAME[:TYPE][:COUNT], several with commas, such as gpu:1 or gpu:a100:2"),
]
_GpusText = Annotated[str, Field(pattern=rf"^{_GPU_ITEM}(?:,{_GPU_ITEM})*$")]
Gpus = Annotated[
    _GpusText,
    BeforeValidator(_digits, json_schema_input_type=_GpusText | _Positive),
    Allowed("[TYPE:]COUNT, such as 1 or a100:2"),
]
_NodesText = Annotated[str, Field(pattern=r"^[1-9][0-9]*(?:-[1-9][0-9]*)?$")]
Nodes = Annotated[
    _NodesText,
    BeforeValidator(_digits, json_schema_input_type=_NodesText | _Positive),
    Allowed("a number of nodes, or MIN-MAX"),
]
_SignalText = Annotated[
    str, Field(pattern=r"^(?:(?:[RBrb]{1,2}):)?(?:[1-9][0-9]?|[A-Za-z][A-Za-z0-9+]+)(?:@[0-9]{1,5})?$")
]
Signal = Annotated[
    _SignalText,
    BeforeValidator(_digits, json_schema_input_type=_SignalText | _Positive),
    Allowed("[{R|B}:]SIGNAL[@SECONDS], such as TERM@120"),
]
MailTypes = Annotated[str, AfterValidator(_mail_types), Allowed(f"of {', '.join(_MAIL_TYPES)}, with commas")]
Exclusive = Annotated[
    bool | Literal["user", "mcs", "topo"],
    Field(union_mode="left_to_right"),
    Allowed("true, false, user, mcs or topo"),
]
UserEnv = Annotated[
    bool | Annotated[str, Field(pattern=r"^(?:[0-9]+[SL]?|[SL])$")],
    Field(union_mode="left_to_right"),
    Allowed("true, false, or [SECONDS][S|L], such as 10L"),
]
Nice = Annotated[
    int, Field(ge=-2_147_483_645, le=2_147_483_645), BeforeValidator(no_truth), Allowed("a whole number")
]
Flag = Annotated[bool, Allowed("true or false")]
Directive = Annotated[str, Field(pattern=r"^--[a-z][a-z0-9_-]+(?:=.*)?$"), AfterValidator(_directive)]
Directives = Annotated[
    tuple[Directive, ...],
    BeforeValidator(_split_shell, json_schema_input_type=tuple[Directive, ...] | str),
    Allowed('sbatch\'s long options as a list, such as ["--gpu_cmode=shared"]'),
]
Module = Annotated[
    str, Field(pattern=r"^[^\s\-'\"\x00-\x1f\x7f][^\s'\"\x00-\x1f\x7f]*$"), AfterValidator(_one_line)
]
Modules = Annotated[
    tuple[Module, ...],
    BeforeValidator(split_names, json_schema_input_type=tuple[Module, ...] | str),
    Allowed("module names separated by spaces or commas, such as `cuda/12.4 anaconda`"),
]
Names = Annotated[
    tuple[Word, ...],
    BeforeValidator(split_names, json_schema_input_type=tuple[Word, ...] | str),
    Allowed("names separated by spaces or commas, or a list"),
]
Lines = Annotated[
    tuple[Line, ...],
    BeforeValidator(_split_commas, json_schema_input_type=tuple[Line, ...] | str),
    Allowed("a list of lines of text"),
]
Shell = Annotated[
    str, AfterValidator(_shell), Allowed("lines of bash without control characters other than tab")
]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableValue = Annotated[
    str,
    BeforeValidator(_digits),
    AfterValidator(_value),
    Allowed("one line of text without control characters"),
]
Port = Annotated[
    int,
    Field(ge=1, le=_LAST_PORT),
    BeforeValidator(no_truth),
    Allowed(f"a whole number from 1 to {_LAST_PORT}"),
]
Address = Annotated[str, AfterValidator(_address), Allowed("an IP address, such as 127.0.0.1 or 0.0.0.0")]
Interface = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_.:@-]{1,15}$"), Allowed("the name of a network interface, such as ib0")
]
Seconds = Annotated[
    float, Field(gt=0, le=366 * 86_400), BeforeValidator(no_truth), Allowed("seconds, above 0")
]
Count = Annotated[int, Field(ge=1), BeforeValidator(no_truth), Allowed("a whole number of at least 1")]
Spares = Annotated[int, Field(ge=0, le=1), BeforeValidator(no_truth), Allowed("0 or 1")]
Folder = Annotated[
    Path,
    AfterValidator(_path),
    Allowed("a path in UTF-8 without `$NAME`, which is not expanded"),
]
ProfileName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
    Allowed("a name of letters, digits, dots, dashes and underscores"),
]


def gpus_in_gres(gres: str) -> list[str]:
    """Return the items of a `--gres` list that ask for GPUs; `gpumem:24g` is none of them."""
    return [item for item in gres.split(",") if item.split(":")[0] == "gpu"]
