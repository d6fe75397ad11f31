"""Commands of SLURM that answer as recorded: other people's clusters cannot be had in a test.

A folder is filled with executables that are named like the commands, and is all there is on PATH; so what is not
put there is missing, whatever the machine has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SITES = Path(__file__).parent / "core" / "data" / "sites"
"""Recorded answers; its README says where from."""

COMMANDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "scontrol": (
        ("*'show config'*", "scontrol_show_config"),
        ("*'show partition'*", "scontrol_show_partition"),
    ),
    "sinfo": (("*", "sinfo"),),
    "sacctmgr": (
        ("*'show associations'*", "sacctmgr_associations"),
        ("*'show user'*", "sacctmgr_user"),
        ("*'show qos'*", "sacctmgr_qos"),
    ),
    "sshare": (("*", "sshare"),),
    "sbatch": (("*--version*", "sbatch_version"),),
    "bash": (("*'module -t avail'*", "module_avail"),),
}
"""Command -> (pattern of its arguments, name of the recording)."""


def recorded(site: str, name: str) -> str | None:
    """Return what a site's command printed; None if that was not recorded."""
    path = SITES / site / f"{name}.txt"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def put(folder: Path, command: str, script: str) -> Path:
    """Put an executable into the folder: the lines of a POSIX shell script, which finds nothing on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / command
    path.unlink(missing_ok=True)  # it may be a link to the machine's own
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def put_slow(folder: Path, command: str) -> Path:
    """Put a command that does not answer."""
    return put(folder, command, "exec /bin/sleep 3600")


def put_failing(folder: Path, command: str, message: str, status: int = 1) -> Path:
    """Put a command that fails with a message."""
    return put(folder, command, f"/bin/cat >&2 <<'EOF'\n{message}\nEOF\nexit {status}")


def install(folder: Path, site: str, *, greeting: str = "") -> dict[str, str]:
    """Put all commands of a site into the folder.

    Args:
        folder: where to.
        site: whose recordings.
        greeting: what every command prints before its answer.

    Returns:
        An environment that has nothing but them on PATH, with the user alice.
    """
    for command, answers in COMMANDS.items():
        known = [(pattern, name) for pattern, name in answers if _is_recorded(site, name)]
        if known:
            put(folder, command, "\n".join(_script(command, known, site, greeting)))
    return environment(folder)


def environment(folder: Path) -> dict[str, str]:
    """Return an environment that has nothing but the folder on PATH."""
    return {
        "PATH": str(folder),
        "USER": "alice",
        "HOME": str(folder),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }


def _is_recorded(site: str, name: str) -> bool:
    return any((SITES / site / f"{name}{ending}").is_file() for ending in (".txt", ".stderr"))


def _script(command: str, known: list[tuple[str, str]], site: str, greeting: str) -> list[str]:
    lines = ['case "$*" in']
    for pattern, name in known:
        lines.append(f"{pattern})")
        if greeting:
            lines.append(f"/bin/cat <<'EOF'\n{greeting}\nEOF")
        if (SITES / site / f"{name}.stderr").is_file():
            lines.append(f"/bin/cat '{SITES / site / name}.stderr' >&2; exit 1;;")
        else:
            lines.append(f"exec /bin/cat '{SITES / site / name}.txt';;")
    fallback = 'exec /bin/bash "$@"' if command == "bash" else f"echo '{command}: not recorded' >&2; exit 1"
    return [*lines, f"*) {fallback};;", "esac"]
