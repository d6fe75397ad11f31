"""What the vendors' tools print about GPUs, read into one shape. Pure.

`nvidia-smi` is asked for CSV with its header, so that columns are found by name; AMD's tools for JSON, whose
keys and layout differ from release to release.
"""

from __future__ import annotations

import csv
import json
import re
from typing import Any, Union

Gpu = dict[str, Union[int, float, str, None]]
"""One GPU: index, name, uuid, memory_total, memory_used (bytes), utilization (%), temperature (C), power."""

NVIDIA_COLUMNS = (
    "index",
    "name",
    "uuid",
    "memory.total",
    "memory.used",
    "utilization.gpu",
    "temperature.gpu",
    "power.draw",
)
NVIDIA_QUERY = (f"--query-gpu={','.join(NVIDIA_COLUMNS)}", "--format=csv,nounits")
NVIDIA_LIST = ("-L",)
AMD_METRIC = ("metric", "--usage", "--mem-usage", "--temperature", "--power", "--json")
AMD_STATIC = ("static", "--asic", "--board", "--json")
ROCM_QUERY = (
    "--showproductname",
    "--showuniqueid",
    "--showuse",
    "--showmeminfo",
    "vram",
    "--showtemp",
    "--showpower",
    "--json",
)

_MIB = 1024 * 1024
_UNITS = {"B": 1, "KB": 1024, "MB": _MIB, "GB": 1024 * _MIB, "TB": 1024 * 1024 * _MIB}
_CARD = re.compile(r"card(\d+)\Z")
_LISTED_GPU = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)]+)\)?")
_LISTED_MIG = re.compile(r"\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)?")


def parse_nvidia_smi(text: str) -> list[Gpu]:
    """Read `nvidia-smi --query-gpu=… --format=csv,nounits`; columns that are missing or N/A are null."""
    rows = [row for row in csv.reader(text.splitlines(), skipinitialspace=True) if len(row) > 1]
    if not rows:
        return []
    columns = [re.sub(r"\s*\[.*\]\s*\Z", "", title).strip() for title in rows[0]]
    gpus: list[Gpu] = []
    for position, row in enumerate(rows[1:]):
        values = dict(zip(columns, (value.strip() for value in row)))
        index = _number(values.get("index"))
        gpus.append(
            {
                "index": position if index is None else int(index),
                "name": values.get("name") or values.get("gpu_name"),
                "uuid": values.get("uuid") or values.get("gpu_uuid"),
                "memory_total": _bytes(values.get("memory.total"), _MIB),
                "memory_used": _bytes(values.get("memory.used"), _MIB),
                "utilization": _number(values.get("utilization.gpu")),
                "temperature": _number(values.get("temperature.gpu")),
                "power": _number(values.get("power.draw")),
            }
        )
    return gpus


