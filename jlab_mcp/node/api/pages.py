"""Pages of JupyterLab: what they read, save and rename of notebooks that are open here.

JupyterLab's files go through its contents manager, which runs in this process and tells nobody beforehand.
Its methods are wrapped, as those of the kernel manager are in `service.py`.
"""

from __future__ import annotations

import inspect
import os
from contextlib import AsyncExitStack
from typing import Any

from ..service import Service
from ..sessions.session import Session


class Pages:
    """Tells the notebooks of open sessions what pages do to their files.

    Args:
        serverapp: the Jupyter `ServerApp`.
        service: whose sessions these are.
    """

    def __init__(self, serverapp: Any, service: Service) -> None:
        self._serverapp = serverapp
        self._service = service
        manager = serverapp.contents_manager
        if not inspect.iscoroutinefunction(manager.save):
            return  # an old one that somebody chose: its writes are seen when the file is next looked at
        self._read, self._save, self._rename = manager.get, manager.save, manager.rename_file
        manager.get, manager.save, manager.rename_file = self.read, self.save, self.rename

    async def read(self, path: str, content: bool = True, **kwargs: Any) -> Any:
        """Read a file for a page; `content` is False where only its date is wanted."""
        found = self._at(path)
        if not found or not content:
            return await self._read(path, content=content, **kwargs)
        async with found[0].file.read_by_page():
            return await self._read(path, content=content, **kwargs)

    async def save(self, model: Any, path: str = "") -> Any:
        """Save a file for a page."""
        found = self._at(path)
        if not found or model.get("type") != "notebook" or found[0].file.is_shared:
            return await self._save(model, path)
        async with found[0].file.saved_by_page(self._pages_of(found[0])):
            return await self._save(model, path)

    async def rename(self, old_path: str, new_path: str) -> None:
        """Rename a file, or a folder with all that is in it."""
        moved = self._at(old_path, below=True)
        async with AsyncExitStack() as stack:
            for session in moved:
                await stack.enter_async_context(session.file.held())
            await self._rename(old_path, new_path)
            for session in moved:
                await self._moved(session, old_path.strip("/"), new_path.strip("/"))

    def _at(self, path: str, *, below: bool = False) -> list[Session]:
        """Find the session of a notebook, by its path in Jupyter's API, or those below a folder."""
        wanted = path.strip("/")
        prefix = f"{wanted}/" if below else "//"  # which no path has
        named = [(self._api_path(each), each) for each in self._service.sessions.values()]
        return [session for name, session in named if name == wanted or name.startswith(prefix)]

    def _api_path(self, session: Session) -> str:
        return self._service.settings.api_path(session.file.path)

    def _pages_of(self, session: Session) -> int:
        """How many pages show a session's notebook: each has a connection to its kernel."""
        kernels = self._serverapp.kernel_manager
        if session.kernel.kernel_id not in kernels:
            return 1
        return int(kernels.kernel_model(session.kernel.kernel_id).get("connections", 1))

    async def _moved(self, session: Session, old: str, new: str) -> None:
        """Let a session, and JupyterLab's own of the same kernel, follow its notebook."""
        before = self._api_path(session)
        api_path = new + before[len(old) :]
        path = os.path.join(self._service.settings.root_dir, *api_path.split("/"))
        session.moved(path)
        kernel_id = session.kernel.kernel_id
        self._service.earlier.opened(session.session_id, session.name, path, session.created_at, kernel_id)
        manager = self._serverapp.session_manager
        if await manager.session_exists(path=before):
            found = await manager.get_session(path=before)
            await manager.update_session(found["id"], path=api_path, name=os.path.basename(path))
