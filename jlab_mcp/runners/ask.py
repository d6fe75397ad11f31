"""Asks one command for its output, within a time limit, and never raises for what the command does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import shlex
import shutil
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_log = logging.getLogger(__name__)
_LARGEST = 16 * 1024 * 1024
"""Bytes that a stream may have; the partitions of the largest clusters are a hundredth of it."""
_CHUNK = 65_536
_LINE = 200
"""Characters of a foreign message that a sentence of ours can carry."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said.

    Attributes:
        argv: the command as it was called.
        status: its exit status; None if it was not started, or had to be ended.
        stdout: its output, also where it failed.
        stderr: its messages.
        failure: what went wrong, in words; None if the status is 0.
    """

    argv: tuple[str, ...]
    status: int | None
    stdout: str
    stderr: str
    failure: str | None


async def ask(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    timeout: float,  # noqa: ASYNC109 - the time-out is an answer here, not an exception
    called: str | None = None,
) -> Answer:
    """Run a command that only reads, and return what it said.

    A command that takes too long is ended with its process group. What it may have left running in the
    background after it ended by itself, such as a shell's ssh-agent, is neither waited for nor ended.

    Args:
        argv: the command; its first word is looked for on PATH.
        environ: its environment.
        timeout: seconds it may take.
        called: what to call it in a failure; its first word if None.
    """
    asked = tuple(argv)
    name = f"`{called or asked[0]}`"
    program = shutil.which(asked[0], path=environ.get("PATH", os.defpath))
    if program is None:
        _log.debug("`%s` is not on PATH", asked[0])
        return Answer(asked, None, "", "", f"`{asked[0]}` is not on PATH")
    began = time.monotonic()
    with _Pipe() as out, _Pipe() as err:
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *asked[1:],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out.write_end,
                stderr=err.write_end,
                env=dict(environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Answer(asked, None, "", "", f"{name} could not be started: {error}")
        status = await _finish(process, (out, err), timeout)
        stdout, stderr = out.text(), err.text()
        if out.is_full or err.is_full:
            failure: str | None = f"{name} said more than {_LARGEST // 1024**2} MB"
        elif status is None:
            failure = f"{name} did not answer in {timeout:g} s"
        else:
            failure = None if status == 0 else f"{name} failed: {_reason(status, stdout, stderr)}"
    ended = "no end in time" if status is None else f"exit status {status}"
    _log.debug("ran `%s`: %s after %.2f s", shlex.join(asked), ended, time.monotonic() - began)
    return Answer(asked, status, stdout, stderr, failure)


def user_name(environ: Mapping[str, str]) -> str:
    """Return the user's name; the user's number where the system knows no name, as in some containers."""
    named = environ.get("USER") or environ.get("LOGNAME")
    if named:
        return named
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


async def _finish(
    process: asyncio.subprocess.Process, pipes: tuple[_Pipe, _Pipe], seconds: float
) -> int | None:
    """Wait until the command ends, whatever keeps its pipes open; None if it had to be ended."""
    over = asyncio.Event()
    for pipe in pipes:
        pipe.collect(over)
    ended, full = asyncio.ensure_future(process.wait()), asyncio.ensure_future(over.wait())
    try:
        await asyncio.wait((ended, full), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return process.returncode
    finally:
        full.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # Only a process that is stuck in the kernel outlives SIGKILL; asyncio reaps it later.
            await asyncio.wait((ended,), timeout=1.0)
            ended.cancel()


def _reason(status: int, stdout: str, stderr: str) -> str:
    """Return the last thing the command said; errors of `module` go to its stdout."""
    lines = [line for text in (stderr, stdout) for line in _lines(text)[-1:]]
    return lines[0] if lines else f"exit status {status}"


def _lines(text: str) -> list[str]:
    printable = ("".join(char for char in line if char.isprintable()).strip() for line in text.splitlines())
    return [line[:_LINE] for line in printable if line]


class _Pipe:
    """A pipe that one command writes to; once the command has ended, what is in it is read and no more.

    asyncio's own pipes wait for the end of file, which a process that a login shell left behind can put off
    for ever.
    """

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._open = True
        self._held = bytearray()
        self.is_full = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hand_over()
        self._stop()
        os.close(self._read_end)

    def collect(self, full: asyncio.Event) -> None:
        """Read from now on; sets `full` when there is too much."""
        self._hand_over()
        os.set_blocking(self._read_end, False)
        asyncio.get_running_loop().add_reader(self._read_end, self._read, full)

    def text(self) -> str:
        """Return all that was written so far."""
        for chunk in self._chunks():
            self._held += chunk
            if len(self._held) > _LARGEST:
                self.is_full = True
                break
        return self._held.decode("utf-8", "replace")

    def _read(self, full: asyncio.Event) -> None:
        chunk = next(self._chunks(), b"")
        self._held += chunk
        self.is_full = len(self._held) > _LARGEST
        if self.is_full:
            full.set()
        if self.is_full or not chunk:
            self._stop()

    def _chunks(self) -> Iterator[bytes]:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._read_end, _CHUNK):
                yield chunk

    def _hand_over(self) -> None:
        """Close our copy of the write end: the command has its own."""
        if self._open:
            self._open = False
            os.close(self.write_end)

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._read_end)
