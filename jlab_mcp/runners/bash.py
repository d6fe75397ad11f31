"""Asks bash whether it can read lines of bash; runs none of them."""

from __future__ import annotations

import os
import re
import subprocess

_SECONDS = 10.0
_LINE = re.compile(r"^(?:\S*bash|\S*sh): line (?P<line>\d+): (?P<text>.*)$", re.MULTILINE)


def syntax_error(lines: str) -> str | None:
    """Return what bash cannot read, with the line's number, or None; also None where there is no bash."""
    if not lines.strip():
        return None
    try:
        done = subprocess.run(
            ["bash", "-n"],  # noqa: S607 - the one that the job's first line may find, too
            input=lines.encode("utf-8"),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stderr.decode("utf-8", errors="replace").strip()
    # An unfinished here-document is only a warning, and would take in all that follows.
    if done.returncode == 0 and "here-document" not in said:
        return None
    found = _LINE.search(said)
    return f"line {found['line']}: {found['text']}" if found else said or f"status {done.returncode}"
