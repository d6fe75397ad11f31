"""A session: one notebook, its kernel, and the queue of code between them."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import ApiError, KernelStartFailed
from ..kernels.kernel import Kernel
from ..notebook.document import Document
from ..notebook.file import NotebookFile
from ..notebook.paths import outputs_folder
from ..outputs.spool import Spool
from . import executor, memory
from .executor import Execution
from .incoming import Incoming
from .news import News
from .noting import Noting

_LOG = logging.getLogger("jlab_mcp_node")
_KEPT = 200  # ended executions that stay addressable in any case
_KEPT_SECONDS = 600.0  # for so long all stay addressable: a resumed notebook is asked for cell by cell
_RESTARTED_WITHIN = 15.0  # seconds in which the server's restarter replaces a kernel that died


class Session:
    """A notebook with a live kernel.

    Args:
        session_id: eight hexadecimal digits.
        name: what the agent called it.
        file: the notebook.
        kernels: the server's kernel manager.
        kernel_id: id of the kernel that was started for it.
        spec: `name`, `display_name` and `language` of its kernel spec.
        context: ZMQ context for the channels.
        notes: where executions are noted, with what they put out.
    """

    def __init__(
        self,
        session_id: str,
        name: str,
        file: NotebookFile,
        kernels: Any,
        kernel_id: str,
        spec: dict[str, str],
        context: Any,
        notes: Noting,
    ) -> None:
        self.session_id = session_id
        self.name = name
        self.file = file
        self.spec = spec
        self.created_at = self.last_activity = time.time()
        self.executions: OrderedDict[str, Execution] = OrderedDict()
        self._kernels = kernels
        self._context = context
        self._notes = notes
        self.incoming = Incoming(file, self._store, notes.fed)
        self._queue: asyncio.Queue[Execution] = asyncio.Queue()
        self._running: Execution | None = None
        self._end_is_ours = False
        self._server_ends: str | None = None  # what ends the server, once something does
        self._notice: str | None = None
        self._news = News()
        self.dead_reason: str | None = None
        self.kernel = Kernel(kernels, kernel_id, self.incoming.take, self._on_end)
        self._settled = asyncio.Event()  # the kernel is usable, or known to be gone for good
        self._follower: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[None] | None = None
        file.before_save, file.after_save = self._before_save, notes.saved
        file.together.at_work = self._at_work

    @property
    def document(self) -> Document:
        """The notebook as it is now."""
        return self.file.document

    @property
    def running(self) -> Execution | None:
        """The execution that the kernel has now."""
        return self._running

    @property
    def queued(self) -> int:
        """How many executions wait."""
        return self._queue.qsize()

    def output_file(self, cell_id: str | None) -> str:
        """Path of the file that takes a cell's text where the cell cannot."""
        return os.path.join(outputs_folder(self.file.path), f"cell-{cell_id}.txt")

    def execution_of(self, cell_id: str) -> Execution | None:
        """The last execution of a cell that is still known."""
        return next((each for each in reversed(self.executions.values()) if each.cell_id == cell_id), None)

    def _at_work(self) -> set[str]:
        return {each.cell_id for each in self.executions.values() if each.cell_id and not each.ended}

    @property
    def notice(self) -> str | None:
        """What whoever looks at the session should know first."""
        return ". ".join(filter(None, [self.dead_reason or self._notice, *self._news.heard()])) or None

    def tell(self, news: Callable[[], str | None]) -> None:
        """Have the next answer say something of the server, once: what runs now carries it, else what comes.

        Args:
            news: gives the sentence, or None once that holds no more.
        """
        text = news()
        if self._running is None:
            self._news.add(news)
        elif text:
            self._running.tell(text)

    def take_notices(self) -> list[str]:
        """Return what the next answer is to say first, of the server and of the notebook's file."""
        trouble = self._notes.take_trouble()
        return [*self._news.take(), *([trouble] if trouble else []), *self.file.take_notices()]

    async def connect(self, *, attach: bool = False) -> None:
        """Connect to the kernel (`attach`: it was there before); `begin` is to follow.

        Raises:
            KernelStartFailed: the kernel ended or stayed silent.
        """
        await self.kernel.connect(self._context, attach=attach)

    def begin(self) -> None:
        """Begin to run what is queued."""
        self._take_language()
        self._settled.set()
        self._worker = asyncio.ensure_future(self._work())

    def _take_language(self) -> None:
        language = self.kernel.info.get("language_info") or {"name": self.spec["language"]}
        self.document.set_kernel_info(language, self.spec)
        self.file.changed()

    # -- the queue ---------------------------------------------------------------------------------

    def submit(
        self, execution_id: str, code: str, cell_id: str | None, batch: str | None = None
    ) -> Execution:
        """Queue code whose output belongs to `cell_id`.

        When code of a `batch` does not end well, what is queued behind it in that batch is not run.
        """
        self.last_activity = time.time()
        spool = Spool(self.output_file(cell_id))
        execution = Execution(execution_id, self.session_id, code, cell_id, spool)
        execution.batch = batch
        self.executions[execution_id] = execution
        self._forget_old()
        self._notes.accepted(execution, self.document, self.file.saved)
        self._queue.put_nowait(execution)
        return execution

    def _forget_old(self) -> None:
        for key in list(self.executions)[: max(0, len(self.executions) - _KEPT)]:
            ended_at = self.executions[key].ended_at
            if ended_at is not None and time.time() - ended_at > _KEPT_SECONDS:
                self.executions.pop(key).close_files()

    async def _work(self) -> None:
        while True:
            execution = await self._queue.get()
            await self.kernel.last_words()
            await self._settled.wait()
            if execution.ended:
                continue
            if self._server_ends is not None:
                execution.cut(self._server_ends)
                continue
            if self.dead_reason is not None:
                self._finish(execution, executor.NOT_RUN, f"{self.dead_reason}; restart the kernel first")
                continue
            try:
                await self._run(execution)
            except Exception as error:  # noqa: BLE001 - the session must go on to serve the next
                _LOG.exception("execution %s failed", execution.execution_id)
                self._finish(execution, executor.KERNEL_DIED, f"the kernel could not be reached: {error}")

    async def _run(self, execution: Execution) -> None:
        self._running = execution
        notices = [*([self._notice] if self._notice else []), *self.take_notices()]
        self._notice = None
        execution.notice = ". ".join(notices) + "." if notices else None
        try:
            execution.put_into(self.document)  # none yet: those of an earlier run go
            self.incoming.forget_displays(execution.cell_id)
            execution.start(self.kernel)
            self._notes.started(execution)
            request = self.kernel.execute_request(execution.code)
            self.incoming.expect(request, execution, self.kernel)
            await self.kernel.send(request)
            await execution.finished.wait()
            await self.incoming.tell_widgets()
        finally:
            self._running = None
        self._finish(execution, execution.state, execution.reason)
        if execution.batch is not None and execution.state != executor.OK and execution.tag is None:
            self._drop_queued("a cell before it failed", batch=execution.batch)

    def _finish(self, execution: Execution, state: str, reason: str | None) -> None:
        execution.end(state, reason)
        self.last_activity = time.time()
        self._store(execution)
        self._notes.done(execution)
        memory.give_back_soon(execution)

    def _store(self, execution: Execution) -> None:
        """Put an execution's outputs, as they are now, into its cell, and have it saved."""
        if execution.started_at is not None:
            execution.put_into(self.document)
            self.file.changed()

    # -- the kernel's end --------------------------------------------------------------------------

    def _before_save(self) -> None:
        self.sync_running()
        self._notes.saving()

    def sync_running(self) -> None:
        """Bring the running cell's outputs and the widgets into the document, for a save or a reader."""
        if self._running is not None:
            self._running.put_into(self.document)
        self.incoming.save_widgets()

    def _on_end(self, reason: str) -> None:
        if self._running is not None:
            self._running.end(executor.KERNEL_DIED, reason)
        self._drop_queued(f"{reason}, so this was not run")
        if not self._end_is_ours:
            self.dead_reason = reason
            self._settled.clear()
            self._follower = asyncio.ensure_future(self._follow_restart(reason))

    async def _follow_restart(self, reason: str) -> None:
        """After an end that was not ours: take up the kernel that the server starts in its place."""
        try:
            if await self.kernel.successor(_RESTARTED_WITHIN):
                self.incoming.forget_kernel()
                await self.kernel.connect(self._context)
                self.dead_reason = None
                self._notice = (
                    f"{reason} and a new kernel runs in its place: all variables and imports are gone"
                )
        except ApiError as error:
            self.dead_reason = error.message
        finally:
            self._settled.set()

    def _drop_queued(self, reason: str, *, batch: str | None = None) -> list[Execution]:
        """Take what is queued, of one batch or all of it, off the queue; returns what that was."""
        dropped = []
        for execution in [self._queue.get_nowait() for _ in range(self._queue.qsize())]:
            if execution.ended:
                continue
            if batch is None or execution.batch == batch:
                self._finish(execution, executor.NOT_RUN, reason)
                dropped.append(execution)
            else:
                self._queue.put_nowait(execution)
        return dropped

    # -- control -----------------------------------------------------------------------------------

    async def interrupt(self) -> tuple[bool, list[Execution]]:
        """Interrupt what runs, and do not run what is queued.

        Returns:
            Whether something ran and has ended, and what was queued.
        """
        running = self._running
        dropped = self._drop_queued("what ran before it was interrupted")
        if running is not None and not running.ended:
            await running.interrupt()
            return running.ended, dropped
        if self.kernel.state != "busy":
            return False, dropped
        await self.kernel.interrupt()  # a person runs something in JupyterLab
        return await self.kernel.caught_up(executor.INTERRUPTED_WITHIN), dropped

    async def cancel(self, execution: Execution) -> None:
        """Stop one execution; what is queued behind it goes on."""
        if execution is self._running:
            await execution.interrupt()
        elif not execution.ended:
            self._finish(execution, executor.NOT_RUN, executor.CANCELLED)

    async def restart(self, replace: Callable[[], Awaitable[str]]) -> None:
        """Start the kernel anew; variables are gone, the notebook stays.

        Args:
            replace: starts another kernel for this notebook and returns its id; used when the server
                has let go of the old one.

        Raises:
            KernelStartFailed: the new kernel ended or stayed silent.
        """
        await self._settled.wait()
        self._settled.clear()
        self._end_is_ours = True
        try:
            if self._running is not None:
                self._running.end(executor.KERNEL_DIED, "the kernel was restarted on request")
            self._drop_queued("the kernel was restarted before it")
            self.incoming.forget_kernel()
            if self.kernel.manager is None:
                self.kernel.close()
                self.kernel = Kernel(self._kernels, await replace(), self.incoming.take, self._on_end)
            else:
                await self._kernels.restart_kernel(self.kernel.kernel_id)
            await self.kernel.connect(self._context)
            self.dead_reason = self._notice = None
        except Exception as error:
            self.dead_reason = f"the kernel could not be restarted: {error}"
            raise KernelStartFailed(self.dead_reason) from error
        finally:
            self._end_is_ours = False
            self._settled.set()
        self.last_activity = time.time()

    async def close(self) -> None:
        """End the queue, save, and let the channels go; the kernel is shut down by the caller."""
        self._end_is_ours = True
        if self._running is not None:
            self._running.end(executor.KERNEL_DIED, "the session was shut down")
            self._store(self._running)
        self._drop_queued("the session was shut down")
        for task in (self._worker, self._follower):
            if task is not None:
                task.cancel()
        self.kernel.close()
        await self.file.flush()
        self._release()
        self._notes.remove()

    def moved(self, path: str) -> None:
        """Follow the notebook, which somebody has renamed."""
        self.file.moved(path)
        self._notes.moved(path)

    def server_ends(self, why: str) -> None:
        """Note that what runs and what is queued ends with the server, before that shuts its kernels down.

        Args:
            why: what ends the server, in a word.
        """
        self._end_is_ours = True
        self._server_ends = why
        for execution in self.executions.values():
            if not execution.ended:
                execution.cut(why)
                if execution.started_at is not None:
                    execution.put_into(self.document)
                    self.file.mark()
                if execution is not self._running:  # of which `_run` notes the end
                    self._notes.done(execution)

    def abandon(self, rescued: str, why: str) -> None:
        """Save what there is, without an event loop: the last thing before the process ends.

        A notebook that cannot be saved goes to a copy, in the folder `rescued` if need be.
        """
        self.server_ends(why)
        self.file.flush_now()
        self._release()
        if not self.file.unsaved:
            self._notes.remove()
            return
        try:
            _LOG.error("%s; a copy is in %s", self.file.save_error, self.file.rescue(rescued))
        except ApiError as error:
            _LOG.critical("%s", error.message)  # the notebook's last second of work is lost

    def _release(self) -> None:
        for execution in self.executions.values():
            execution.close_files()
        self._notes.close()
