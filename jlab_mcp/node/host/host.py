"""Processors and memory of this host, as far as this process may use them, from /proc and the cgroup files.

Whatever cannot be read, as on another system than Linux, is null.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")

_V1_NO_LIMIT = 1 << 60  # cgroup v1 says "no limit" with a number near 2**63


class CpuMeter:
    """Measures how busy the usable processors were since the last reading."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._last: tuple[int, int] | None = None

    def percent(self) -> float | None:
        """Return the load since the last call, 0 to 100; null on the first one."""
        now = busy_and_all(read_text(self._proc / "stat"), usable_ids())
        last, self._last = self._last, now
        if now is None or last is None or now[1] <= last[1]:
            return None
        return round(min(100.0, max(0.0, 100 * (now[0] - last[0]) / (now[1] - last[1]))), 1)


def busy_and_all(stat: str | None, ids: set[int] | None) -> tuple[int, int] | None:
    """Return busy and total clock ticks of these processors (null: of all) from the text of /proc/stat."""
    busy = total = 0
    for line in (stat or "").splitlines():
        name, *ticks = line.split()
        if not name.startswith("cpu") or not name[3:].isdigit() or (ids and int(name[3:]) not in ids):
            continue
        # user nice system idle iowait irq softirq steal; guest time is counted in user already.
        values = [int(tick) for tick in ticks[:8]]
        total += sum(values)
        busy += sum(values) - sum(values[3:5])
    return (busy, total) if total else None


def usable_ids() -> set[int] | None:
    """Return the processors that this process may run on; null where that is not known."""
    try:
        return os.sched_getaffinity(0)
    except (AttributeError, OSError):
        return None


def usable_cpus(quota: float | None) -> float | None:
    """Return how many processors this process may use, given its cgroup's quota."""
    ids = usable_ids()
    count = len(ids) if ids else os.cpu_count()
    if quota is None or count is None or quota >= count:
        return count
    return round(quota, 2)


def load_1m() -> float | None:
    """Return the load average of the last minute."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def memory(proc: Path = PROC) -> tuple[int | None, int | None]:
    """Return total and available memory, in bytes."""
    values: dict[str, int] = {}
    for line in (read_text(proc / "meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        if rest.split()[1:] == ["kB"]:
            values[name] = int(rest.split()[0]) * 1024
    return values.get("MemTotal"), values.get("MemAvailable")


def resident(pid: int | str, proc: Path = PROC) -> int | None:
    """Return the resident memory of a process, in bytes; null if it is gone."""
    fields = (read_text(proc / str(pid) / "statm") or "").split()
    if len(fields) < 2:  # noqa: PLR2004 - size and resident
        return None
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def cgroup_limits(proc: Path = PROC, root: Path = CGROUPS) -> tuple[float | None, int | None]:
    """Return the processors and the bytes of memory that the cgroups of this process allow; null: no limit.

    Limits of every group above count too; both cgroup versions are read, as hosts may use the two at once.
    """
    cpus: list[float] = []
    memories: list[int] = []
    for controllers, path in _groups(read_text(proc / "self" / "cgroup")):
        if not controllers:
            for folder in _upwards(root, path):
                cpus.extend(_quota(*(read_text(folder / "cpu.max") or "").split()[:2]))
                memories.extend(_limit(read_text(folder / "memory.max")))
        if "cpu" in controllers:
            for folder in _upwards(_mounted(root, controllers, "cpu"), path):
                quota, period = (read_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
                cpus.extend(_quota(quota or "", period or ""))
        if "memory" in controllers:
            for folder in _upwards(_mounted(root, controllers, "memory"), path):
                memories.extend(_limit(read_text(folder / "memory.limit_in_bytes")))
    return min(cpus, default=None), min(memories, default=None)


def memory_left(proc: Path = PROC, root: Path = CGROUPS) -> int | None:
    """Return the bytes of memory that can still be had, on the host and in the cgroups; null if not known.

    Files that are only cached count as free.
    """
    found = [available] if (available := memory(proc)[1]) is not None else []
    for controllers, path in _groups(read_text(proc / "self" / "cgroup")):
        if not controllers:
            for folder in _upwards(root, path):
                found.extend(_left(folder, "memory.max", "memory.current", "inactive_file"))
        if "memory" in controllers:
            for folder in _upwards(_mounted(root, controllers, "memory"), path):
                files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                found.extend(_left(folder, *files))
    return min(found, default=None)


def _left(folder: Path, limit: str, usage: str, cached: str) -> list[int]:
    used = read_text(folder / usage) or ""
    if not used.strip().isdigit():
        return []
    lines = (line.split() for line in (read_text(folder / "memory.stat") or "").splitlines())
    free = sum(int(words[1]) for words in lines if words[:1] == [cached])
    return [most - int(used) + free for most in _limit(read_text(folder / limit))]


def read_text(path: Path) -> str | None:
    """Return the text of a small file, or null if it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def oom_file(pid: int, proc: Path = PROC, root: Path = CGROUPS) -> Path | None:
    """Return the file in which the system counts what it kills of a process's cgroup for lack of memory."""
    files = []
    for controllers, path in _groups(read_text(proc / str(pid) / "cgroup")):
        if not controllers:
            files += [folder / "memory.events" for folder in _upwards(root, path)]
        elif "memory" in controllers:
            mounted = _mounted(root, controllers, "memory")
            files += [folder / "memory.oom_control" for folder in _upwards(mounted, path)]
    return next((file for file in files if oom_kills(file) is not None), None)


def oom_kills(file: Path) -> int | None:
    """Return how many processes such a file counts; null if it does not say."""
    for line in (read_text(file) or "").splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill" and count.isdigit():
            return int(count)
    return None


def _groups(text: str | None) -> list[tuple[list[str], str]]:
    groups = []
    for line in (text or "").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        groups.append(([name for name in controllers.split(",") if name], path))
    return groups


def _mounted(root: Path, controllers: list[str], name: str) -> Path:
    joined = root / ",".join(controllers)
    return joined if joined.is_dir() else root / name


def _upwards(root: Path, path: str) -> list[Path]:
    """Return the group's folder and all above it; in a container only the root one may be there."""
    inner = PurePosixPath(path.lstrip("/"))
    return [root / part for part in (inner, *inner.parents)]


def _quota(quota: str = "", period: str = "") -> list[float]:
    try:
        allowed, every = int(quota), int(period)
    except ValueError:
        return []
    return [allowed / every] if allowed > 0 and every > 0 else []


def _limit(text: str | None) -> list[int]:
    try:
        limit = int(text or "")
    except ValueError:
        return []
    return [limit] if limit < _V1_NO_LIMIT else []
