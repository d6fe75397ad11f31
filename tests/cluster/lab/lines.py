"""Run a line of shell on a host, as root."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile

from tests.cluster.lab import hosts

SECONDS = 60.0  # for a busy machine: it only ends a line that hangs


def run(host: str, line: str, seconds: float = SECONDS) -> tuple[int, str]:
    """Return the line's exit status and what it said on both of its streams; 124 if it took too long.

    Raises:
        LookupError: no such host is up.
    """
    command = hosts.enter(host, ["bash", "-c", f"umask 022; {line}"])
    # Output goes to a file: a daemon in the background would hold a pipe open for as long as it lives.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = 124
        output.seek(0)
        return code, output.read().decode(errors="replace")


def failure(host: str, line: str, seconds: float = SECONDS) -> str | None:
    """Run a line; return None if it succeeds, else a sentence with the end of what it said."""
    code, said = run(host, line, seconds)
    return f"on {host}, `{line}` exited {code}: {said[-500:]}" if code else None


def must(host: str, line: str, seconds: float = SECONDS) -> str:
    """Run a line and return what it said.

    Raises:
        RuntimeError: it failed.
    """
    code, said = run(host, line, seconds)
    if code:
        raise RuntimeError(f"on {host}, `{line}` exited {code}: {said[-500:]}")
    return said
