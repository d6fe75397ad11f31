"""nbconvert, in the interpreter that has it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from jlab_mcp.errors import ConversionFailed
from jlab_mcp.runners.interpreter import install_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PROBE = "import nbconvert"
_PROBE_SECONDS = 60.0


def python_with_nbconvert(candidates: Sequence[Path], environ: Mapping[str, str]) -> Path:
    """Return the first interpreter that has nbconvert.

    Raises:
        ConversionFailed: none has; says what to install.
    """
    for python in dict.fromkeys(candidates):
        try:
            done = subprocess.run(
                [python, "-c", _PROBE],
                env=_environment(environ),
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return python
    tried = " and ".join(f"`{python}`" for python in dict.fromkeys(candidates))
    install = install_command(candidates[0], ["nbconvert"])
    raise ConversionFailed(
        f"nbconvert was not found in {tried}", details={"hints": [f"install it with `{install}`"]}
    )


def convert(python: Path, notebook: str, exporter: str, environ: Mapping[str, str]) -> bytes:
    """Have nbconvert convert a notebook.

    Args:
        python: an interpreter that has it.
        notebook: JSON.
        exporter: nbconvert's name of the form.
        environ: the environment.

    Raises:
        ConversionFailed: it failed; says what it said last.
    """
    # Away from the notebook's folder, whose modules Python would take for those of its library.
    done = subprocess.run(
        [python, "-m", "nbconvert", "--to", exporter, "--stdin", "--stdout", "--log-level", "WARN"],
        env=_environment(environ),
        cwd="/",
        input=notebook.encode("utf-8", "replace"),
        capture_output=True,
        check=False,
    )
    if done.returncode == 0 and done.stdout:
        return done.stdout
    said = done.stderr.decode(errors="replace").strip().splitlines()
    why = said[-1].strip() if said else f"it ended with status {done.returncode}"
    raise ConversionFailed(f"nbconvert in `{python}` failed: {why}", details={"log_tail": said[-20:]})


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "PYTHONHOME"}
