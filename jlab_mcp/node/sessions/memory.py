"""Memory that a flood of output took, given back to the system."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes

from .executor import Execution

_SETTLED = 2.0  # seconds after the end of an execution in which its notebook is saved and its answer sent


def give_back_soon(execution: Execution) -> None:
    """Give memory back shortly after this execution's end, if it put out very much."""
    if execution.flooded:
        asyncio.get_running_loop().call_later(_SETTLED, give_back)


def give_back() -> None:
    """Return freed memory to the system: glibc keeps most of it for itself until it is told to."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
