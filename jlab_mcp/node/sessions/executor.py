"""Executions: code that a session's kernel runs, one after another.

An execution goes `queued -> running -> ok | error | interrupted | kernel_died`, or `queued -> not_run`,
or ends as `server_ended`. It is done at its reply AND its idle status, or at the end of the kernel
process, whichever comes first. Every change raises `seq`, so that any client can wait for the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from ..journal.marks import cut_line
from ..notebook.document import CellNotFound, Document
from ..outputs.folding import OutputFolder
from ..outputs.fulltext import FullText
from ..outputs.overflow import outputs_file
from ..outputs.plaintext import text_of
from ..outputs.spool import Spool
from ..outputs.trail import page

if TYPE_CHECKING:
    from ..kernels.kernel import Kernel

QUEUED, RUNNING, OK, ERROR = "queued", "running", "ok", "error"
_BEGUN_WITHIN = 5.0  # seconds in which a kernel says that it runs what it was sent
_YOUNG = 2.0  # seconds after its begin in which an interrupt may hit the kernel's own preparations
_FLOOD = 4_000_000  # bytes of text
INTERRUPTED_WITHIN = 2.5  # seconds in which interrupted code usually ends

_LEFT_WITHIN = 5.0  # seconds in which a kernel ends that was told to by `exit()`

INTERRUPTED, KERNEL_DIED, NOT_RUN, SERVER_ENDED = "interrupted", "kernel_died", "not_run", "server_ended"

CANCELLED = "cancelled before it was run"


class Execution:
    """One run of one piece of code.

    Args:
        execution_id: chosen by the client, so that a repeated request finds this one.
        session_id: the session it belongs to; None for scratch code.
        code: what to run.
        cell_id: cell that shows it; None for scratch code.
        spool: file that takes the text which is too long for the cell; outputs that are too large for it go
            to another file beside that one.
    """

    def __init__(
        self, execution_id: str, session_id: str | None, code: str, cell_id: str | None, spool: Spool
    ) -> None:
        self.execution_id = execution_id
        self.session_id = session_id
        self.code = code
        self.cell_id = cell_id
        self.cell_type = "code"
        self.spool = spool
        self._outputs_spool = Spool(outputs_file(spool.path), spool.limit_bytes)
        self.folder = OutputFolder(
            spill=spool.write,
            spill_output=self._outputs_spool.write,
            spill_name=spool.path,
            limit_bytes=spool.limit_bytes,
        )
        self.state = QUEUED
        self.reason: str | None = None
        self.notice: str | None = None
        self.batch: str | None = None  # those queued after it in one batch are not run if it fails
        self.may_fail: str | None = None  # the tag of its cell that says so
        self.tag: str | None = None  # the tag that it ended by: as one that failed and may, or was not to run
        self.kernel: Kernel | None = None
        self.queued_at = time.time()
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.timing: dict[str, str] = {}
        self.interrupt_asked = False
        self.seq = 0
        self._reply: dict[str, Any] | None = None
        self._idle = False
        self._leaving = False
        self._changed = asyncio.Event()
        self.begun = asyncio.Event()  # the kernel has said that it runs it
        self.begun_at: float | None = None  # when, in seconds of the monotonic clock
        self.finished = asyncio.Event()

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.finished.is_set()

    def bump(self) -> None:
        """Count a change and wake whoever waits for one."""
        self.seq += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def start(self, kernel: Kernel) -> None:
        """Note that the code goes to this kernel."""
        self.state = RUNNING
        self.kernel = kernel
        self.started_at = time.time()
        self.bump()

    def end(self, state: str, reason: str | None = None) -> None:
        """Set the final state; only the first call counts."""
        if self.ended:
            return
        self.state = state
        self.reason = reason
        self.ended_at = time.time()
        self.close_files()
        self.begun.set()
        self.finished.set()
        self.bump()

    async def interrupt(self) -> None:
        """Interrupt the code, and wait a few seconds for its end.

        A kernel that is hit while it only prepares to run the code drops the request without a reply, or
        swallows the interrupt. So it is hit once it has said that it runs the code; when it then answers a
        later request first, the code is lost; and young code that goes on regardless is hit once more.
        Older code is not: it may be handling the interrupt, as by saving its work.
        """
        if self.kernel is None:
            return
        self.interrupt_asked = True
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.begun.wait(), _BEGUN_WITHIN)
        young = self.begun_at is None or time.monotonic() - self.begun_at < _YOUNG
        for _ in range(2 if young else 1):
            if self.ended:
                return
            await self.kernel.interrupt()
            if await self.wait(INTERRUPTED_WITHIN):
                return
            if await self.kernel.caught_up(INTERRUPTED_WITHIN) and self._reply is None:
                self.end(INTERRUPTED, "interrupted on request")

    def cut(self, why: str) -> None:
        """End it because the server does, and say so at the end of its outputs.

        Args:
            why: what ends the server, in a word.
        """
        if self.started_at is None:
            self.end(SERVER_ENDED, f"the server ended ({why}) before it was run")
        else:
            self.folder.last_line = cut_line(why)
            self.end(SERVER_ENDED, f"the server ended ({why})")

    def tell(self, notice: str) -> None:
        """Add a sentence to what the caller should know first."""
        self.notice = f"{self.notice} {notice}." if self.notice else f"{notice}."
        self.bump()

    def close_files(self) -> None:
        """Let the files go that hold what is too much for the cell; late output opens them again."""
        self.spool.close()
        self._outputs_spool.close()

    @property
    def flooded(self) -> bool:
        """Whether it put out so much that handling it took memory worth giving back."""
        return self.folder.text_bytes > _FLOOD or self._outputs_spool.used

    def _notices(self) -> str | None:
        missing = (self.spool.trouble, self._outputs_spool.trouble)
        return " ".join([*filter(None, [self.notice]), *(f"{each}." for each in missing if each)]) or None

    def feed(self, message: dict[str, Any]) -> bool:
        """Take one of this execution's messages; True when its outputs changed."""
        msg_type, content = message["header"]["msg_type"], message["content"]
        self._note_time(msg_type, message)
        if msg_type == "status":
            self._idle = self._idle or content["execution_state"] == "idle"
            self._settle()
            return False
        if msg_type == "execute_reply":
            self._reply = content
            self._settle()
            return False
        if not self.begun.is_set():  # by its input, or by its first output where a kernel repeats no input
            self.begun_at = time.monotonic()
            self.begun.set()
        if msg_type == "execute_input":
            self.folder.feed(msg_type, content)
            return True
        changed = self.folder.feed(msg_type, content)
        if changed:
            self.bump()
        return changed

    def _note_time(self, msg_type: str, message: dict[str, Any]) -> None:
        if msg_type in ("status", "execute_input", "execute_reply"):
            if msg_type == "status":
                key = f"iopub.status.{message['content']['execution_state']}"
            elif msg_type == "execute_input":
                key = "iopub.execute_input"
            else:
                key = "shell.execute_reply"
            self.timing[key] = str(message["header"].get("date", ""))

    def _settle(self) -> None:
        if self._reply is None or not self._idle or self.ended:
            return
        status = self._reply.get("status")
        self.folder.feed("execute_reply", self._reply)
        if status == "ok" and _ends_kernel(self._reply) and not self._leaving:
            # `exit()` in the code: what ends the kernel's process then says so.
            self._leaving = True
            asyncio.get_running_loop().call_later(_LEFT_WITHIN, self._settle)
        elif status == "ok":
            self.end(OK)
        elif self._was_stopped(status):
            self.end(INTERRUPTED, "interrupted on request")
        elif status == "error":
            hit = self._reply.get("ename") == "KeyboardInterrupt"
            if hit and self.kernel is not None and self.kernel.farewell:
                # A kernel is interrupted before it is restarted or shut down.
                self.end(KERNEL_DIED, self.kernel.farewell)
                return
            self.tag = self.may_fail
            self.end(ERROR, f"expected: its cell is tagged {self.tag}" if self.tag else None)
        else:
            self.end(
                NOT_RUN, "the kernel dropped it unrun, because the code before it failed or was interrupted"
            )

    def put_into(self, document: Document) -> None:
        """Put the outputs, as they are now, into the cell; one that was deleted meanwhile is none."""
        if self.cell_id is not None:
            with contextlib.suppress(CellNotFound):
                document.set_outputs(
                    self.cell_id, self.folder.outputs(), self.folder.execution_count, self.timing or None
                )

    def _was_stopped(self, status: object) -> bool:
        """Whether the interrupt that was asked for is what this reply tells of.

        Python says so by name; other kernels send an error of their own, or as R and bash do, an "abort".
        """
        if not self.interrupt_asked or not self.begun.is_set() or self._reply is None:
            return False
        is_python = self.kernel is not None and self.kernel.language == "python"
        return status != "error" or not is_python or self._reply.get("ename") == "KeyboardInterrupt"

    async def wait(self, timeout: float, after: int | None = None, pause: float = 0.0) -> bool:
        """Return when ended, or when `seq` has passed `after`, or after `timeout` seconds.

        Args:
            timeout: seconds.
            after: a `seq` that the caller knows; None waits for the end alone.
            pause: seconds at the start in which nothing but the end is news, to ask a chatty cell less often.

        Returns:
            Whether it has ended.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if after is not None and pause > 0 and await self.wait(min(pause, timeout)):
            return True
        while not self.ended and (after is None or self.seq <= after):
            event = self.finished if after is None else self._changed
            try:
                await asyncio.wait_for(event.wait(), deadline - loop.time())
            except asyncio.TimeoutError:
                break
        return self.ended

    async def wait_beyond(self, offset: int, timeout: float) -> None:
        """Return at the first byte beyond `offset`, at its begin or end, or after `timeout` seconds."""
        deadline, state = time.monotonic() + timeout, self.state
        while self.folder.text_bytes <= offset and self.state == state and not self.ended:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            await self.wait(left, after=self.seq)

    def follow(self, offset: int, limit: int) -> dict[str, Any]:
        """Return what it has put out from byte `offset` on, in order, a page of about `limit` bytes."""
        self.spool.flush()
        found = page(self.folder.trail, self._read, offset, limit, self.folder.text_bytes)
        return {**found, "changed": self.folder.trail.changed() if self.ended else []}

    def _read(self, start: int, stop: int) -> bytes | None:
        """Read the full text from one offset to another; None where it could not be kept."""
        if not self.folder.spilled:
            return self.folder.held()[start:stop]
        try:
            with open(self.spool.path, "rb") as file:
                file.seek(start)
                return file.read(stop - start)
        except OSError:
            return None

    def full_text(self) -> FullText:
        """All text that it has put out so far."""
        self.spool.flush()
        if self.spool.used and self.spool.error is None:
            return FullText(path=self.spool.path)
        return FullText("".join(map(text_of, self.folder.outputs())))

    def as_json(
        self, *, notebook_path: str | None = None, cell_index: int | None = None, outputs: bool = True
    ) -> dict[str, Any]:
        """The execution as the API shows it."""
        self.spool.flush()
        self._outputs_spool.flush()
        return {
            "execution_id": self.execution_id,
            "session_id": self.session_id,
            "notebook_path": notebook_path,
            "state": self.state,
            "cell_id": self.cell_id,
            "cell_index": cell_index,
            "cell_type": self.cell_type,
            "execution_count": self.folder.execution_count,
            "outputs": self.folder.outputs() if outputs else [],
            "queued_at": self.queued_at,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "seq": self.seq,
            "reason": self.reason,
            "tag": self.tag,
            "notice": self._notices(),
            "output_file": self.spool.path if self.spool.used else None,
            "output_bytes": self.folder.text_bytes,
            "latest_line": "" if self.ended else self.folder.latest_line(),
            "kernel_id": self.kernel.kernel_id if self.kernel is not None else None,
            "error": self.folder.error,
        }


def _ends_kernel(reply: dict[str, Any]) -> bool:
    payload = reply.get("payload")
    asked = [each for each in payload if isinstance(each, dict)] if isinstance(payload, list) else []
    return any(each.get("source") == "ask_exit" and not each.get("keepkernel") for each in asked)
