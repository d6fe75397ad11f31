"""The node service: all sessions and scratch runs of one JupyterLab."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import zmq
import zmq.asyncio

from .errors import (
    ApiError,
    BadRequest,
    ExecutionNotFound,
    SessionNotFound,
)
from .host.processes import Process
from .ids import random_id
from .journal.journal import Journal
from .journal.left import LeftJournals
from .kernels import left as leftkernels
from .kernels.jupyter import JupyterKernels
from .kernels.reserve import Reserve
from .notebook.document import Document
from .notebook.file import NotebookFile
from .notebook.paths import existing_notebook, free_names, new_stem, shown_name
from .notebook.writing import write_atomic
from .sessions import executor
from .sessions.earlier import EarlierSessions
from .sessions.executor import Execution
from .sessions.idle import Idle
from .sessions.noting import Noting
from .sessions.repeats import Repeats
from .sessions.rerun import rerun
from .sessions.results import Closed, Opened
from .sessions.scratch import run_scratch
from .sessions.session import Session
from .sessions.showing import session_json
from .settings import NodeSettings
from .shared.rooms import Rooms
from .view.view import View

_LOG = logging.getLogger("jlab_mcp_node")
_SCRATCH_KEPT = 50


class Service:
    """Opens, finds and closes sessions; runs scratch code.

    Args:
        serverapp: the Jupyter `ServerApp` that it lives in.
        settings: what the launcher was told.
        info: what `GET info` tells that does not change.
    """

    def __init__(self, serverapp: Any, settings: NodeSettings, info: Mapping[str, Any]) -> None:
        self.info = info
        self.serverapp = serverapp
        self.settings = settings
        self.sessions: dict[str, Session] = {}
        self.repeats = Repeats()
        self.idle = Idle(settings.idle_timeout, self.last_used, self.tell)
        self._news: list[Callable[[], str | None]] = []
        self.earlier = EarlierSessions(settings)
        self.left_journals = LeftJournals(settings)
        self._opening: dict[str, asyncio.Task[Opened]] = {}
        self._unwanted: set[str] = set()  # sessions that were given up while they were opened
        self._scratch: OrderedDict[str, Execution] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.context = zmq.asyncio.Context()
        # No high-water mark on what we receive: a SUB socket at its mark drops output silently.
        self.context.setsockopt(zmq.RCVHWM, 0)  # type: ignore[attr-defined,unused-ignore]
        # How soon a socket that found its kernel not yet listening tries again (100 ms by default).
        self.context.setsockopt(zmq.RECONNECT_IVL, 10)  # type: ignore[attr-defined,unused-ignore]
        self.reserve = Reserve(serverapp, self.context, settings)
        self._kernels = JupyterKernels(serverapp, settings, self.reserve)
        self._kernels.observe(self._kernel_ends)
        self._rooms = Rooms(serverapp, settings)
        self.view = View(self)

    def _kernel_ends(self, kernel_id: str, reason: str) -> None:
        for session in self.sessions.values():
            if session.kernel.kernel_id == kernel_id:
                session.kernel.expect_end(reason)

    # -- sessions ----------------------------------------------------------------------------------

    def session(self, session_id: str) -> Session:
        """Find a session.

        Raises:
            SessionNotFound: there is none of that id; where an earlier server had it, this says so.
        """
        try:
            return self.sessions[session_id]
        except KeyError:
            raise self.earlier.missing(session_id, list(self.sessions)) from None

    async def open_session(
        self,
        mode: str,
        name: str,
        notebook: str | None,
        kernel: str | None,
        session_id: str | None,
        *,
        stop_on_error: bool = False,
    ) -> Opened:
        """Open a session: `new`, `resume` (runs all code cells again) or `continue` (a fork, nothing run).

        A repeated request with the same `session_id` finds the first one's session. With `stop_on_error`, the
        cells of a resumed notebook that follow a failing one are not run.

        What an earlier server had not saved of the notebook is brought in first. A notebook that a person has
        open with a kernel gets that kernel, and nothing is run.

        Raises:
            SessionNotFound: it was given up meanwhile; nothing is left behind.
            ApiError: the name, path, notebook or kernel cannot be used; nothing is left behind.
        """
        key = session_id or random_id(8)
        if key in self.sessions:
            return Opened(self.sessions[key], already_open=True)
        if key not in self._opening:
            opening = self._open(key, mode, shown_name(name), notebook, kernel, stop_on_error=stop_on_error)
            task = asyncio.ensure_future(self.reserve.undisturbed(opening))
            self._opening[key] = task
            task.add_done_callback(lambda _: self._opened_or_failed(key))
        return await asyncio.shield(self._opening[key])

    def _opened_or_failed(self, key: str) -> None:
        self._opening.pop(key, None)
        self._unwanted.discard(key)

    async def give_up_opening(self, session_id: str) -> bool:
        """Nobody waits any more for a session to open: nothing is left of it, and no cell is run.

        One that is open by now stays so, but what its notebook runs anew is stopped.

        Returns:
            Whether it is open.
        """
        session = self.sessions.get(session_id)
        if session is None:
            self._unwanted.add(session_id)
            return False
        # From the end, so that none of them begins while another is taken off.
        for execution in reversed(list(session.executions.values())):
            await session.cancel(execution)
        return True

    async def _open(
        self, key: str, mode: str, name: str, notebook: str | None, kernel: str | None, *, stop_on_error: bool
    ) -> Opened:
        if mode == "new":
            spec = self._kernels.spec(kernel, None)
            made = self._create(
                new_stem(self.settings.notebook_dir, name),
                Document.new(spec["name"], spec["display_name"], spec["language"]),
            )
            return Opened((await self._begin(key, name, made, spec, made=True))[0])
        if mode not in ("resume", "continue"):
            raise BadRequest(f"mode is new, resume or continue, not {mode!r}")
        path = existing_notebook(self.settings.notebook_dir, notebook or name)
        opened = self._session_of(path)
        if mode == "continue":
            return await self._fork(key, name, path, opened, kernel)
        if opened is not None:
            return Opened(opened, already_open=True)
        return await self._resume(key, name, path, kernel, stop_on_error=stop_on_error)

    def _session_of(self, path: str) -> Session | None:
        real = os.path.realpath(path)
        return next((s for s in self.sessions.values() if os.path.realpath(s.file.path) == real), None)

    async def _fork(
        self, key: str, name: str, path: str, opened: Session | None, kernel: str | None
    ) -> Opened:
        recovered = None
        if opened is not None:
            # An open notebook's file may be behind: by a second, or by more where it cannot be saved.
            opened.sync_running()
            document = Document.parse(opened.document.dump())
        else:
            file = NotebookFile.read(path)
            recovered = await self.left_journals.take_in(file)
            document = file.document
        spec = self._kernels.spec(kernel, document)
        made = self._create(new_stem(self.settings.notebook_dir, f"{name}_continued"), document)
        session, _ = await self._begin(key, name, made, spec, made=True)
        return Opened(session, recovered=recovered)

    async def _resume(
        self, key: str, name: str, path: str, kernel: str | None, *, stop_on_error: bool
    ) -> Opened:
        file = NotebookFile.read(path)
        spec = self._kernels.spec(kernel, file.document)
        recovered = await self.left_journals.take_in(file)
        session, attached = await self._begin(key, name, file, spec, made=False)
        executions = () if attached else tuple(rerun(session, stop_on_error=stop_on_error))
        return Opened(session, attached=attached, executions=executions, recovered=recovered)

    def _create(self, stem: str, document: Document) -> NotebookFile:
        for path in free_names(stem):
            try:
                return NotebookFile.create(path, document)
            except FileExistsError:  # noqa: PERF203 - the file system alone knows which names are free
                continue
        raise AssertionError("names never end")

    async def _begin(
        self, key: str, name: str, file: NotebookFile, spec: dict[str, str], *, made: bool
    ) -> tuple[Session, bool]:
        """Begin a session; also returns whether its kernel was there before."""
        file.together.rooms = self._rooms.of
        try:
            kernel_id, ours = await self._kernels.of_notebook(file.path, spec["name"])
            notes = Noting(
                Journal(self.left_journals.path_for(key), self._about(file), asyncio.get_running_loop())
            )
            session = Session(
                key, name, file, self.serverapp.kernel_manager, kernel_id, spec, self.context, notes
            )
            try:
                await session.connect(attach=not ours)
                if key in self._unwanted:
                    raise SessionNotFound(f"session {key} was given up while it was opened")
            except ApiError:
                session.kernel.close()
                if ours:
                    await self._kernels.end(file.path, kernel_id)
                raise
        except ApiError:
            if made:
                with contextlib.suppress(OSError):
                    os.unlink(file.path)
            raise
        session.begin()
        self.sessions[key] = session
        for news in self._news:
            session.tell(news)
        self.earlier.opened(key, name, file.path, session.created_at, kernel_id)
        return session, not ours

    def _about(self, file: NotebookFile) -> dict[str, Any]:
        return {"notebook_path": file.path, "server_id": self.settings.server_id, "pid": os.getpid()}

    async def close_session(self, session_id: str) -> Closed:
        """Save and end a session and its kernel, or end a kernel that an earlier server has left.

        Returns when the processes of the kernel have gone, or will not go.

        Raises:
            NotebookUnwritable: neither the notebook nor a copy could be written; the session stays open.
        """
        left = self.left_kernel(session_id)
        if left is not None:
            shown = left.as_session()
            return Closed(shown, processes=_pids(await left.end()))
        session = self.session(session_id)
        await session.file.flush()
        rescued = session.file.rescue(self.settings.own_folder("rescued")) if session.file.unsaved else None
        self.sessions.pop(session_id, None)
        self.earlier.closed(session_id)
        await session.close()
        if rescued is not None and session.file.unsaved:
            with contextlib.suppress(OSError):  # the copy has all but how the last cell ended
                write_atomic(rescued, session.document.pieces())
        shown = session_json(session)
        stubborn, detached = await self._kernels.end(session.file.path, session.kernel.kernel_id)
        return Closed(shown, rescued, _pids(stubborn), _pids(detached))

    async def other_kernels(self) -> list[dict[str, Any]]:
        """List the kernels that no session of ours has, such as a person's, as the API shows them."""
        return await self._kernels.others({each.kernel.kernel_id for each in self.sessions.values()})

    def left_kernels(self) -> list[leftkernels.LeftKernel]:
        """Find the kernels on this host that earlier servers have left."""
        return leftkernels.left_kernels(self.earlier.notebooks())

    def left_kernel(self, left_id: str) -> leftkernels.LeftKernel | None:
        """Find a kernel that an earlier server has left by the id that it is shown with."""
        if not left_id.startswith("left-"):
            return None
        return next((each for each in self.left_kernels() if each.left_id == left_id), None)

    async def restart_session(self, session_id: str) -> Session:
        """Start a session's kernel anew."""
        session = self.session(session_id)

        async def replace() -> str:
            return (await self._kernels.of_notebook(session.file.path, session.spec["name"]))[0]

        self.settings.make_runtime_dir()
        await session.restart(replace)
        return session

    # -- executions --------------------------------------------------------------------------------

    def execution(self, execution_id: str) -> tuple[Execution, Session | None]:
        """Find an execution and its session.

        Raises:
            ExecutionNotFound: there is none, or it ended long ago.
        """
        for session in self.sessions.values():
            if execution_id in session.executions:
                return session.executions[execution_id], session
        if execution_id in self._scratch:
            return self._scratch[execution_id], None
        raise ExecutionNotFound(f"there is no execution {execution_id}")

    def scratch(self, execution_id: str, code: str, kernel: str | None) -> Execution:
        """Run code in a fresh kernel that ends afterwards; a repeated id finds the first run."""
        if execution_id not in self._scratch:
            name = self._kernels.spec(kernel, None)["name"]
            execution, running = run_scratch(self.reserve, self.settings, execution_id, code, name)
            self._scratch[execution_id] = execution
            self._tasks.add(running)
            running.add_done_callback(self._tasks.discard)
            for old in [key for key, each in self._scratch.items() if each.ended][:-_SCRATCH_KEPT]:
                del self._scratch[old]
        return self._scratch[execution_id]

    async def interrupt_execution(self, execution_id: str) -> tuple[Execution, Session | None]:
        """Stop one execution and no other.

        Raises:
            ExecutionNotFound: there is none, or it ended long ago.
        """
        execution, session = self.execution(execution_id)
        if session is not None:
            await session.cancel(execution)
        elif execution.kernel is not None:
            await execution.interrupt()
        else:
            execution.end(executor.NOT_RUN, executor.CANCELLED)
        return execution, session

    # -- how it is, and the end --------------------------------------------------------------------

    def tell(self, news: Callable[[], str | None]) -> None:
        """Have the next answer of each session, open now or later, say once what `news` gives if any."""
        self._news = [*(each for each in self._news if each()), news]
        for session in self.sessions.values():
            session.tell(news)

    def time_is_nearly_over(self) -> None:
        """Save everything now and tell everybody: a signal says that the job's end is near."""
        said = f"the job's time is nearly over: it was told so at {time.strftime('%H:%M')}"
        _LOG.warning("%s", said)
        self.tell(lambda: said)
        for session in self.sessions.values():
            session.file.save_now()

    def last_used(self) -> float | None:
        """When code last ran or a kernel started, in seconds of the epoch; None while code runs or waits."""
        kernels = self.serverapp.kernel_manager
        managers = [kernels.get_kernel(each) for each in kernels.list_kernel_ids()]
        busy = any(getattr(each, "execution_state", None) == "busy" for each in managers)
        sessions = self.sessions.values()
        at_work = any(each.running or each.queued for each in sessions)
        if busy or at_work or self._tasks or self._opening:
            return None
        last: float = kernels.last_kernel_activity.timestamp()
        return max([last, *(each.last_activity for each in sessions)])

    def server_ends(self, why: str) -> None:
        """The server is about to shut its kernels down.

        Args:
            why: what ends it, in a word.
        """
        self.view.server_ends(why)
        for session in self.sessions.values():
            session.server_ends(why)
        for execution in self._scratch.values():
            if not execution.ended:
                execution.cut(why)

    async def save(self, timeout: float) -> None:
        """Save all notebooks; what takes longer than `timeout` seconds goes on behind."""
        saves = [asyncio.ensure_future(session.file.flush()) for session in self.sessions.values()]
        if saves:
            await asyncio.wait(saves, timeout=timeout)

    def abandon(self, why: str) -> None:
        """The event loop has ended, because of that: save what is not saved."""
        for session in self.sessions.values():
            session.abandon(self.settings.own_folder("rescued"), why)

    def counts(self) -> dict[str, int]:
        """How many sessions, kernels and running executions there are."""
        return {
            "sessions": len(self.sessions),
            "kernels": len(self.serverapp.kernel_manager.list_kernel_ids()),
            "spare_kernels": self.reserve.ready,
            "running": sum(1 for s in self.sessions.values() if s.running),
        }


def _pids(which: list[Process]) -> tuple[int, ...]:
    return tuple(each.pid for each in which)
