"""What this host has and how much of it is in use: processors, memory, GPUs, kernels.

Nothing here fails: what cannot be known is null, and why there are no GPU figures is said in `gpu_note`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import gpus, host

TOOL_SECONDS = 5.0
_GONE_SECONDS = 0.5  # how long a killed tool is waited for; one stuck in a driver does not go
_NOTE_CHARS = 200

_meter = host.CpuMeter()


@dataclass(frozen=True)
class _Answer:
    """What a tool printed; `error` says in words why that is of no use."""

    text: str = ""
    error: str | None = None


def begin() -> None:
    """Begin to measure how busy the processors are: the first answer counts from here."""
    _meter.percent()


async def read_resources(
    kernels: Iterable[Mapping[str, Any]] = (),
    *,
    environ: Mapping[str, str] | None = None,
    tool_seconds: float = TOOL_SECONDS,
) -> dict[str, Any]:
    """Return what `GET resources` answers.

    Args:
        kernels: one mapping for each kernel, with `kernel_id`, `session_id` and `pid`.
        environ: the environment to heed (PATH, CUDA_VISIBLE_DEVICES …); none: this process's.
        tool_seconds: how long a GPU tool may take.
    """
    found, tool, note = await _read_gpus(os.environ if environ is None else environ, tool_seconds)
    quota, limit = host.cgroup_limits()
    total, available = host.memory()
    return {
        "hostname": socket.gethostname(),
        "cpus": {
            "count": os.cpu_count(),
            "usable": host.usable_cpus(quota),
            "load_1m": host.load_1m(),
            "percent": _meter.percent(),
        },
        "memory": {
            "total": total,
            "available": available,
            "limit": None if limit is None or (total is not None and limit >= total) else limit,
            "service_rss": host.resident("self"),
        },
        "gpus": found,
        "gpu_tool": tool,
        "gpu_note": note,
        "kernels": [{**kernel, "rss": _resident(kernel.get("pid"))} for kernel in kernels],
    }


def _resident(pid: object) -> int | None:
    return host.resident(pid) if isinstance(pid, int) else None


async def _read_gpus(
    environ: Mapping[str, str], seconds: float
) -> tuple[list[gpus.Gpu], str | None, str | None]:
    vendors = await asyncio.gather(_read_nvidia(environ, seconds), _read_amd(environ, seconds))
    found = [gpu for cards, _, _ in vendors for gpu in cards]
    tools = [tool for _, tool, _ in vendors if tool]
    notes = [note for _, _, note in vendors if note]
    if not tools:
        return [], None, "no GPU tool on PATH (nvidia-smi, amd-smi, rocm-smi)"
    return found, ", ".join(tools), "; ".join(notes) or None


async def _read_nvidia(
    environ: Mapping[str, str], seconds: float
) -> tuple[list[gpus.Gpu], str | None, str | None]:
    tool = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if not tool:
        return [], None, None
    query, listed = await asyncio.gather(
        _run(tool, gpus.NVIDIA_QUERY, environ, seconds), _run(tool, gpus.NVIDIA_LIST, environ, seconds)
    )
    found = gpus.parse_nvidia_smi(query.text)
    if query.error or not found:
        return [], "nvidia-smi", query.error or "nvidia-smi lists no GPU"
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    found, note = gpus.select_visible(found, gpus.parse_nvidia_list(listed.text), visible)
    return found, "nvidia-smi", note


async def _read_amd(
    environ: Mapping[str, str], seconds: float
) -> tuple[list[gpus.Gpu], str | None, str | None]:
    names = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
    visible = next((environ[name] for name in names if name in environ), None)
    asked: str | None = None
    why: str | None = None
    for name, read in (("amd-smi", _amd_smi), ("rocm-smi", _rocm_smi)):
        tool = shutil.which(name, path=environ.get("PATH"))
        if not tool:
            continue
        found, error = await read(tool, environ, seconds)
        if found:
            found, note = gpus.select_visible(found, {}, visible)
            return found, name, note
        asked, why = asked or name, why or error or f"{name} lists no GPU"
    return [], asked, why


async def _amd_smi(
    tool: str, environ: Mapping[str, str], seconds: float
) -> tuple[list[gpus.Gpu], str | None]:
    metric, static = await asyncio.gather(
        _run(tool, gpus.AMD_METRIC, environ, seconds), _run(tool, gpus.AMD_STATIC, environ, seconds)
    )
    return gpus.parse_amd_smi(metric.text, static.text), metric.error


async def _rocm_smi(
    tool: str, environ: Mapping[str, str], seconds: float
) -> tuple[list[gpus.Gpu], str | None]:
    answer = await _run(tool, gpus.ROCM_QUERY, environ, seconds)
    return gpus.parse_rocm_smi(answer.text), answer.error


async def _run(tool: str, arguments: Iterable[str], environ: Mapping[str, str], seconds: float) -> _Answer:
    name = os.path.basename(tool)
    try:
        process = await asyncio.create_subprocess_exec(
            tool,
            *arguments,
            env={**environ, "LC_ALL": "C"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return _Answer(error=f"{name} cannot be run: {error.strerror or error}")
    try:
        out, err = await asyncio.wait_for(process.communicate(), seconds)
    except asyncio.TimeoutError:
        return _Answer(error=f"{name} did not answer within {seconds:g} s")
    finally:
        await _end(process)
    text = out.decode(errors="replace")
    if process.returncode == 0:
        return _Answer(text)
    said = next(
        (line.strip() for line in (text + "\n" + err.decode(errors="replace")).splitlines() if line.strip()),
        "",
    )
    return _Answer(
        error=f"{name} failed with exit code {process.returncode}: {said[:_NOTE_CHARS] or 'no message'}"
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(process.wait(), _GONE_SECONDS)
