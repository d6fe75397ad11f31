"""What `jlab-mcp exec` is told to do, and doing it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jlab_mcp.app import following, notebooks
from jlab_mcp.app.lookup import find
from jlab_mcp.app.pictures import Album
from jlab_mcp.app.reach import reach
from jlab_mcp.app.roster import pick, roster
from jlab_mcp.app.whereabouts import server_of_execution
from jlab_mcp.cli.progress import PROGRESS
from jlab_mcp.cli.render import data, say, show_error, show_warnings
from jlab_mcp.cli.running.attention import unless_ended
from jlab_mcp.cli.running.outlet import Outlet
from jlab_mcp.cli.running.pictures import Pictures
from jlab_mcp.cli.running.relay import Relay
from jlab_mcp.cli.running.run import Code, judge, run
from jlab_mcp.cli.tone import TONE
from jlab_mcp.core.ids import random_id
from jlab_mcp.errors import JlabMcpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jlab_mcp.app.connect import Connected
    from jlab_mcp.app.target import Target
    from jlab_mcp.client.models import Session, StreamPage
    from jlab_mcp.core.pictures.ways import Way
    from jlab_mcp.core.resolver import ResolvedProfile
    from jlab_mcp.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Order:
    """What to run, and where; at most one of `session`, `new`, `scratch` and `attach` is given.

    Attributes:
        source: the code.
        session: names an open session.
        new: name of a session to open.
        scratch: whether to run it in a kernel of its own.
        attach: id of an execution that was begun before.
        kernel: the kernel of a new session or of scratch code.
        way: how pictures are shown; None for what the terminal can.
        profile: the profile that the command names, if any.
        json: whether to print the outcome as JSON, and nothing before it.
    """

    source: str
    session: str | None = None
    new: str | None = None
    scratch: bool = False
    attach: str | None = None
    kernel: str | None = None
    way: Way | None = None
    profile: str | None = None
    json: bool = False


async def carry_out(order: Order, resolved: ResolvedProfile) -> ExitCode:
    """Run the code, show what it puts out, and return the exit status that this comes to.

    Raises:
        JlabMcpError: it could not be run, or did not run to its end.
    """
    with PROGRESS.during("asking the servers for the session"):
        target, session = await _place(order, resolved)
    async with reach(target) as connected:
        code = await _code(order, connected, session)
        execution = await run(connected, code, None if order.json else _show(order, resolved, code))
    if not order.json:
        return judge(execution, where=code.where)
    data(execution.model_dump_json(indent=2))
    try:
        return judge(execution, where=code.where)
    except JlabMcpError as error:  # a script reads one JSON object from stdout, and has it
        show_error(error, order.profile)
        return error.exit_code


async def _place(order: Order, resolved: ResolvedProfile) -> tuple[Target, Session | None]:
    """Return the server that is meant, and the session if it is an open one."""
    if order.attach is not None and order.profile is None:
        return await server_of_execution(resolved, order.attach), None
    if order.attach is not None or order.new is not None or order.scratch:
        meant = find(order.profile)
        show_warnings(note for note in meant.notes if note not in resolved.warnings)
        return meant.target, None
    with PROGRESS.during("looking for the session"):
        found = await roster(resolved, order.profile)
    show_warnings(each.message for each in found.silent)
    target, session = pick(found, order.session)
    if order.session is None:
        known = "known to be open" if found.silent else "open"
        say(f"in session {session.session_id} ({session.name}), the only one that is {known}")
    return target, session


async def _yes() -> bool:
    """Leave nothing of a session whose opening a signal cuts short."""
    return True


async def _code(order: Order, connected: Connected, session: Session | None) -> Code:
    """Open the session if a new one is wanted, and return what is to be run in it."""
    if order.attach is not None:
        return Code(order.attach, "")
    execution_id = random_id(16)
    if order.scratch:
        return Code(
            execution_id,
            "",
            lambda: following.begin(connected, execution_id, order.source, None, kernel=order.kernel),
        )
    if session is None:
        with PROGRESS.during("opening the session"):
            opened = await unless_ended(
                notebooks.open_session(connected, order.new or "", "new", kernel=order.kernel, stop=_yes)
            )
        session = opened.session
        say(f"session {session.session_id}: `{session.notebook_path}`")
    session_id = session.session_id
    return Code(
        execution_id,
        f"session {session_id}",
        lambda: following.begin(connected, execution_id, order.source, session_id),
    )


def _show(order: Order, resolved: ResolvedProfile, code: Code) -> Callable[[StreamPage], None]:
    out, err = Outlet(sys.stdout), Outlet(sys.stderr, may_fail=True)
    album = Album(resolved, code.execution_id)

    def tell(text: str) -> None:
        if not TONE.quiet:
            err.write_line(text)

    return Relay(out, err, Pictures(out, order.way, album.save, tell)).write