def parse_nvidia_list(text: str) -> dict[str, dict[str, str]]:
    """Read `nvidia-smi -L`: for each GPU's UUID its MIG instances, UUID to profile name."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        gpu, mig = _LISTED_GPU.match(line), _LISTED_MIG.match(line)
        if gpu:
            current = found.setdefault(gpu.group(2), {})
        elif mig:
            current[mig.group(3)] = mig.group(1)
    return found


def parse_rocm_smi(text: str) -> list[Gpu]:
    """Read `rocm-smi … --json`, of any release since 2.x; warnings before the JSON are skipped."""
    content = _json(text, "{")
    gpus: list[Gpu] = []
    for key, card in content.items() if isinstance(content, dict) else ():
        match = _CARD.match(key)
        if not match or not isinstance(card, dict):
            continue
        values = {str(name).lower(): value for name, value in card.items()}
        name = _first(values, "card series", "device name", "card model")
        gpus.append(
            {
                "index": int(match.group(1)),
                "name": None if name is None else str(name),
                "uuid": _amd_uuid(values.get("unique id")),
                "memory_total": _bytes(values.get("vram total memory (b)"), 1),
                "memory_used": _bytes(values.get("vram total used memory (b)"), 1),
                "utilization": _number(values.get("gpu use (%)")),
                "temperature": _first_number(
                    values, "temperature (sensor junction) (c)", "temperature (sensor edge) (c)"
                ),
                "power": _first_number(
                    values,
                    "average graphics package power (w)",
                    "current socket graphics package power (w)",
                ),
            }
        )
    return sorted(gpus, key=lambda gpu: int(gpu["index"] or 0))


def parse_amd_smi(metric: str, static: str = "") -> list[Gpu]:
    """Read `amd-smi metric … --json` and, for names and ids, `amd-smi static … --json`."""
    names = {card.get("gpu"): card for card in _amd_cards(static)}
    gpus: list[Gpu] = []
    for card in _amd_cards(metric):
        index = card.get("gpu")
        fixed = names.get(index, {})
        asic, board = _section(fixed, "asic"), _section(fixed, "board")
        usage, memory = _section(card, "usage"), _section(card, "mem_usage") or _section(card, "vram")
        name = _first(asic, "market_name") or ""
        # Some releases name the chip by its number, and the board by its name.
        if not name or str(name).startswith("0x"):
            name = _first(board, "product_name") or name
        gpus.append(
            {
                "index": int(index) if isinstance(index, int) else len(gpus),
                "name": str(name) or None,
                "uuid": _amd_uuid(_first(asic, "asic_serial")),
                "memory_total": _amd_bytes(_first(memory, "total_vram", "vram_total")),
                "memory_used": _amd_bytes(_first(memory, "used_vram", "vram_used")),
                "utilization": _first_number(usage, "gfx_activity", "gfx_usage"),
                "temperature": _first_number(_section(card, "temperature"), "hotspot", "edge"),
                "power": _first_number(
                    _section(card, "power"), "socket_power", "current_socket_power", "average_socket_power"
                ),
            }
        )
    return gpus


def select_visible(
    gpus: list[Gpu], instances: dict[str, dict[str, str]], visible: str | None
) -> tuple[list[Gpu], str | None]:
    """Return the GPUs that a program sees under this value of CUDA_VISIBLE_DEVICES, and a note.

    Args:
        gpus: all GPUs that the tool lists.
        instances: MIG instances by GPU UUID.
        visible: the value; none if the variable is not set.
    """
    notes = []
    if visible is not None:
        chosen = _chosen(gpus, instances, visible)
        if len(chosen) < len(gpus):
            notes.append(f"{len(gpus)} GPUs on the machine, {len(chosen)} visible to kernels ({visible!r})")
        gpus = chosen
    for gpu in gpus:
        profiles = list(instances.get(str(gpu["uuid"]), {}).values())
        if profiles:
            parts = ", ".join(profiles)
            notes.append(f"GPU {gpu['index']} is divided by MIG ({parts}): the figures are the whole GPU's")
    return gpus, "; ".join(notes) or None


def _chosen(gpus: list[Gpu], instances: dict[str, dict[str, str]], visible: str) -> list[Gpu]:
    chosen: list[Gpu] = []
    for name in visible.split(","):
        gpu = next((gpu for gpu in gpus if _is_named(gpu, instances, name.strip())), None)
        if gpu is None:
            break  # as CUDA does: what follows a device that is not there is not seen
        if gpu not in chosen:
            chosen.append(gpu)
    return chosen


def _is_named(gpu: Gpu, instances: dict[str, dict[str, str]], name: str) -> bool:
    if name.isdigit():
        return gpu["index"] == int(name)
    uuid = str(gpu["uuid"] or "")
    if name.startswith("MIG-GPU-"):  # before driver 470: MIG-GPU-UUID/GI/CI
        return name[len("MIG-") :].split("/", 1)[0] == uuid
    if name.startswith("MIG-"):
        return any(mig.startswith(name) for mig in instances.get(uuid, {}))
    return len(name) > len("GPU-") and uuid.lower().startswith(name.lower())


def _json(text: str, *opening: str) -> Any:
    starts = [start for start in (text.find(mark) for mark in opening) if start >= 0]
    if not starts:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, min(starts))[0]
    except ValueError:
        return None


def _amd_cards(text: str) -> list[dict[str, Any]]:
    content = _json(text, "{", "[\n", "[{")
    if isinstance(content, dict):
        content = content.get("gpu_data")
    return [card for card in content if isinstance(card, dict)] if isinstance(content, list) else []


def _section(card: dict[str, Any], name: str) -> dict[str, Any]:
    section = card.get(name)
    return section if isinstance(section, dict) else {}


def _first(values: dict[str, Any], *names: str) -> object:
    found = (values.get(name) for name in names)
    return next((value for value in found if value is not None and value not in ("", "N/A")), None)


def _first_number(values: dict[str, Any], *names: str) -> float | None:
    numbers = (_number(values.get(name)) for name in names)
    return next((number for number in numbers if number is not None), None)


def _number(value: object) -> float | None:
    if isinstance(value, dict):
        value = value.get("value")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _bytes(value: object, unit: int) -> int | None:
    number = _number(value)
    return None if number is None else int(number * unit)


def _amd_bytes(value: object) -> int | None:
    if isinstance(value, dict):
        return _bytes(value.get("value"), _UNITS.get(str(value.get("unit")).upper(), _MIB))
    if isinstance(value, str) and " " in value:
        number, unit = value.split(None, 1)
        return _bytes(number, _UNITS.get(unit.upper(), _MIB))
    return _bytes(value, _MIB)


def _amd_uuid(value: object) -> str | None:
    text = str(value or "")
    return f"GPU-{text[2:].lower()}" if text.startswith("0x") else None
