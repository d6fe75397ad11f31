"""Single facts out of what SLURM prints: the controller's clock, and what kind of machine a node is."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"sdiag output at [^\n]*\((\d{9,11})\)")
_ARCHITECTURE = re.compile(r"\bArch=(\S+)")


def parse_clock(text: str) -> int | None:
    """Return the controller's clock in seconds since the epoch, from the answer to `clock_arguments`."""
    match = _CLOCK.search(text)
    return int(match[1]) if match else None


def parse_architecture(text: str) -> str | None:
    """Return a node's architecture, such as x86_64, from the answer to `node_arguments`; None if unknown."""
    match = _ARCHITECTURE.search(text)
    return match[1] if match and match[1].lower() not in ("(null)", "unknown") else None
