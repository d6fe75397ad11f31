"""How long a person waits for answers about settings: help, one profile, two hundred of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Check, Figure, Samples
from bench.place import BenchError, Place, jlab_mcp_command

PROFILES = 200
_RESOLVE_ALL = """
import json, sys, time
from pathlib import Path
from jlab_mcp.app.context import load
names = [f"p{number}" for number in range(int(sys.argv[1]))]
begun = time.perf_counter()
times = [load(name).slurm.time for name in names]
print(json.dumps({"seconds": time.perf_counter() - begun, "resolved": len(times)}))
"""
"""A program of its own, so that imports and caches of this one do not count."""


async def help_text(place: Place, *, quick: bool) -> Figure:
    """`jlab-mcp --help` to its end, against a bare Python; alternating."""
    ours, floor = _alternate(place, ["--help"], 3 if quick else 11)
    return _beside_python("help", "jlab-mcp --help", ours, floor)


async def one_profile(place: Place, *, quick: bool) -> Figure:
    """`profile show --origin` of a shipped profile to its end, against a bare Python; alternating."""
    ours, floor = _alternate(place, ["profile", "show", "raven", "--origin"], 3 if quick else 11)
    return _beside_python("show", "jlab-mcp profile show raven --origin", ours, floor)


async def many_profiles(place: Place, *, quick: bool) -> Figure:
    """Resolve two hundred profiles, each of which extends another; imports are not counted."""
    with _profiles(Path(place.env["HOME"], ".config/jlab-mcp/profiles")):
        ours = Samples.seconds([_resolve(place) for _ in range(2 if quick else 5)])
    return Figure(
        "profiles", f"{PROFILES} profiles resolved", ours, (Check("median", ours.median, 1.0, "s"),)
    )


@contextmanager
def _profiles(folder: Path) -> Iterator[None]:
    """Write profiles that differ, each of which extends a shipped one; they go at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"p{number}.toml" for number in range(PROFILES)]
    for number, file in enumerate(files):
        file.write_text(
            f'extends = "raven"\ndescription = "Number {number}"\n[slurm]\ntime = "{number + 1}:00:00"\n'
            f'mem = "{number + 1}G"\n[env.vars]\nNUMBER = "{number}"\n',
            encoding="utf-8",
        )
    try:
        yield
    finally:
        for file in files:
            file.unlink()


def _beside_python(name: str, what: str, ours: Samples, floor: Samples) -> Figure:
    checks = (Check("median", ours.median, 500.0, "ms"),)
    return Figure(name, what, ours, checks, floor, "`python -c pass`")


def _alternate(place: Place, arguments: list[str], times: int) -> tuple[Samples, Samples]:
    ours, floor = [], []
    for _ in range(times):
        floor.append(_time([sys.executable, "-c", "pass"], place))
        ours.append(_time([*jlab_mcp_command(), *arguments], place))
    # The first pair reads from a cold disk.
    return Samples.milliseconds(ours[1:]), Samples.milliseconds(floor[1:])


def _time(command: list[str], place: Place) -> float:
    begun = time.perf_counter()
    _run(command, place)
    return time.perf_counter() - begun


def _resolve(place: Place) -> float:
    said = json.loads(_run([sys.executable, "-c", _RESOLVE_ALL, str(PROFILES)], place))
    if said["resolved"] != PROFILES:
        raise BenchError(f"{said['resolved']} profiles were resolved")
    return float(said["seconds"])


def _run(command: list[str], place: Place) -> str:
    answer = subprocess.run(
        command, cwd=place.project, env=place.env, capture_output=True, text=True, timeout=60, check=False
    )
    if answer.returncode != 0:
        raise BenchError(f"{command[0]} exited {answer.returncode}: {answer.stderr[-500:]}")
    return answer.stdout
