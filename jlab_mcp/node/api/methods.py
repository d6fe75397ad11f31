"""The node API, v1: what each method and path does. Knows nothing of HTTP or websockets.

Both ways in, `handlers.Http` and `handlers.Calls`, go through `answer`, so they cannot differ.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ..errors import ApiError, BadRequest, NoSuchRoute
from ..host.resources import read_resources
from ..notebook.file import NotebookFile
from ..notebook.paths import existing_notebook
from ..outputs.fulltext import LONGEST_PAGE, FullText
from ..service import Service
from ..sessions.executor import Execution
from ..sessions.session import Session
from ..sessions.showing import execution_json, session_json
from . import editing, live

API = 1
_LONGEST_WAIT = 3600.0  # seconds
_ID = re.compile(r"[0-9A-Za-z_-]{4,64}")
_LOG = logging.getLogger("jlab_mcp_node")


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        service: the service that it is made of.
        query: the arguments of a GET.
        body: the JSON object of a POST; empty for other methods.
    """

    service: Service
    query: Mapping[str, Any]
    body: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Return a string of the body.

        Raises:
            BadRequest: it is missing or no string.
        """
        value = self.body.get(key)
        if not isinstance(value, str):
            raise BadRequest(f"{key} must be a string, not {value!r}")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a string of the body, or None where it is absent.

        Raises:
            BadRequest: it is no string.
        """
        return None if self.body.get(key) is None else self.text(key)

    def identifier(self, key: str) -> str:
        """Return an id that the client chose.

        Raises:
            BadRequest: it is missing, or has other characters than letters, digits, `_` and `-`.
        """
        value = self.body.get(key)
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise BadRequest(f"{key} must be 4 to 64 letters, digits, _ or -, not {value!r}")
        return value

    def seconds(self, key: str = "wait") -> float:
        """Return a time of the body or the query, in seconds: an hour at most, 0 if it is not given.

        Raises:
            BadRequest: it is no number.
        """
        return min(max(_number(key, self._either(key) or 0), 0.0), _LONGEST_WAIT)

    def integer(self, key: str, default: int | None = None) -> int | None:
        """Return a whole number of the body or the query.

        Raises:
            BadRequest: it is none.
        """
        value = self._either(key)
        return default if value is None else int(_number(key, value))

    def _either(self, key: str) -> Any:
        return self.body.get(key, self.query.get(key))

    async def wait_for(self, execution: Execution) -> None:
        """Wait `wait` seconds at most for the end, or after `pause` seconds for news beyond `after`."""
        await execution.wait(self.seconds(), self.integer("after"), self.seconds("pause"))

    def shown(self, execution: Execution, session: Session | None) -> dict[str, Any]:
        """Return an execution as the API shows it; a `brief` one has outputs only once it has ended."""
        outputs = execution.ended or not self.integer("brief")
        if session is None:
            return execution.as_json(outputs=outputs)
        return execution_json(session, execution, outputs=outputs)


