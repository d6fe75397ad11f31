"""The end of a server: notebooks are saved first, then it is noted why it ended, then its kernels go.

All of it is over in seconds: between SIGTERM and SIGKILL, SLURM may leave five.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from ..kernels.processend import kill
from ..service import Service
from ..sessions.session import Session
from .note import SHUTDOWN, SIGNAL, write_end_note
from .signals import WARNING

_LOG = logging.getLogger("jlab_mcp_node")
_SAVED_WITHIN = 1.5  # seconds that notebooks get before the kernels are told to go
_KERNELS_WITHIN = 2.0  # seconds that kernels get after a signal, before they are killed
_OVER_WITHIN = 4.0  # seconds from the signal to the end of the server, whatever hangs


def _shown(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "notebook_path": session.file.path,
        "running": session.running and session.running.execution_id,
    }


class Ending:
    """Ends a server, or takes part when JupyterLab ends it.

    Args:
        service: what runs in it.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._serverapp = service.serverapp
        self._cause: str | None = None
        self._signal: str | None = None
        self._kept: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._sessions: list[dict[str, Any]] = []
        original = self._serverapp.cleanup_kernels

        async def cleanup_kernels() -> None:
            await self._keep(SHUTDOWN)
            await original()

        # Whatever ends the server comes by here before it shuts the kernels down.
        self._serverapp.cleanup_kernels = cleanup_kernels

    def heed(self, name: str) -> None:
        """Do what a signal asks for; must be called in the event loop."""
        if name in WARNING:
            self._service.time_is_nearly_over()
        else:
            self.begin(SIGNAL, name)

    def begin(self, cause: str, name: str | None = None) -> None:
        """End the server, for a cause of `endnote`; where that is a signal, `name` is its name."""
        if self._stopping is None:
            _LOG.warning("the server ends: %s", name or cause)
            self._serverapp.io_loop.call_later(_OVER_WITHIN, self._force)
            self._stopping = asyncio.ensure_future(self._stop(cause, name))

    async def _stop(self, cause: str, name: str | None) -> None:
        await self._keep(cause, name)
        self._serverapp.stop()

    async def _keep(self, cause: str, name: str | None = None) -> None:
        if self._kept is None:
            self._cause, self._signal = cause, name
            self._kept = asyncio.ensure_future(self._keep_now())
        await asyncio.shield(self._kept)

    async def _keep_now(self) -> None:
        """Say in the notebooks what was cut short, save them, and note the end."""
        self._sessions = [_shown(each) for each in self._service.sessions.values()]
        self._service.server_ends(self._signal or str(self._cause))
        for manager in self._managers().values():
            with contextlib.suppress(Exception):  # kernels of other kinds than a process of this machine
                # SLURM signals all processes of a job: a kernel that goes before the server is not replaced.
                manager.stop_restarter()
                manager.autorestart = False  # a restart that has begun would start the restarter again
                if self._signal is not None:
                    manager.shutdown_wait_time = _KERNELS_WITHIN
        await asyncio.gather(self._service.save(_SAVED_WITHIN), self._service.reserve.end())
        self._note()
        self._kill_starting()

    def _kill_starting(self) -> None:
        """Kill the kernels that have run nothing yet.

        JupyterLab interrupts kernels before it shuts them down. One that has only begun to import ipykernel
        would write a traceback of that into the log, in place of how the server ended.
        """
        states = {each.kernel.kernel_id: each.kernel.state for each in self._service.sessions.values()}
        for kernel_id, manager in self._managers().items():
            if states.get(kernel_id, getattr(manager, "execution_state", None)) in ("starting", "dead"):
                kill(manager)

    def _managers(self) -> dict[str, Any]:
        kernels = self._serverapp.kernel_manager
        return {kernel_id: kernels.get_kernel(kernel_id) for kernel_id in kernels.list_kernel_ids()}

    def _note(self) -> None:
        settings = self._service.settings
        unsaved = {each.file.path for each in self._service.sessions.values() if each.file.unsaved}
        write_end_note(
            settings.connection_file,
            settings.server_id,
            settings.job_id,
            str(self._cause),
            signal=self._signal,
            sessions=[{**each, "saved": each["notebook_path"] not in unsaved} for each in self._sessions],
        )

    def _force(self) -> None:
        _LOG.warning("something hangs: the server ends without waiting for it")
        self._service.reserve.kill()
        for manager in self._managers().values():
            kill(manager)
        self._serverapp.io_loop.stop()

    def finish(self) -> None:
        """Save what came last; there is no event loop any more."""
        self._service.reserve.kill()
        self._service.abandon(self._signal or self._cause or "crash")
        if self._cause is not None:
            self._note()
