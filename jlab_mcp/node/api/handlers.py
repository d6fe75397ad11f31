"""The two ways into the node API: HTTP requests, and calls over one long-lived websocket.

The websocket is the quick way: a request is one frame each way, with the token checked once. A call is a
JSON object `{"id", "method", "path", "query", "body"}`; its answer is `{"id", "status", "body"}`. Calls are
taken in the order in which they come, and answered in the order in which they are done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import url_path_join
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ..errors import ApiError, BadRequest, NotAuthorized
from ..service import Service
from .methods import API, answer, dumps


class Http(APIHandler):
    """One request, one answer."""

    def initialize(self, service: Service) -> None:
        """Take the service that the route was made for."""
        self.service = service

    async def prepare(self) -> None:  # type: ignore[override,unused-ignore]
        """Let only requests with the server's token in."""
        await super().prepare()
        if not self.current_user:
            raise NotAuthorized("the token is missing or not this server's")

    async def _answer(self) -> None:
        # As it was sent: in an unquoted path, an id with a slash would look like two parts.
        path = str(self.request.path).split(f"/jlab-mcp/v{API}/", 1)[1]
        query = {key: self.get_query_argument(key) for key in self.request.query_arguments}
        body = self._object()
        status, value = await answer(self.service, str(self.request.method), path, query, body)
        self._send(status, value)

    get = post = delete = _answer

    def _object(self) -> Mapping[str, Any]:
        try:
            value = json.loads(self.request.body or b"{}")
        except ValueError as error:
            raise BadRequest(f"the body is no JSON: {error}") from error
        if not isinstance(value, dict):
            raise BadRequest("the body is no JSON object")
        return value

    def _send(self, status: int, value: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(value)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the API's error object, whatever was raised before the request was looked at."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not isinstance(error, ApiError):
            error = ApiError(str(getattr(error, "log_message", None) or self._reason))
            error.status = status_code
        self._send(error.status, dumps(error.as_json()))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log only what was not foreseen."""
        if not isinstance(value, ApiError):
            super().log_exception(typ, value, tb)


class Calls(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Many calls over one connection."""

    auth_resource = "jlab_mcp"

    def initialize(self, service: Service) -> None:
        """Take the service that the route was made for."""
        self.service = service
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override,unused-ignore]
        """Upgrade the connection, with the server's token only."""
        if not self.current_user:
            self.set_status(NotAuthorized.status)
            self.finish()
            return
        await super().get(*args, **kwargs)

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Send small frames at once: with Nagle's algorithm an answer may wait 40 ms for an ACK."""
        super().open(*args, **kwargs)
        self.set_nodelay(True)

    def on_message(self, message: Any) -> None:
        """Begin a call."""
        task = asyncio.ensure_future(self._call(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, message: Any) -> None:
        try:
            call = json.loads(message)
            number, method, path = int(call["id"]), str(call["method"]), str(call["path"])
            query, body = dict(call.get("query") or {}), dict(call.get("body") or {})
        except (ValueError, TypeError, KeyError):
            self.close(1007, "not a call")
            return
        status, value = await answer(self.service, method, path, query, body)
        try:
            # The answer is JSON already: rendering it again would double the cost of a large one.
            await self.write_message(f'{{"id":{number},"status":{status},"body":{value}}}')
        except WebSocketClosedError:
            return  # the client asks again over its next connection


def routes(base_url: str, service: Service) -> list[tuple[str, type, dict[str, Any]]]:
    """All routes, for `web_app.add_handlers`."""
    root = url_path_join(base_url, "jlab-mcp", f"v{API}")
    given = {"service": service}
    return [(url_path_join(root, "calls"), Calls, given), (url_path_join(root, ".*"), Http, given)]
