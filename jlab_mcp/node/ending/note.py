"""`KEY.end.json`, in which a server says why it ended; whoever finds it gone reads it there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from ..ownfiles import beside, write_private

SIGNAL, IDLE, SHUTDOWN, CRASH = "signal", "idle", "shutdown", "crash"  # what can end a server


def end_file(connection_file: str) -> str:
    """Return where the server of a connection file notes its end."""
    return beside(connection_file, "end.json")


def write_end_note(
    connection_file: str,
    server_id: str,
    job_id: str | None,
    cause: str,
    *,
    signal: str | None = None,
    sessions: Sequence[dict[str, Any]] = (),
    exit_code: int | None = None,
    message: str | None = None,
) -> None:
    """Note why a server ends, beside its connection file; where that cannot be written, nobody is told.

    Args:
        connection_file: where the connection is, or would have been, announced.
        server_id: the server's id.
        job_id: SLURM job id, or None for a local process.
        cause: "signal", "idle", "shutdown" or "crash".
        signal: name of the signal.
        sessions: what was open: `session_id`, `notebook_path`, `running` (execution id or None), `saved`.
        exit_code: the launcher's, where it failed.
        message: why it failed, one sentence.
    """
    note = {
        "version": 1,
        "server_id": server_id,
        "job_id": job_id,
        "at": time.time(),
        "cause": cause,
        "signal": signal,
        "sessions": list(sessions),
        "exit_code": exit_code,
        "message": message,
    }
    with contextlib.suppress(OSError):
        write_private(end_file(connection_file), note)
