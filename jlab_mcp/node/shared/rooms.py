"""Which notebooks have a room: a shared document in this process that pages of JupyterLab have open.

jupyter-collaboration keeps its rooms in its extension `jupyter_server_ydoc`, by the file's id. Where that is
not installed, or nobody has a notebook open, nothing of it is imported here.
"""

from __future__ import annotations

import logging
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ..settings import NodeSettings

if TYPE_CHECKING:
    from .room import SharedRoom

_LOG = logging.getLogger("jlab_mcp_node")
_EXTENSION = "jupyter_server_ydoc"
_PREFIX = "json:notebook:"
_SINCE = 3  # the major version of jupyter_ydoc from which on streams are shared texts


class Rooms:
    """Finds the room of a notebook.

    Args:
        serverapp: the Jupyter `ServerApp`.
        settings: where notebooks are.
    """

    def __init__(self, serverapp: Any, settings: NodeSettings) -> None:
        self._serverapp = serverapp
        self._settings = settings
        self._supported: bool | None = None
        self._known: dict[str, tuple[Any, SharedRoom]] = {}

    def of(self, path: str) -> SharedRoom | None:
        """Return the room of a notebook, by its absolute path; the same one for as long as it is open."""
        rooms = self._open()
        self._known = {key: known for key, known in self._known.items() if rooms.get(key) is known[0]}
        if not rooms:
            return None
        key = self._key(path)
        room = rooms.get(key) if key else None
        if key is None or room is None:
            return None
        if key not in self._known:
            from .room import SharedRoom

            self._known[key] = (room, SharedRoom(room))
        return self._known[key][1]

    def _open(self) -> dict[str, Any]:
        """Return the rooms of all notebooks that pages have open, by their names."""
        if not self._is_new_enough():
            return {}
        for app in self._serverapp.extension_manager.extension_apps.get(_EXTENSION, ()):
            server = getattr(app, "ywebsocket_server", None)
            if server is not None:
                return {key: room for key, room in server.rooms.items() if key.startswith(_PREFIX)}
        return {}

    def _is_new_enough(self) -> bool:
        if self._supported is None:
            try:
                self._supported = int(metadata.version("jupyter_ydoc").split(".")[0]) >= _SINCE
            except (metadata.PackageNotFoundError, ValueError):
                self._supported = False
        return self._supported

    def _key(self, path: str) -> str | None:
        files = self._serverapp.web_app.settings.get("file_id_manager")
        try:
            file_id = files and files.get_id(self._settings.api_path(path))
        except Exception as error:  # noqa: BLE001 - a database of another package's, on any file system
            _LOG.warning("the id of %s is not known: %s", path, error)
            return None
        return f"{_PREFIX}{file_id}" if file_id else None
