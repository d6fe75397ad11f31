"""The node service: all sessions and scratch runs of one JupyterLab."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import zmq
import zmq.asyncio
from jupyter_server.utils import ensure_async

from . import executor
from .document import Document
from .earlier import EarlierSessions
from .errors import (
    ApiError,
    BadRequest,
    ExecutionNotFound,
    KernelStartFailed,
    KernelUnknown,
)
from .executor import Execution
from .idle import Idle
from .journal import Journal
from .notebookfile import NotebookFile
from .paths import existing_notebook, free_names, new_stem, shown_name
from .repeats import Repeats
from .reserve import Reserve
from .scratch import run_scratch
from .sessions import Session
from .settings import NodeSettings
from .writing import write_atomic

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
        self._opening: dict[str, asyncio.Task[tuple[Session, bool, list[Execution]]]] = {}
        self._scratch: OrderedDict[str, Execution] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self.context = zmq.asyncio.Context()
        # No high-water mark on what we receive: a SUB socket at its mark drops output silently.
        self.context.setsockopt(zmq.RCVHWM, 0)  # type: ignore[attr-defined,unused-ignore]
        # How soon a socket that found its kernel not yet listening tries again (100 ms by default).
        self.context.setsockopt(zmq.RECONNECT_IVL, 10)  # type: ignore[attr-defined,unused-ignore]
        self.reserve = Reserve(serverapp, self.context, settings.root_dir, settings.spare_kernels)
        self._observe("restart_kernel", "the kernel was restarted from elsewhere")
        self._observe("shutdown_kernel", "the kernel was shut down from elsewhere")

    def _observe(self, action: str, reason: str) -> None:
        """Learn of a person's restarts and shutdowns before they happen.

        The server tells nobody beforehand, and a kernel that ends on request looks like one that ended
        by itself. The restarter does not come this way.
        """
        manager = self.serverapp.kernel_manager
        original = getattr(manager, action)

        def observed(kernel_id: str, *args: Any, **kwargs: Any) -> Any:
            for session in self.sessions.values():
                if session.kernel.kernel_id == kernel_id:
                    session.kernel.expect_end(reason)
            return original(kernel_id, *args, **kwargs)

        setattr(manager, action, observed)

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
    ) -> tuple[Session, bool, list[Execution]]:
        """Open a session: `new`, `resume` (runs all code cells again) or `continue` (a fork, nothing run).

        A repeated request with the same `session_id` finds the first one's session. With `stop_on_error`, the
        cells of a resumed notebook that follow a failing one are not run.

        Returns:
            The session, whether it was open already, and the executions that were queued.

        Raises:
            ApiError: the name, path, notebook or kernel cannot be used; nothing is left behind.
        """
        key = session_id or secrets.token_hex(4)
        if key in self.sessions:
            return self.sessions[key], True, []
        if key not in self._opening:
            opening = self._open(key, mode, shown_name(name), notebook, kernel, stop_on_error=stop_on_error)
            task = asyncio.ensure_future(self.reserve.undisturbed(opening))
            self._opening[key] = task
            task.add_done_callback(lambda _: self._opening.pop(key, None))
        return await asyncio.shield(self._opening[key])

    async def _open(
        self, key: str, mode: str, name: str, notebook: str | None, kernel: str | None, *, stop_on_error: bool
    ) -> tuple[Session, bool, list[Execution]]:
        if mode == "new":
            spec = self._kernel_spec(kernel, None)
            made = self._create(
                new_stem(self.settings.notebook_dir, name),
                Document.new(spec["name"], spec["display_name"], spec["language"]),
            )
            return await self._begin(key, name, made, spec, made=True), False, []
        if mode not in ("resume", "continue"):
            raise BadRequest(f"mode is new, resume or continue, not {mode!r}")
        path = existing_notebook(self.settings.notebook_dir, notebook or name)
        opened = self._session_of(path)
        if mode == "continue":
            return await self._fork(key, name, path, opened, kernel), False, []
        if opened is not None:
            return opened, True, []
        return await self._resume(key, name, path, kernel, stop_on_error=stop_on_error)

    def _session_of(self, path: str) -> Session | None:
        real = os.path.realpath(path)
        return next((s for s in self.sessions.values() if os.path.realpath(s.file.path) == real), None)

    async def _fork(
        self, key: str, name: str, path: str, opened: Session | None, kernel: str | None
    ) -> Session:
        # An open notebook's file may be behind: by a second, or by more where it cannot be saved.
        document = opened.copy_of_document() if opened is not None else NotebookFile.read(path).document
        spec = self._kernel_spec(kernel, document)
        made = self._create(new_stem(self.settings.notebook_dir, f"{name}_continued"), document)
        return await self._begin(key, name, made, spec, made=True)

    async def _resume(
        self, key: str, name: str, path: str, kernel: str | None, *, stop_on_error: bool
    ) -> tuple[Session, bool, list[Execution]]:
        file = NotebookFile.read(path)
        session = await self._begin(key, name, file, self._kernel_spec(kernel, file.document), made=False)
        batch = secrets.token_hex(8) if stop_on_error else None
        code_cells = [c for c in session.document.cells if c["cell_type"] == "code" and c["source"].strip()]
        executions = [session.submit(secrets.token_hex(8), c["source"], c["id"], batch) for c in code_cells]
        return session, False, executions

    def _create(self, stem: str, document: Document) -> NotebookFile:
        for path in free_names(stem):
            try:
                return NotebookFile.create(path, document)
            except FileExistsError:  # noqa: PERF203 - the file system alone knows which names are free
                continue
        raise AssertionError("names never end")

    async def _begin(
        self, key: str, name: str, file: NotebookFile, spec: dict[str, str], *, made: bool
    ) -> Session:
        try:
            kernel_id, ours = await self._kernel_for(file.path, spec["name"])
            journal = Journal(os.path.join(self.settings.own_folder("journals"), f"{key}.jsonl"))
            session = Session(
                key, name, file, self.serverapp.kernel_manager, kernel_id, spec, self.context, journal
            )
            try:
                await session.open()
            except ApiError:
                session.kernel.close()
                if ours:
                    await self._end_kernel(file.path, kernel_id)
                raise
        except ApiError:
            if made:
                with contextlib.suppress(OSError):
                    os.unlink(file.path)
            raise
        self.sessions[key] = session
        for news in self._news:
            session.tell(news)
        self.earlier.opened(key, name, file.path, session.created_at)
        return session

    async def _kernel_for(self, path: str, kernel_name: str) -> tuple[str, bool]:
        """Start a kernel as the Jupyter session of a notebook, so that JupyterLab finds it there.

        A person who already has the notebook open keeps the kernel that they see.

        Returns:
            The kernel's id, and whether it was started here.
        """
        manager = self.serverapp.session_manager
        api_path = self.settings.api_path(path)
        if await manager.session_exists(path=api_path):
            found = await manager.get_session(path=api_path)
            return str(found["kernel"]["id"]), False
        self.settings.make_runtime_dir()
        name = os.path.basename(path)
        try:
            folder = await ensure_async(self.serverapp.contents_manager.get_kernel_path(path=api_path))
            spare = await self.reserve.take(kernel_name, folder, manager.get_kernel_env(api_path, name))
            created = await manager.create_session(
                path=api_path, name=name, type="notebook", kernel_name=kernel_name, kernel_id=spare
            )
        except Exception as error:  # whatever a kernel spec or provisioner may raise
            raise KernelStartFailed(f"kernel {kernel_name} could not be started: {error}") from error
        return str(created["kernel"]["id"]), True

    async def _end_kernel(self, path: str, kernel_id: str) -> None:
        manager = self.serverapp.session_manager
        api_path = self.settings.api_path(path)
        with contextlib.suppress(Exception):  # it is gone already: that is what is wanted
            if await manager.session_exists(path=api_path):
                await manager.delete_session((await manager.get_session(path=api_path))["id"])
        if kernel_id in self.serverapp.kernel_manager:
            with contextlib.suppress(Exception):
                await self.serverapp.kernel_manager.shutdown_kernel(kernel_id, now=True)

    def _kernel_spec(self, wanted: str | None, document: Document | None) -> dict[str, str]:
        """`name`, `display_name` and `language` of the kernel spec to use.

        Raises:
            KernelUnknown: no spec has that name.
        """
        name = wanted or (document.kernel_name if document is not None else None)
        name = name or self.serverapp.kernel_manager.default_kernel_name
        specs = self.serverapp.kernel_spec_manager
        try:
            spec = specs.get_kernel_spec(name)
        except Exception:  # noqa: BLE001 - NoSuchKernel, or a spec file that cannot be read
            known = sorted(specs.find_kernel_specs())
            raise KernelUnknown(
                f"there is no kernel named {name}; there are: {', '.join(known) or 'none'}", available=known
            ) from None
        return {"name": name, "display_name": spec.display_name, "language": spec.language}

    async def close_session(self, session_id: str) -> tuple[Session, str | None]:
        """Save and end a session and its kernel.

        Returns:
            The session, and where a copy of its notebook went if it could not be saved.

        Raises:
            NotebookUnwritable: neither could be written; the session stays open.
        """
        session = self.session(session_id)
        await session.file.flush()
        rescued = session.file.rescue(self.settings.own_folder("rescued")) if session.file.unsaved else None
        self.sessions.pop(session_id, None)
        self.earlier.closed(session_id)
        await session.close()
        if rescued is not None and session.file.unsaved:
            with contextlib.suppress(OSError):  # the copy has all but how the last cell ended
                write_atomic(rescued, session.document.dump())
        await self._end_kernel(session.file.path, session.kernel.kernel_id)
        return session, rescued

    async def restart_session(self, session_id: str) -> Session:
        """Start a session's kernel anew."""
        session = self.session(session_id)

        async def replace() -> str:
            return (await self._kernel_for(session.file.path, session.spec["name"]))[0]

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
            name = self._kernel_spec(kernel, None)["name"]
            kernels = self.serverapp.kernel_manager
            execution, running = run_scratch(
                kernels, self.reserve, self.settings, self.context, execution_id, code, name
            )
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
