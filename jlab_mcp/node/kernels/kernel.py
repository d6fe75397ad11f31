"""One kernel of this server, spoken to over ZMQ in process.

Rules that this file owns:

- A kernel is *ready* once it has answered on shell and its iopub subscription has been seen to work;
  nothing is sent before.
- The end of the kernel process is noticed at once (pidfd), not by the restarter's poll.
- Each process of a kernel is one *generation* with channels of its own: after a restart, by whomever,
  the channels are made anew, because the addresses may have changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

from ..errors import KernelStartFailed
from .inbox import Inbox
from .largetext import LARGE, Bytes
from .processend import MemoryWatch, describe_exit, exit_of, pid_of, process_of
from .wire import Message, decode

_LOG = logging.getLogger("jlab_mcp_node")
_SILENCE = 0.05  # seconds without a message after which an ended process has said all
_LONGEST_DRAIN = 60.0  # seconds; there may be much that it had sent
_ANNOUNCED_WITHIN = 15.0  # seconds in which a kernel ends of which somebody said that it will
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds from one handshake to the next
_SUBSCRIBED_WITHIN = 0.02  # seconds after a reply in which its status comes, if the subscription works
_MEMORY_AFTER = 0.05  # seconds of a run after which it may have taken much memory: looking takes its time
_NOTED_EVERY = 1.0  # seconds between notes of activity: JupyterLab's observers of it take their time
_YIELD_AFTER = 0.01  # seconds of messages handled in a row before other tasks get the event loop


class KernelEnded(Exception):
    """The kernel process is gone; `reason` says how, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Kernel:
    """Channels to one kernel, across its restarts.

    Args:
        kernels: the server's `MappingKernelManager`.
        kernel_id: id of a kernel that it has started.
        on_message: called with each iopub message and each shell reply.
        on_end: called once per generation, with the reason, when the process has gone.

    Attributes:
        farewell: why the process is about to end, where somebody has said so beforehand.
    """

    def __init__(
        self,
        kernels: Any,
        kernel_id: str,
        on_message: Callable[[Message], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._kernels = kernels
        self.kernel_id = kernel_id
        self._on_message = on_message
        self._on_end = on_end
        self.generation = 0
        self.state = "starting"
        self.info: dict[str, Any] = {}
        self._session: Any = None
        self._shell: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._sockets: list[Any] = []
        self._inboxes: list[Inbox] = []
        self._arrival = asyncio.Event()
        self._handshake: set[str] = set()
        self._probes: dict[str, asyncio.Future[None]] = {}
        self._heard: set[str] = set()
        self._heard_event = asyncio.Event()
        self.farewell: str | None = None
        self._memory: MemoryWatch | None = None
        self._noted = 0.0
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def manager(self) -> Any:
        """The `KernelManager` of this kernel, or None when the server has let it go."""
        return self._kernels.get_kernel(self.kernel_id) if self.kernel_id in self._kernels else None

    @property
    def pid(self) -> int | None:
        """Process id, or None where the provisioner has none on this machine."""
        return pid_of(self.manager)

    @property
    def language(self) -> str:
        """The name of the language that the kernel says it runs; empty if it does not."""
        return str((self.info.get("language_info") or {}).get("name") or "")

    async def connect(self, context: Any, timeout: float = 60.0, *, attach: bool = False) -> None:
        """Open the channels of the present process and wait until it is ready.

        Where `attach` is set it has run before, and may be at work: then it answers on its control channel
        (kernels that have but one thread do so when they are done).

        Raises:
            KernelStartFailed: it ended or did not answer within `timeout` seconds.
        """
        self._close_channels()
        manager = self.manager
        if manager is None:
            raise KernelStartFailed("the kernel was shut down before it was ready")
        self.generation += 1
        self.state = "starting"
        before = getattr(manager, "execution_state", None) if attach else None
        self.farewell = self._memory = None
        # The server decodes each message a second time to note a kernel's activity; `_note_activity` does it.
        self._kernels.stop_watching_activity(self.kernel_id)
        self._ended = asyncio.get_running_loop().create_future()
        client = manager.client()
        client.context = context
        self._session = client.session
        self._shell = client.connect_shell()
        iopub = client.connect_iopub()
        greeted = client.connect_control() if attach else self._shell
        self._sockets = [self._shell, iopub, *([greeted] if attach else [])]
        self._inboxes = [Inbox(each) for each in self._sockets]
        self._tasks = [
            *(asyncio.ensure_future(self._pump(each)) for each in self._inboxes),
            asyncio.ensure_future(self._watch(process_of(self.manager))),
        ]
        try:
            await asyncio.wait_for(self._shake_hands(greeted), timeout)
        except asyncio.TimeoutError:
            busy = " (it was there before, and may be at work)" if attach else ""
            raise KernelStartFailed(f"the kernel did not answer within {timeout:.0f} s{busy}") from None
        except KernelEnded as ended:
            raise KernelStartFailed(f"the kernel ended while it started: {ended.reason}") from None
        self.state = manager.execution_state = "busy" if before == "busy" else "idle"

    async def _shake_hands(self, socket: Any) -> None:
        """Ask for kernel_info until both the reply and an iopub status have come back.

        The reply alone does not do: what a kernel publishes before our subscription has reached it is lost.
        """
        pause = _FIRST_PAUSE
        self._handshake.clear()
        self._heard.clear()
        while not self._is_ready():
            request = self._session.msg("kernel_info_request", {})
            self._handshake.add(request["header"]["msg_id"])
            await socket.send_multipart(self._session.serialize(request))
            while await self._hear(_SUBSCRIBED_WITHIN if self._heard else pause):
                if self._is_ready():
                    break
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _is_ready(self) -> bool:
        return {"shell", "iopub"} <= self._heard

    async def _hear(self, timeout: float) -> bool:
        """Wait for another answer to a handshake; False when the time is over.

        Raises:
            KernelEnded: none will come.
        """
        self._heard_event.clear()
        heard: asyncio.Future[Any] = asyncio.ensure_future(self._heard_event.wait())
        ended: asyncio.Future[Any] = self._ended
        await asyncio.wait({heard, ended}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        heard.cancel()
        if self._ended.done():
            raise KernelEnded(self._ended.result())
        return self._heard_event.is_set()

    def execute_request(self, code: str) -> Message:
        """Make the request that runs `code`; its id is known before it is sent."""
        self._memory = None
        asyncio.get_running_loop().call_later(_MEMORY_AFTER, self._watch_memory)
        message: Message = self._session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        return message

    def _watch_memory(self) -> None:
        if self._memory is None and self.state == "busy" and self.pid is not None:
            self._memory = MemoryWatch(self.pid)

    def comm_message(self, comm_id: str, data: dict[str, Any]) -> Message:
        """Make a message to the kernel's side of a comm, as a widget in a browser sends it."""
        message: Message = self._session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        return message

    def silent_request(self, code: str, expressions: dict[str, str]) -> Message:
        """Make a request that leaves no trace in the history; its reply has the expressions' values."""
        message = self.execute_request(code)
        message["content"].update(silent=True, store_history=False, user_expressions=expressions)
        return message

    async def send(self, message: Message) -> None:
        """Send a request on the shell channel."""
        # The asyncio socket itself must send: a send on its shadow can swallow the edge that tells
        # the event loop of a reply.
        await self._shell.send_multipart(self._session.serialize(message))

    async def interrupt(self) -> None:
        """Interrupt whatever the kernel runs."""
        await self._kernels.interrupt_kernel(self.kernel_id)

    async def caught_up(self, timeout: float) -> bool:
        """Whether, within `timeout` seconds, the kernel is through with all that was sent to it before."""
        request = self._session.msg("kernel_info_request", {})
        msg_id = request["header"]["msg_id"]
        self._probes[msg_id] = asyncio.get_running_loop().create_future()
        try:
            await self.send(request)
            await asyncio.wait_for(self._probes[msg_id], timeout)
        except asyncio.TimeoutError:
            return False
        finally:
            del self._probes[msg_id]
        return True

    def expect_end(self, reason: str) -> None:
        """Note why the process is about to end, so that its exit code is not taken for the cause."""
        self.farewell = reason

    async def _pump(self, inbox: Inbox) -> None:
        begun = time.monotonic()
        try:
            while True:
                for message in await self._decoded(await inbox.next()):
                    self._handle(message)
                    if time.monotonic() - begun > _YIELD_AFTER:
                        inbox.fetch(_YIELD_AFTER)
                        await asyncio.sleep(0)  # a flood of output must not keep an interrupt waiting
                        begun = time.monotonic()
        finally:
            inbox.close()

    async def _decoded(self, frames: list[Bytes]) -> Iterator[Message]:
        if sum(map(len, frames)) > LARGE:  # to check the signature of hundreds of megabytes takes a second
            return await asyncio.to_thread(decode, frames, self._session)
        return decode(frames, self._session)

    def _handle(self, message: Message) -> None:
        try:
            self._receive(message)
        except Exception:  # noqa: BLE001 - one message that fails must not cost all those after it
            _LOG.exception("a %s message could not be handled", message["header"].get("msg_type"))

    def _receive(self, message: Message) -> None:
        self._arrival.set()
        msg_type = message["header"]["msg_type"]
        parent = message["parent_header"].get("msg_id")
        if parent in self._probes and msg_type == "kernel_info_reply":
            self._probes[parent].set_result(None)
        if parent in self._handshake:
            self._heard.add("iopub" if msg_type == "status" else "shell")
            if msg_type == "kernel_info_reply":
                self.info = message["content"]
            self._heard_event.set()
            return
        self._note_activity(msg_type, message)
        if msg_type == "status":
            self.state = message["content"]["execution_state"]
        self._on_message(message)

    def _note_activity(self, msg_type: str, message: Message) -> None:
        """Keep what JupyterLab shows of this kernel, and what its culler goes by, up to date."""
        now = time.monotonic()
        if msg_type != "status" and now - self._noted < _NOTED_EVERY:
            return
        manager = self.manager
        untracked = getattr(self._kernels, "untracked_message_types", ())  # older servers track all
        if manager is None or message["parent_header"].get("msg_type") in untracked:
            return
        self._noted = now
        manager.last_activity = self._kernels.last_kernel_activity = datetime.now(timezone.utc)
        if msg_type == "status":
            manager.execution_state = message["content"]["execution_state"]

    async def _watch(self, process: Any) -> None:
        code = await exit_of(process, self.manager)
        self.state = "dead"
        await self._drain()
        reason = self.farewell or describe_exit(code, self._memory)
        if not self._ended.done():
            self._ended.set_result(reason)
        self._on_end(reason)

    async def _drain(self) -> None:
        """Take what the ended process had still sent: until nothing waits and it is silent for a moment."""
        deadline = asyncio.get_running_loop().time() + _LONGEST_DRAIN
        while asyncio.get_running_loop().time() < deadline:
            self._arrival.clear()
            try:
                await asyncio.wait_for(self._arrival.wait(), _SILENCE)
            except asyncio.TimeoutError:
                if not any(self._inboxes) and not self._arrival.is_set():
                    return

    async def last_words(self) -> None:
        """Where the process has gone or is about to, wait until all that it had sent is taken."""
        if self.state == "dead":
            await asyncio.shield(self._ended)
        elif self.farewell is not None:
            await asyncio.wait({self._ended}, timeout=_ANNOUNCED_WITHIN)

    async def successor(self, timeout: float) -> bool:
        """Wait until the server has replaced the ended process; False if it will not."""
        deadline = asyncio.get_running_loop().time() + timeout
        while asyncio.get_running_loop().time() < deadline:
            process = process_of(self.manager)
            if self.manager is None:
                return False
            if process is not None and process.poll() is None:
                return True
            await asyncio.sleep(0.05)  # the restarter has no event for this; limited by `timeout`
        return False

    def close(self) -> None:
        """Close the channels; the kernel itself is left alone."""
        self._close_channels()

    def _close_channels(self) -> None:
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks = []
        for socket in self._sockets:
            socket.close(linger=0)
        self._sockets, self._inboxes = [], []
