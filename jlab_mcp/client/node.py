"""Client of the node service: one long-lived connection, typed answers, our own errors."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote, urlsplit

from jlab_mcp.client import models
from jlab_mcp.client.asking import CellRef, News, TextPart, asked, given
from jlab_mcp.errors import JlabMcpError, NodeError, Remedy, ServerUnreachable, node_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from jlab_mcp.client.transport import Transport
    from jlab_mcp.client.wire import Answer, NoAnswer
    from jlab_mcp.core.record import Connection

_log = logging.getLogger(__name__)
_API = "jlab-mcp/v1/"
_CONNECT_SECONDS = 10.0
"""A server whose loop is busy, with a large notebook for example, takes its time to accept a websocket."""
_ANSWER_SECONDS = 60.0
"""How long the service may take beyond the wait it was asked for."""
_KERNEL_SECONDS = 180.0
"""The same where a kernel has to start or end: slow file systems make the first import take minutes."""
_SENDINGS = 3
"""How often a request goes out in any case when its connection breaks before the answer."""
_HOLD_SECONDS = 150.0
"""How long a server that should be there is tried, once the connection to it is lost."""
_HOLD_LOOK_SECONDS = 20.0
"""The same where somebody only looks, and may look elsewhere."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 3.0
"""Seconds between two tries; they double."""

_Model = TypeVar("_Model", bound=models.WireModel)


