"""Which Python runs JupyterLab."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.errors import ConfigError, Remedy, StartFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NEEDED = ("jupyterlab", "ipykernel")
_PROBE = f"import importlib.util as u; print(*[n for n in {_NEEDED!r} if not u.find_spec(n)], sep=' and ')"
"""Prints what is missing, or an empty line; so another exit status than 0 says that Python does not run."""
_PROBE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that has JupyterLab.

    Attributes:
        path: the executable.
        venv: the virtual environment it belongs to, if any.
        note: what the user should know about the choice; empty if it is the expected one.
    """

    path: Path
    venv: Path | None
    note: str = ""


def choose_interpreter(project_dir: Path, environ: Mapping[str, str]) -> Interpreter:
    """Return the project's `.venv` if that has JupyterLab, else the Python that runs jlab-mcp.

    Raises:
        StartFailed: neither has; says which command mends it.
    """
    venv = project_dir / ".venv"
    why_not = _why_not(venv, environ, f"the project's {venv}")
    if why_not is None:
        return Interpreter(venv / "bin" / "python", venv)
    own_venv = Path(sys.prefix) if sys.prefix != sys.base_prefix else None
    if all(importlib.util.find_spec(name) for name in _NEEDED):
        note = f"{why_not}; JupyterLab runs in {sys.executable} instead" if why_not else ""
        return Interpreter(Path(sys.executable), own_venv, note)
    target = venv / "bin" / "python" if why_not and _runs(venv / "bin" / "python") else Path(sys.executable)
    raise StartFailed(
        f"no JupyterLab was found: {why_not or f'{project_dir} has no `.venv`'},"
        f" and {sys.executable} has no {' and '.join(_missing_here())} either",
        remedy=Remedy.INSTALL_JUPYTERLAB,
        details={"command": install_command(target)},
    )


def named_interpreter(venv: Path, named: str, environ: Mapping[str, str]) -> Interpreter:
    """Return the Python of the virtual environment that a setting names.

    Args:
        venv: the environment.
        named: which setting of which origin names it.
        environ: the environment.

    Raises:
        ConfigError: there is no virtual environment.
        StartFailed: it has no JupyterLab; says which command mends it.
    """
    why_not = _why_not(venv, environ, f"{named}: {venv}")
    if why_not is None:
        return Interpreter(venv / "bin" / "python", venv)
    python = venv / "bin" / "python"
    if why_not == "" or not _runs(python):
        raise ConfigError([why_not or f"{named}: there is no virtual environment {venv}"])
    raise StartFailed(why_not, remedy=Remedy.INSTALL_JUPYTERLAB, details={"command": install_command(python)})


def launch_environment(
    interpreter: Interpreter, environ: Mapping[str, str], variables: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of a launcher: the user's with `variables` and the interpreter's programs."""
    kept = {**shell_environment(environ), **variables}
    kept["PATH"] = os.pathsep.join([str(interpreter.path.parent), kept.get("PATH", os.defpath)])
    if interpreter.venv is not None:
        kept["VIRTUAL_ENV"] = str(interpreter.venv)
    return kept


def shell_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment without our settings, anybody's token and any virtual environment."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("JLAB_MCP_", "JUPYTER_TOKEN")) and name != "VIRTUAL_ENV"
    }


def _why_not(venv: Path, environ: Mapping[str, str], what: str) -> str | None:
    """Return None if an environment has what is needed, else why it cannot be used; "" if there is none.

    Args:
        venv: the environment.
        environ: the environment to ask it in.
        what: names it, for the beginning of a sentence.
    """
    python = venv / "bin" / "python"
    if not venv.is_dir():
        there = venv.exists() or venv.is_symlink()
        return f"{what} is no folder, so no virtual environment" if there else ""
    if not _runs(python):
        return f"{what} is broken: its `bin/python` {_ailment(python)}"
    if missing := lacks(venv):
        return f"{what} has no {' and '.join(missing)}"
    if all(_installed(venv, name) for name in _NEEDED):
        return None
    probe = _probe(python, environ)
    return None if probe == "" else f"{what} {probe}"


def lacks(venv: Path) -> list[str]:
    """Name what an environment surely lacks, by its files alone; its Python may not run on this host."""
    missing = [name for name in _NEEDED if not _installed(venv, name)]
    return [] if _unclear(venv) else missing


def _installed(prefix: Path, name: str) -> bool:
    """Say whether an environment holds a package, without running its Python."""
    return any(prefix.glob(f"lib*/python3*/site-packages/{name}/__init__.py"))


def _ailment(python: Path) -> str:
    if python.is_symlink() and not python.exists():
        return f"leads to {python.readlink()}, which does not exist"
    return "is not executable" if python.exists() else "is missing"


def _unclear(venv: Path) -> bool:
    """Say whether packages may come from elsewhere: the system, or folders that a .pth file names."""
    try:
        settings = (venv / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return True
    shared = any(
        line.partition("=")[2].strip() == "true"
        for line in settings.splitlines()
        if line.startswith("include-system-site-packages")
    )
    return shared or any(venv.glob("lib*/python3*/site-packages/*.pth"))


def _probe(python: Path, environ: Mapping[str, str]) -> str:
    """Ask an interpreter itself; return "" if it has what is needed, else what follows "the project's …"."""
    kept = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
    try:
        done = subprocess.run(
            [python, "-c", _PROBE], env=kept, capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except OSError as error:
        return f"is broken: its interpreter does not run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"is broken: its interpreter did not answer in {_PROBE_SECONDS:.0f} s"
    if done.returncode == 0:
        missing = done.stdout.decode(errors="replace").strip()
        return f"has no {missing.splitlines()[-1]}" if missing else ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    why = f"says {said[-1]}" if said else f"ends with status {done.returncode}"
    return f"is broken: its interpreter does not run, it {why}"


def _runs(python: Path) -> bool:
    return os.access(python, os.X_OK)


def _missing_here() -> list[str]:
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


def install_command(python: Path, needed: Sequence[str] = _NEEDED) -> str:
    """Return the command that puts packages into an environment; those made by uv have no pip."""
    import shlex  # noqa: PLC0415 - only a failure pays for it

    install = (
        [str(python), "-m", "pip", "install"]
        if _installed(python.parent.parent, "pip")
        else ["uv", "pip", "install", "--python", str(python)]
    )
    return shlex.join([*install, *needed])
