"""The routes of the node API, v1: JSON in, JSON out, one short method each."""

from __future__ import annotations

import json
import re
from typing import Any, Optional

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join

from . import editing
from .errors import ApiError, BadRequest, NotAuthorized
from .notebookfile import NotebookFile
from .paths import existing_notebook
from .resources import read_resources
from .service import Service

API = 1
_LONGEST_WAIT = 3600.0  # seconds
_SERVER_FAULT = 500  # HTTP statuses from here on are our own failures
_ID = re.compile(r"[0-9A-Za-z_-]{4,64}")


class NodeHandler(APIHandler):
    """What all routes share: the service, the token check, the body, the errors."""

    def initialize(self, service: Service) -> None:
        """Take the service that the route was made for."""
        self.service = service

    async def prepare(self) -> None:  # type: ignore[override,unused-ignore]
        """Let only requests with the server's token in."""
        await super().prepare()
        if not self.current_user:
            raise NotAuthorized("the token is missing or not this server's")

    def body(self) -> dict[str, Any]:
        """Return the request's JSON object.

        Raises:
            BadRequest: it is none.
        """
        try:
            value = json.loads(self.request.body or b"{}")
        except ValueError as error:
            raise BadRequest(f"the body is no JSON: {error}") from error
        if not isinstance(value, dict):
            raise BadRequest("the body is no JSON object")
        return value

    def number(
        self, name: str, default: Optional[float], *, low: float = 0.0, high: float = 1e9
    ) -> Optional[float]:
        """Return a query argument as a number within bounds.

        Raises:
            BadRequest: it is none.
        """
        text = self.get_query_argument(name, None)
        if text is None:
            return default
        try:
            return min(max(float(text), low), high)
        except ValueError:
            raise BadRequest(f"{name} is no number: {text!r}") from None

    def reply(self, value: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(value, ensure_ascii=True, separators=(",", ":")))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the API's error object, whatever was raised."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, ApiError):
            self.set_status(error.status)
            fault = {"code": error.code, "message": error.message, "data": error.data}
        else:
            message = getattr(error, "log_message", None) or self._reason
            fault = {
                "code": "internal" if status_code >= _SERVER_FAULT else "bad_request",
                "message": str(message),
                "data": {},
            }
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"error": fault}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log only what was not foreseen."""
        if not isinstance(value, ApiError):
            super().log_exception(typ, value, tb)


class Info(NodeHandler):
    """`GET info`."""

    async def get(self) -> None:
        self.reply({**self.application.settings["jlab_mcp_info"], **self.service.counts()})


class Resources(NodeHandler):
    """`GET resources`."""

    async def get(self) -> None:
        kernels = [
            {"kernel_id": s.kernel.kernel_id, "session_id": s.session_id, "pid": s.kernel.pid}
            for s in self.service.sessions.values()
        ]
        self.reply(await read_resources(kernels=kernels))


class Sessions(NodeHandler):
    """`GET sessions`, `POST sessions`."""

    async def get(self) -> None:
        self.reply({"sessions": [s.as_json() for s in self.service.sessions.values()]})

    async def post(self) -> None:
        body = self.body()
        session, already_open, executions = await self.service.open_session(
            text(body, "mode", "new"),
            text(body, "name"),
            text(body, "notebook_path", None),
            text(body, "kernel", None),
            identifier(body, "session_id", required=False),
        )
        queued = [session.execution_json(execution, outputs=False) for execution in executions]
        self.reply({"session": session.as_json(), "already_open": already_open, "executions": queued}, 201)


class OneSession(NodeHandler):
    """`GET sessions/{id}`, `DELETE sessions/{id}`."""

    async def get(self, session_id: str) -> None:
        self.reply(self.service.session(session_id).as_json())

    async def delete(self, session_id: str) -> None:
        self.reply((await self.service.close_session(session_id)).as_json())


class Interrupt(NodeHandler):
    """`POST sessions/{id}/interrupt`."""

    async def post(self, session_id: str) -> None:
        session = self.service.session(session_id)
        interrupted = await session.interrupt()
        self.reply({**session.as_json(), "interrupted": interrupted})


class Restart(NodeHandler):
    """`POST sessions/{id}/restart`."""

    async def post(self, session_id: str) -> None:
        self.reply((await self.service.restart_session(session_id)).as_json())


class Cells(NodeHandler):
    """`GET sessions/{id}/cells`, `POST sessions/{id}/cells`."""

    async def get(self, session_id: str) -> None:
        session = self.service.session(session_id)
        session.file.refresh()
        session.sync_running()
        start, limit = self.number("start", 0, low=-1e9), self.number("limit", 20, low=1, high=1000)
        self.reply(editing.page(session.document, session.file.path, int(start or 0), int(limit or 20)))

    async def post(self, session_id: str) -> None:
        session = self.service.session(session_id)
        self.reply(editing.edit(session, self.body()))


class Notebook(NodeHandler):
    """`GET notebook?path=`: a notebook that need not be open."""

    async def get(self) -> None:
        path = existing_notebook(self.service.settings.notebook_dir, self.get_query_argument("path"))
        start, limit = self.number("start", 0, low=-1e9), self.number("limit", 20, low=1, high=1000)
        self.reply(editing.page(NotebookFile.read(path).document, path, int(start or 0), int(limit or 20)))


class Executions(NodeHandler):
    """`POST sessions/{id}/executions`."""

    async def post(self, session_id: str) -> None:
        session = self.service.session(session_id)
        body = self.body()
        execution_id = identifier(body, "execution_id")
        if execution_id in session.executions:
            execution = session.executions[execution_id]
        else:
            execution = editing.run(session, execution_id, body)
        await execution.wait(seconds(body, "wait"))
        self.reply(session.execution_json(execution))


class OneExecution(NodeHandler):
    """`GET executions/{id}?after=SEQ&wait=S`."""

    async def get(self, execution_id: str) -> None:
        execution, session = self.service.execution(execution_id)
        after = self.number("after", None)
        wait = self.number("wait", 0, high=_LONGEST_WAIT)
        await execution.wait(wait or 0.0, None if after is None else int(after))
        self.reply(session.execution_json(execution) if session is not None else execution.as_json())


class InterruptExecution(NodeHandler):
    """`POST executions/{id}/interrupt`: stop this execution and no other."""

    async def post(self, execution_id: str) -> None:
        execution, session = await self.service.interrupt_execution(execution_id)
        self.reply(session.execution_json(execution) if session is not None else execution.as_json())


class Scratch(NodeHandler):
    """`POST scratch`."""

    async def post(self) -> None:
        body = self.body()
        execution = self.service.scratch(
            identifier(body, "execution_id"), text(body, "code"), text(body, "kernel", None)
        )
        await execution.wait(seconds(body, "wait"))
        self.reply(execution.as_json())


_REQUIRED: Any = object()


def text(body: dict[str, Any], key: str, default: Any = _REQUIRED) -> Any:
    """Return a string of the body.

    Raises:
        BadRequest: it is missing or no string.
    """
    value = body.get(key)
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, str):
        raise BadRequest(f"{key} must be a string, not {value!r}")
    return value


def identifier(body: dict[str, Any], key: str, *, required: bool = True) -> Any:
    """Return an id that a client chose.

    Raises:
        BadRequest: it is missing, or has other characters than letters, digits, `_` and `-`.
    """
    value = body.get(key)
    if value is None and not required:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadRequest(f"{key} must be 4 to 64 letters, digits, _ or -, not {value!r}")
    return value


def seconds(body: dict[str, Any], key: str) -> float:
    """Return a number of seconds of the body, 0 where absent, an hour at most.

    Raises:
        BadRequest: it is no number.
    """
    value = body.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRequest(f"{key} must be a number of seconds, not {value!r}")
    return min(max(float(value), 0.0), _LONGEST_WAIT)


def routes(base_url: str, service: Service) -> list[tuple[str, type, dict[str, Any]]]:
    """All routes, for `web_app.add_handlers`."""
    session, execution = r"sessions/([^/]+)", r"executions/([^/]+)"
    table = [
        ("info", Info),
        ("resources", Resources),
        ("sessions", Sessions),
        (session, OneSession),
        (f"{session}/interrupt", Interrupt),
        (f"{session}/restart", Restart),
        (f"{session}/cells", Cells),
        (f"{session}/executions", Executions),
        ("notebook", Notebook),
        (execution, OneExecution),
        (f"{execution}/interrupt", InterruptExecution),
        ("scratch", Scratch),
    ]
    return [
        (url_path_join(base_url, "jlab-mcp", f"v{API}", path), handler, {"service": service})
        for path, handler in table
    ]