class NodeClient:
    """Speaks to the node service of one server.

    Every method raises `ServerUnreachable` when the service does not answer as it should, and the
    subclass of `NodeError` that stands for its reason when it refuses. Whatever changes something is safe to
    repeat: the caller chooses the execution's id, and a repeat attaches to the execution that has it; other
    requests have ids of their own, and the service gives a repeat the answer that it gave first.

    Args:
        connection: where the service is.
        expected: asked after each failure whether the server should still be there. While it should, a lost
            connection is tried again for minutes; by default a server that does not answer is given up.
    """

    def __init__(self, connection: Connection, expected: Callable[[], bool] = bool) -> None:
        self._shown = connection.url
        self._token = connection.token
        self._ip_version = connection.ip_version
        self._expected = expected
        self._transport: Transport | None = None
        self._lost_at: float | None = None

    @property
    def lost_for(self) -> float | None:
        """Seconds for which the connection has been lost and is tried again; None while it is well."""
        return None if self._lost_at is None else time.monotonic() - self._lost_at

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._transport is not None:
            transport, self._transport = self._transport, None
            await transport.close()

    async def info(self) -> models.NodeInfo:
        """Ask who is there."""
        return await self._ask(models.NodeInfo, "GET", "info", answer_s=10.0, hold_s=0.0)

    async def resources(self) -> models.Resources:
        """Ask for the machine's CPUs, memory and GPUs; no kernel is started."""
        return await self._ask(models.Resources, "GET", "resources", hold_s=0.0)

    async def sessions(self) -> list[models.Session]:
        """List the sessions of the server."""
        return (await self.listing()).sessions

    async def listing(self) -> models.SessionList:
        """List the sessions of the server, its other kernels, and those left on its host by earlier ones."""
        return await self._ask(models.SessionList, "GET", "sessions")

    async def session(self, session_id: str) -> models.Session:
        """Look one session up."""
        return await self._ask(models.Session, "GET", f"sessions/{_segment(session_id)}")

    async def open_session(
        self,
        name: str,
        mode: Literal["new", "resume", "continue"],
        *,
        session_id: str,
        notebook_path: str | None = None,
        kernel: str | None = None,
        stop_on_error: bool = False,
    ) -> models.OpenedSession:
        """Open a notebook with a kernel.

        The caller chooses `session_id` (8 hex digits), so that a repeat opens nothing new. With
        `stop_on_error` the cells of a resumed notebook that follow a failing one are not run.
        """
        body = given(
            name=name,
            mode=mode,
            session_id=session_id,
            notebook_path=notebook_path,
            kernel=kernel,
            stop_on_error=stop_on_error or None,
        )
        return await self._ask(models.OpenedSession, "POST", "sessions", body=body, answer_s=_KERNEL_SECONDS)

    async def give_up_opening(self, session_id: str) -> models.GivenUpOpening:
        """Have nothing left of a session that is being opened; if it is open by now, nothing runs in it."""
        return await self._ask(models.GivenUpOpening, "DELETE", f"openings/{_segment(session_id)}")

    async def close_session(self, session_id: str) -> models.ClosedSession:
        """End a session's kernel; the notebook stays."""
        path = f"sessions/{_segment(session_id)}"
        return await self._ask(models.ClosedSession, "DELETE", path, answer_s=_KERNEL_SECONDS)

    async def interrupt(self, session_id: str) -> models.InterruptedSession:
        """Interrupt what a session runs; what is queued behind it is not run."""
        path = f"sessions/{_segment(session_id)}/interrupt"
        return await self._ask(models.InterruptedSession, "POST", path, body={})

    async def ticket(
        self, page: Literal["lab", "view"], session_id: str | None, *, life_s: float
    ) -> models.Ticket:
        """Ask for a way in to a page, of a session if one is named, that is good once and so many seconds."""
        body = given(page=page, session=session_id, life=life_s)
        return await self._ask(models.Ticket, "POST", "tickets", body=body)

    async def interrupt_execution(self, execution_id: str) -> models.Execution:
        """Stop one execution, running or queued, and no other."""
        path = f"executions/{_segment(execution_id)}/interrupt"
        return await self._ask(models.Execution, "POST", path, body={})

    async def restart(self, session_id: str) -> models.Session:
        """Give a session a fresh kernel."""
        path = f"sessions/{_segment(session_id)}/restart"
        return await self._ask(models.Session, "POST", path, body={}, answer_s=_KERNEL_SECONDS)

    async def insert_cell(
        self,
        session_id: str,
        cell_type: Literal["code", "markdown"],
        source: str,
        *,
        index: int | None = None,
    ) -> models.CellChange:
        """Insert a cell before `index` (negative from the end), or append it."""
        return await self._change(session_id, "insert", cell_type=cell_type, source=source, index=index)

    async def edit_cell(self, session_id: str, cell: CellRef, source: str) -> models.CellChange:
        """Replace a cell's source without running it."""
        return await self._change(session_id, "edit", cell=cell, source=source)

    async def delete_cell(self, session_id: str, cell: CellRef) -> models.CellChange:
        """Delete a cell."""
        return await self._change(session_id, "delete", cell=cell)

    async def move_cell(self, session_id: str, cell: CellRef, index: int) -> models.CellChange:
        """Move a cell so that it stands at `index`."""
        return await self._change(session_id, "move", cell=cell, index=index)

    async def cells(self, session_id: str, *, start: int, limit: int) -> models.CellPage:
        """Read cells of an open notebook."""
        params = {"start": start, "limit": limit}
        return await self._ask(
            models.CellPage, "GET", f"sessions/{_segment(session_id)}/cells", params=params
        )

    async def notebook(self, path: str, *, start: int, limit: int) -> models.CellPage:
        """Read cells of a notebook file, open or not."""
        params: dict[str, str | int] = {"path": path, "start": start, "limit": limit}
        return await self._ask(models.CellPage, "GET", "notebook", params=params)

    async def execute(
        self,
        session_id: str,
        execution_id: str,
        *,
        code: str | None = None,
        cell: CellRef | None = None,
        source: str | None = None,
        wait: float,
        news: News | None = None,
    ) -> models.Execution:
        """Run `code` as a new cell at the end, or run `cell`, with its source replaced by `source` if given.

        Answers when the execution has ended, when there is news, or as it stands after `wait` seconds.
        """
        body = given(execution_id=execution_id, code=code, cell=cell, source=source, wait=wait, **asked(news))
        path = f"sessions/{_segment(session_id)}/executions"
        return await self._ask(models.Execution, "POST", path, body=body, wait=wait)

    async def execution(
        self, execution_id: str, *, wait: float = 0.0, news: News | None = None
    ) -> models.Execution:
        """Read an execution when it has ended, when there is news, or as it stands after `wait` seconds."""
        params = given(wait=wait, **asked(news))
        return await self._ask(
            models.Execution,
            "GET",
            f"executions/{_segment(execution_id)}",
            params=params,
            wait=wait,
            hold_s=_HOLD_SECONDS,
        )

    async def execution_text(self, execution_id: str, part: TextPart) -> models.TextPage:
        """Read a page of the full text of an execution, or search it."""
        path = f"executions/{_segment(execution_id)}/text"
        return await self._ask(models.TextPage, "GET", path, params=part.params())

    async def follow(
        self, execution_id: str, offset: int, *, limit: int, wait: float = 0.0
    ) -> models.StreamPage:
        """Read `limit` bytes of what code puts out from byte `offset` on; waits for them `wait` seconds."""
        return await self._ask(
            models.StreamPage,
            "GET",
            f"executions/{_segment(execution_id)}/stream",
            params={"offset": offset, "limit": limit, "wait": wait},
            wait=wait,
            hold_s=_HOLD_SECONDS,
        )

    async def cell_output(self, session_id: str, cell: CellRef) -> models.CellOutput:
        """Read a cell and its last execution."""
        path = f"sessions/{_segment(session_id)}/output"
        return await self._ask(models.CellOutput, "GET", path, params={"cell": cell})

    async def cell_text(self, session_id: str, cell: CellRef, part: TextPart) -> models.TextPage:
        """Read a page of the full text of a cell's output, or search it."""
        path = f"sessions/{_segment(session_id)}/text"
        return await self._ask(models.TextPage, "GET", path, params={"cell": cell, **part.params()})

    async def scratch(
        self,
        execution_id: str,
        code: str,
        *,
        kernel: str | None = None,
        wait: float,
        news: News | None = None,
    ) -> models.Execution:
        """Run code in a kernel of its own that ends afterwards; no notebook."""
        body = given(execution_id=execution_id, code=code, kernel=kernel, wait=wait, **asked(news))
        return await self._ask(
            models.Execution, "POST", "scratch", body=body, wait=wait, answer_s=_KERNEL_SECONDS
        )

    async def _change(self, session_id: str, op: str, **fields: Any) -> models.CellChange:
        body = {"op": op, **given(**fields)}
        path = f"sessions/{_segment(session_id)}/cells"
        return await self._ask(models.CellChange, "POST", path, body=body)

    async def _ask(
        self,
        model: type[_Model],
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        wait: float = 0.0,
        answer_s: float = _ANSWER_SECONDS,
        hold_s: float | None = None,
    ) -> _Model:
        if hold_s is None:
            hold_s = _HOLD_LOOK_SECONDS if method == "GET" and not wait else _HOLD_SECONDS
        if method != "GET" and "execution_id" not in (body or {}):
            params = {**(params or {}), "request": secrets.token_hex(8)}
        answer = await self._send(
            method, path, body=body, params=params, read_s=wait + answer_s, hold_s=hold_s
        )
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP statuses
            try:
                return _parse(model, answer.content)
            except ValueError as exc:
                raise self._unreachable(
                    f"answers {method} {path} in a way this version does not understand",
                    Remedy.RESTART_SERVER,
                ) from exc
        raise self._refusal(answer, method, path)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None,
        params: dict[str, Any] | None,
        read_s: float,
        hold_s: float,
    ) -> Answer:
        """Send a request, again if the connection is lost; the one place where network errors become ours."""
        from jlab_mcp.client.wire import Broken, NobodyThere, Silence

        pause, sendings, since = _FIRST_PAUSE, 0, time.monotonic()
        while True:
            sendings += 1
            sent = time.monotonic()
            try:
                answer = await self._connected().call(
                    method, path, query=params or {}, body=body or {}, answer_s=read_s
                )
            except Silence as exc:
                _log.debug("asked %s for %s %s: silence", self._shown, method, path)
                raise self._unreachable(f"gave no answer within {read_s:.0f} s") from exc
            except (NobodyThere, Broken) as exc:
                now = time.monotonic()
                _log.debug("asked %s for %s %s: no connection", self._shown, method, path)
                since = now if sendings == 1 else since
                self._lost_at = self._lost_at or now
                # A connection that was idle for long may be dead although the server is well.
                stale = isinstance(exc, Broken) and sendings < _SENDINGS
                if not stale and not (now - since < hold_s and self._expected()):
                    raise self._given_up(exc, now - since) from exc
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._lost_at = None
                took = time.monotonic() - sent
                _log.debug(
                    "asked %s for %s %s: status %d after %.3f s",
                    self._shown,
                    method,
                    path,
                    answer.status,
                    took,
                )
                return answer

    def _given_up(self, exc: NoAnswer, tried_s: float) -> ServerUnreachable:
        from jlab_mcp.client.wire import NobodyThere

        if isinstance(exc, NobodyThere):
            what = "cannot be reached: nobody answers at its address"
        else:
            what = "broke the connection before it answered"
        return self._unreachable(f"{what}; it was tried for {tried_s:.0f} s" if tried_s >= 1 else what)

    def _connected(self) -> Transport:
        if self._transport is None:
            from jlab_mcp.client.transport import Transport

            if not _is_address(self._shown):
                raise self._unreachable("has an address that is no URL", Remedy.STOP_SERVER)
            self._transport = Transport(
                self._shown + _API,
                self._token.get_secret_value(),
                connect_s=_CONNECT_SECONDS,
                ip_version=self._ip_version,
            )
        return self._transport

    def _refusal(self, response: Answer, method: str, path: str) -> JlabMcpError:
        from pydantic import ValidationError

        try:
            refusal = models.RefusalEnvelope.model_validate_json(response.content).error
        except ValidationError:
            pass
        else:
            error = node_error(refusal.code, refusal.message, refusal.data)
            if type(error) is not NodeError:
                return error
            if response.status >= 500:  # noqa: PLR2004 - an HTTP status
                what = f"the server at {self._shown} failed at {method} {path}: {refusal.message}"
                return NodeError(what, remedy=Remedy.READ_LOG)
            if response.status not in {401, 403}:
                return error
        if response.status in {401, 403}:
            return self._unreachable("refused the token of its connection file", Remedy.RESTART_SERVER)
        if response.status == 404:  # noqa: PLR2004 - an HTTP status
            return self._unreachable("answers, but has no jlab-mcp service", Remedy.RESTART_SERVER)
        return self._unreachable(f"answered {method} {path} with status {response.status}", Remedy.READ_LOG)

    def _unreachable(self, what: str, remedy: Remedy | None = None) -> ServerUnreachable:
        return ServerUnreachable(
            f"the server at {self._shown} {what}", remedy=remedy, details={"url": self._shown}
        )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and host != b"" and port != 0


def _parse(model: type[_Model], content: bytes) -> _Model:
    from pydantic import ValidationError

    try:
        return model.model_validate_json(content)
    except ValidationError:
        # Half a surrogate pair is legal in a notebook file, but pydantic refuses all JSON that holds one.
        whole = re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(json.loads(content), ensure_ascii=False))
        return model.model_validate_json(whole)


def _segment(text: str) -> str:
    """Make text from outside one path segment."""
    # "." and ".." survive quoting and would be resolved away by the URL.
    return quote(text, safe="").replace(".", "%2E") or "%20"