def _number(key: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise BadRequest(f"{key} must be a number, not {value!r}")
    return number


async def info(call: Call) -> Any:
    """`GET info`: who this is, and how busy."""
    return {**call.service.info, **call.service.counts(), **call.service.idle.as_json()}


async def resources(call: Call) -> Any:
    """`GET resources`: processors, memory, GPUs, kernels."""
    kernels = [
        {"kernel_id": s.kernel.kernel_id, "session_id": s.session_id, "pid": s.kernel.pid}
        for s in call.service.sessions.values()
    ]
    return await read_resources(kernels=kernels)


async def list_sessions(call: Call) -> Any:
    """`GET sessions`: ours, other kernels of this server, and what earlier servers left on its host."""
    return {
        "sessions": [session_json(s) for s in call.service.sessions.values()],
        "others": await call.service.other_kernels(),
        "left": [each.as_json() for each in call.service.left_kernels()],
    }


async def open_session(call: Call) -> Any:
    """`POST sessions`."""
    opened = await call.service.open_session(
        call.optional_text("mode") or "new",
        call.text("name"),
        call.optional_text("notebook_path"),
        call.optional_text("kernel"),
        None if call.body.get("session_id") is None else call.identifier("session_id"),
        stop_on_error=call.body.get("stop_on_error") is True,
    )
    session = opened.session
    return {
        "session": session_json(session),
        "already_open": opened.already_open,
        "attached": opened.attached,
        "recovered": opened.recovered,
        "executions": [execution_json(session, each, outputs=False) for each in opened.executions],
    }


async def give_up_opening(call: Call, session_id: str) -> Any:
    """`DELETE openings/{id}`: nobody waits any more for a session to open."""
    return {"open": await call.service.give_up_opening(session_id)}


async def show_session(call: Call, session_id: str) -> Any:
    """`GET sessions/{id}`."""
    left = call.service.left_kernel(session_id)
    return left.as_session() if left is not None else session_json(call.service.session(session_id))


async def close_session(call: Call, session_id: str) -> Any:
    """`DELETE sessions/{id}`."""
    closed = await call.service.close_session(session_id)
    more = {"rescued": closed.rescued, "processes": closed.processes, "detached": closed.detached}
    return {**closed.session, **more}


async def interrupt(call: Call, session_id: str) -> Any:
    """`POST sessions/{id}/interrupt`."""
    session = call.service.session(session_id)
    interrupted, dropped = await session.interrupt()
    not_run = [execution.execution_id for execution in dropped]
    return {**session_json(session), "interrupted": interrupted, "not_run": not_run}


async def restart(call: Call, session_id: str) -> Any:
    """`POST sessions/{id}/restart`."""
    return session_json(await call.service.restart_session(session_id))


async def read_cells(call: Call, session_id: str) -> Any:
    """`GET sessions/{id}/cells?start=&limit=`."""
    session = call.service.session(session_id)
    session.file.refresh()
    session.sync_running()
    page = editing.page(session.document, session.file.path, *_span(call))
    # Not taken as told: whoever reads need not be the agent that works here.
    return {**page, "notice": ". ".join(session.file.heard()) or None}


async def change_cells(call: Call, session_id: str) -> Any:
    """`POST sessions/{id}/cells`."""
    return editing.edit(call.service.session(session_id), call.body)


async def read_notebook(call: Call) -> Any:
    """`GET notebook?path=&start=&limit=`: a notebook that need not be open, with what its journals hold."""
    path = existing_notebook(call.service.settings.notebook_dir, str(call.query.get("path", "")))
    document = NotebookFile.read(path).document
    notice = await call.service.left_journals.shown_in(document, path)
    return {**editing.page(document, path, *_span(call)), "notice": notice}


def _span(call: Call) -> tuple[int, int]:
    return call.integer("start", 0) or 0, min(max(call.integer("limit", 20) or 0, 1), 1000)


async def execute(call: Call, session_id: str) -> Any:
    """`POST sessions/{id}/executions`: a repeated id finds the first one's execution."""
    session = call.service.session(session_id)
    execution_id = call.identifier("execution_id")
    execution = session.executions.get(execution_id) or editing.run(session, execution_id, call.body)
    await call.wait_for(execution)
    return call.shown(execution, session)


async def show_execution(call: Call, execution_id: str) -> Any:
    """`GET executions/{id}?wait=S&after=SEQ&pause=S&brief=1`."""
    execution, session = call.service.execution(execution_id)
    await call.wait_for(execution)
    return call.shown(execution, session)


async def execution_text(call: Call, execution_id: str) -> Any:
    """`GET executions/{id}/text?offset=&limit=&grep=`: the full text of its output, a page or a search."""
    execution, session = call.service.execution(execution_id)
    return await _text(call, execution.full_text(), call.shown(execution, session))


async def follow_execution(call: Call, execution_id: str) -> Any:
    """`GET executions/{id}/stream?offset=&limit=&wait=`: what it puts out from there, once it does."""
    execution, session = call.service.execution(execution_id)
    offset, limit = max(call.integer("offset", 0) or 0, 0), call.integer("limit", LONGEST_PAGE) or 0
    await execution.wait_beyond(offset, call.seconds())
    found = execution.follow(offset, min(limit, LONGEST_PAGE))
    caught = _caught(execution, session) if found["end"] >= found["total"] else []
    return {**found, "caught": caught, "execution": call.shown(execution, session)}


def _caught(execution: Execution, session: Session | None) -> list[Any]:
    """Return what Output widgets have caught that an ended execution shows: its own text has none of it."""
    if session is None or not execution.ended:
        return []
    caught_in = session.incoming.widgets.caught_in
    return [each for output in execution.folder.outputs() for each in caught_in(output)]


async def cell_output(call: Call, session_id: str) -> Any:
    """`GET sessions/{id}/output?cell=`: a cell, and its last execution unless that is forgotten."""
    session = call.service.session(session_id)
    cell, execution = editing.cell_and_execution(session, call.query.get("cell"))
    return {"cell": cell, "execution": execution and call.shown(execution, session)}


async def cell_text(call: Call, session_id: str) -> Any:
    """`GET sessions/{id}/text?cell=&offset=&limit=&grep=`: as `execution_text`, for a cell."""
    session = call.service.session(session_id)
    cell, execution = editing.cell_and_execution(session, call.query.get("cell"))
    if execution is not None:
        return await _text(call, execution.full_text(), call.shown(execution, session))
    return await _text(call, editing.saved_text(session, cell["outputs"], cell["cell_id"]), None)


async def _text(call: Call, text: FullText, execution: Any) -> Any:
    offset, limit = call.integer("offset", 0) or 0, call.integer("limit", 12_000) or 0
    grep = call.query.get("grep")
    found = text.page(offset, limit) if grep is None else await text.find(str(grep), offset, limit)
    return {"matches": None, "text": None, **found, "execution": execution}


async def interrupt_execution(call: Call, execution_id: str) -> Any:
    """`POST executions/{id}/interrupt`: stop this execution and no other."""
    return call.shown(*await call.service.interrupt_execution(execution_id))


async def scratch(call: Call) -> Any:
    """`POST scratch`."""
    execution_id = call.identifier("execution_id")
    execution = call.service.scratch(execution_id, call.text("code"), call.optional_text("kernel"))
    await call.wait_for(execution)
    return call.shown(execution, None)


Route = Callable[..., Awaitable[Any]]
_ROUTES: list[tuple[str, str, Route]] = [
    ("GET", "info", info),
    ("GET", "resources", resources),
    ("GET", "sessions", list_sessions),
    ("POST", "sessions", open_session),
    ("DELETE", "openings/([^/]+)", give_up_opening),
    ("GET", "sessions/([^/]+)", show_session),
    ("DELETE", "sessions/([^/]+)", close_session),
    ("POST", "sessions/([^/]+)/interrupt", interrupt),
    ("POST", "sessions/([^/]+)/restart", restart),
    ("GET", "sessions/([^/]+)/cells", read_cells),
    ("POST", "sessions/([^/]+)/cells", change_cells),
    ("POST", "sessions/([^/]+)/executions", execute),
    ("GET", "sessions/([^/]+)/output", cell_output),
    ("GET", "sessions/([^/]+)/text", cell_text),
    ("GET", "notebook", read_notebook),
    ("GET", "executions/([^/]+)", show_execution),
    ("GET", "executions/([^/]+)/text", execution_text),
    ("GET", "executions/([^/]+)/stream", follow_execution),
    ("POST", "executions/([^/]+)/interrupt", interrupt_execution),
    ("POST", "scratch", scratch),
    *live.ROUTES,
]
_COMPILED = [(method, re.compile(pattern), route) for method, pattern, route in _ROUTES]


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]]:
    """Find what a method and a path, quoted as in a URL, stand for.

    Raises:
        NoSuchRoute: nothing.
    """
    for wanted, pattern, route in _COMPILED:
        match = pattern.fullmatch(path)
        if match and wanted == method:
            return route, tuple(map(unquote, match.groups()))
    raise NoSuchRoute(f"the node API v{API} has no {method} {path}")


async def answer(
    service: Service, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any]
) -> tuple[int, str]:
    """Do what is asked; returns the HTTP status and the JSON to answer with. Never raises.

    What changes something has `request` in its query, an id of the client's: a repeat acts no second time.
    """
    request = query.get("request")
    if method == "GET" or request is None:
        return await _made(service, method, path, query, body)
    return await service.repeats.once(
        f"{method} {path} {request}", lambda: _made(service, method, path, query, body)
    )


async def _made(
    service: Service, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any]
) -> tuple[int, str]:
    try:
        route, parts = find(method, path)
        value = await route(Call(service, query, body), *parts)
    except ApiError as error:
        return error.status, dumps(error.as_json())
    except Exception as error:  # noqa: BLE001 - a bug of ours must not cost the client its answer
        _LOG.exception("%s %s failed", method, path)
        fault = {"code": "internal", "message": f"{type(error).__name__}: {error}", "data": {}}
        return 500, dumps({"error": fault})
    return (201 if (method, path) == ("POST", "sessions") else 200), dumps(value)


def dumps(value: Any) -> str:
    """Render JSON as one line of ASCII, in which lone surrogates survive."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
