"""`KEY.sessions.json`: what was open, so that a later server can tell what became of a session."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from ..errors import SessionNotFound
from ..ownfiles import write_private
from ..settings import NodeSettings

_LOG = logging.getLogger("jlab_mcp_node")
_KEPT = 200  # sessions, the newest ones


class EarlierSessions:
    """The sessions of this server and of those before it that had the same files.

    Args:
        settings: where the file lies, and which server this is.
    """

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._path = settings.own_folder("sessions.json")
        self._sessions = _read(self._path)
        self._earlier = set(self._sessions)

    def opened(self, session_id: str, name: str, notebook_path: str, at: float, kernel_id: str) -> None:
        """Note a session that was opened at that time, in seconds of the epoch, with its kernel."""
        self._earlier.discard(session_id)
        self._sessions.pop(session_id, None)
        self._sessions[session_id] = {
            "notebook_path": notebook_path,
            "name": name,
            "opened_at": at,
            "server_id": self._settings.server_id,
            "kernel_id": kernel_id,
        }
        for old in list(self._sessions)[:-_KEPT]:
            del self._sessions[old]
        self._write()

    def closed(self, session_id: str) -> None:
        """Forget a session that somebody ended: nothing of it is lost."""
        if self._sessions.pop(session_id, None) is not None:
            self._write()

    def notebooks(self) -> dict[str, str]:
        """Return the notebooks of the sessions that are known, by the ids of their kernels."""
        return {str(each.get("kernel_id")): str(each["notebook_path"]) for each in self._sessions.values()}

    def missing(self, session_id: str, known: list[str]) -> SessionNotFound:
        """Make the error that says that there is no such session, and where an earlier server had it."""
        lost = self._sessions.get(session_id) if session_id in self._earlier else None
        if lost is None:
            return SessionNotFound(f"there is no session {session_id}", sessions=known)
        path = str(lost["notebook_path"])
        what = f"session {session_id} ({self._settings.api_path(path)})"
        what = f"{what} belonged to an earlier run of this server"
        if not os.path.exists(path):
            return SessionNotFound(f"{what}, and its notebook is gone too", sessions=known)
        return SessionNotFound(
            f"{what}, whose kernels are gone; its notebook is kept", sessions=known, notebook_path=path
        )

    def _write(self) -> None:
        try:
            write_private(self._path, {"version": 1, "sessions": self._sessions})
        except OSError as error:
            _LOG.warning("%s cannot be written: %s", self._path, error.strerror)


def _read(path: str) -> dict[str, dict[str, Any]]:
    """Read the sessions of earlier servers, oldest first; what is missing or broken tells of none."""
    try:
        with open(path, encoding="utf-8") as file:
            found: Any = json.load(file)["sessions"].items()
        sessions = {key: value for key, value in found if isinstance(value.get("notebook_path"), str)}
        return dict(sorted(sessions.items(), key=lambda item: float(item[1]["opened_at"])))
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}
