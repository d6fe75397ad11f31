"""Record the session of the README: `python -m docs.record FILE`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from docs.record.picture import picture
from docs.record.terminal import Frame, Terminal

TITLE = "A terminal: jlab-mcp starts JupyterLab, runs code in a notebook and stops it"

COMMANDS = (
    ("jlab-mcp start --detach", 1.5),
    ("jlab-mcp exec --new tour 'import numpy as np; np.linalg.eigvalsh(np.eye(3) + 1)'", 2.0),
    ('jlab-mcp exec \'for step in range(1, 6): print("step", step); __import__("time").sleep(0.4)\'', 1.5),
    ("jlab-mcp sessions", 2.5),
    ("jlab-mcp notebook show tour", 2.5),
    ("jlab-mcp stop", 1.5),
)
"""What is typed, and for how many seconds its output is left to read."""


def record(commands: tuple[tuple[str, float], ...] = COMMANDS) -> list[Frame]:
    """Type the commands in a new project, in a home folder of its own, and return what was seen."""
    home = _home()
    try:
        project = home / "my-project"
        project.mkdir()
        settings = home / ".config/jlab-mcp/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('mode = "local"\n', encoding="utf-8")  # also where there is SLURM
        programs = Path(sys.executable).parent
        kept = {name: value for name, value in os.environ.items() if name in {"LANG", "LC_ALL"}}
        path = f"{programs}:{os.environ['PATH']}"
        terminal = Terminal(project, {"LANG": "C.UTF-8", **kept, "HOME": str(home), "PATH": path})
        for command, pause in commands:
            terminal.type(command, pause=pause)
        return terminal.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _home() -> Path:
    """Make a folder whose name is short, since it is shown, if nobody has it yet."""
    home = Path(tempfile.gettempdir()) / "me"
    try:
        home.mkdir(mode=0o700)
    except FileExistsError:
        return Path(tempfile.mkdtemp(prefix="me-"))
    return home


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(record(), TITLE), encoding="utf-8")
