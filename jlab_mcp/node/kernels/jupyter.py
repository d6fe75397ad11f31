"""What the service asks of JupyterLab: kernels, as its own sessions, so that it shows them too."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from jupyter_server.utils import ensure_async

from ..errors import KernelStartFailed, KernelUnknown
from ..host.processes import Process, alive, descendants, end, processes
from ..notebook.document import Document
from ..settings import NodeSettings
from .processend import pid_of
from .reserve import Reserve

_GENTLY, _WITHIN = 1.0, 3.0  # seconds for what a kernel leaves to end on request, and when it is forced


class JupyterKernels:
    """The kernels of one JupyterLab.

    Args:
        serverapp: the Jupyter `ServerApp`.
        settings: what the launcher was told.
        reserve: the kernel that is kept ready.
    """

    def __init__(self, serverapp: Any, settings: NodeSettings, reserve: Reserve) -> None:
        self._kernels = serverapp.kernel_manager
        self._sessions = serverapp.session_manager
        self._specs = serverapp.kernel_spec_manager
        self._contents = serverapp.contents_manager
        self._settings = settings
        self._reserve = reserve

    def observe(self, ends: Callable[[str, str], None]) -> None:
        """Have restarts and shutdowns by a person told before they happen.

        The server tells nobody beforehand, and a kernel that ends on request looks like one that ended
        by itself. The restarter does not come this way.

        Args:
            ends: gets the kernel's id, and why it ends, in words.
        """
        self._observe("restart_kernel", "the kernel was restarted from elsewhere", ends)
        self._observe("shutdown_kernel", "the kernel was shut down from elsewhere", ends)

    def _observe(self, action: str, reason: str, ends: Callable[[str, str], None]) -> None:
        original = getattr(self._kernels, action)

        def observed(kernel_id: str, *args: Any, **kwargs: Any) -> Any:
            ends(kernel_id, reason)
            return original(kernel_id, *args, **kwargs)

        setattr(self._kernels, action, observed)

    async def of_notebook(self, path: str, kernel_name: str) -> tuple[str, bool]:
        """Start a kernel as the Jupyter session of a notebook, so that JupyterLab finds it there.

        A person who already has the notebook open keeps the kernel that they see.

        Returns:
            The kernel's id, and whether it was started here.

        Raises:
            KernelStartFailed: it could not be started.
        """
        found = await self.session_of(path)
        if found is not None:
            return str(found["kernel"]["id"]), False
        self._settings.make_runtime_dir()
        api_path, name = self._settings.api_path(path), os.path.basename(path)
        try:
            folder = await ensure_async(self._contents.get_kernel_path(path=api_path))
            env = self._sessions.get_kernel_env(api_path, name)
            spare = await self._reserve.take(kernel_name, folder, env)
            created = await self._sessions.create_session(
                path=api_path, name=name, type="notebook", kernel_name=kernel_name, kernel_id=spare
            )
        except Exception as error:  # whatever a kernel spec or provisioner may raise
            raise KernelStartFailed(f"kernel {kernel_name} could not be started: {error}") from error
        return str(created["kernel"]["id"]), True

    async def session_of(self, path: str) -> dict[str, Any] | None:
        """Return the Jupyter session of a notebook, by whatever path it was opened; None if there is none."""
        real = os.path.realpath(path)
        for session in await self.sessions():
            if session.get("type") == "notebook" and os.path.realpath(self.file_of(session)) == real:
                return session
        return None

    async def sessions(self) -> list[dict[str, Any]]:
        """List the Jupyter sessions whose kernels are there."""
        listed: list[dict[str, Any]] = await self._sessions.list_sessions()
        return [each for each in listed if (each.get("kernel") or {}).get("id") in self._kernels]

    async def others(self, own: set[str]) -> list[dict[str, Any]]:
        """List the kernels of notebooks and consoles other than these, as the API shows them."""
        found = []
        for session in await self.sessions():
            kernel = session["kernel"]
            if kernel["id"] in own:
                continue
            manager = self._kernels.get_kernel(kernel["id"])
            found.append(
                {
                    "kernel_id": kernel["id"],
                    "kernel_name": kernel["name"],
                    "kernel_state": getattr(manager, "execution_state", None) or "unknown",
                    "kernel_pid": pid_of(manager),
                    "last_activity": seconds_of(getattr(manager, "last_activity", None)),
                    "type": str(session.get("type") or ""),
                    "notebook_path": self.file_of(session),
                }
            )
        return found

    def file_of(self, session: dict[str, Any]) -> str:
        """Return the absolute path of what a Jupyter session is about."""
        return os.path.normpath(os.path.join(self._settings.root_dir, str(session.get("path") or "")))

    async def end(self, path: str, kernel_id: str) -> tuple[list[Process], list[Process]]:
        """Shut a kernel down, with its Jupyter session and what it has started in its session of processes.

        Returns:
            Which of these processes are still there; and what it has started in sessions of their own, which
            goes on.
        """
        pid = pid_of(self._kernels.get_kernel(kernel_id)) if kernel_id in self._kernels else None
        everything = processes() if pid is not None else []
        started = descendants(pid, everything) if pid is not None else []
        own = [each for each in everything if pid in (each.pid, each.session)]
        with contextlib.suppress(Exception):  # it is gone already: that is what is wanted
            session = await self.session_of(path)
            if session is not None:
                await self._sessions.delete_session(session["id"])
        if kernel_id in self._kernels:
            with contextlib.suppress(Exception):
                await self._kernels.shutdown_kernel(kernel_id, now=True)
        stubborn = await end(own, gently=_GENTLY, within=_WITHIN)
        return stubborn, alive(each for each in started if each not in own)

    def spec(self, wanted: str | None, document: Document | None) -> dict[str, str]:
        """`name`, `display_name` and `language` of the kernel spec to use.

        Raises:
            KernelUnknown: no spec has that name.
        """
        name = wanted or (document.kernel_name if document is not None else None)
        name = name or self._kernels.default_kernel_name
        try:
            spec = self._specs.get_kernel_spec(name)
        except Exception:  # noqa: BLE001 - NoSuchKernel, or a spec file that cannot be read
            known = sorted(self._specs.find_kernel_specs())
            raise KernelUnknown(
                f"there is no kernel named {name}; there are: {', '.join(known) or 'none'}", available=known
            ) from None
        return {"name": name, "display_name": spec.display_name, "language": spec.language}


def seconds_of(moment: Any) -> float | None:
    """Return a date as JupyterLab keeps it in seconds of the epoch."""
    return moment.timestamp() if isinstance(moment, datetime) else None
