"""What the screen shows, as lines of text with styles; pure, so that any size can be tried.

The styles are the terminal's own sixteen colours, readable on dark and light; nothing is said by colour
alone.
"""

from __future__ import annotations

import textwrap
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from jlab_mcp.cli.top.details import detail_lines, help_lines
from jlab_mcp.cli.top.machine import machine_lines
from jlab_mcp.cli.top.paper import Paper
from jlab_mcp.cli.top.state import Chosen
from jlab_mcp.cli.top.words import clock, line_of, where
from jlab_mcp.core.words import duration

if TYPE_CHECKING:
    from jlab_mcp.app.watch import WatchedServer, WatchedSession
    from jlab_mcp.cli.top.state import View

_NAME = 40
"""Columns that a name may take."""
_TINY = 2
_AIRY = 20
"""Lines from which on there is room for blank ones."""
_STATE_STYLES = {
    "ready": "green",
    "queued": "cyan",
    "starting": "cyan",
    "stopped": "dim",
    "unreachable": "bold red",
    "elsewhere": "yellow",
    "stale": "bold red",
}
_KEYS = (("q", "quit"), ("↑↓", "choose"), ("i", "interrupt"), ("⏎", "details"), ("?", "help"))
_PLAIN_KEYS = (("q", "quit"), ("j/k", "choose"), ("i", "interrupt"), ("o", "details"), ("?", "help"))


@dataclass(frozen=True, slots=True)
class _Line:
    text: Text
    owner: Chosen | None = None


def frame(view: View, paper: Paper) -> list[Text]:
    """Return the whole screen, line by line, none of them too wide."""
    foot = _foot(view, paper)
    airy = paper.height >= _AIRY
    room = max(1, paper.height - (4 if airy else 2))
    if view.help:
        body = help_lines(paper.width)[:room]
    elif view.details:
        body = detail_lines(view, paper.width, paper.now)[:room]
    else:
        body = _scrolled(view, _list(view, paper), room, paper)
    body += [Text()] * (room - len(body))
    lines = [_head(view, paper), *([Text(), *body, Text()] if airy else body), foot][: paper.height]
    for line in lines:
        line.truncate(paper.width, overflow="ellipsis" if paper.braille else "crop")
    return lines


def plain(view: View, width: int, *, braille: bool) -> list[str]:
    """Return the list as plain lines, for where there is no terminal."""
    paper = Paper(width, 0, braille, time.time(), graphs=False)
    view.chosen = None
    lines = [line.text for line in _list(view, paper)]
    return [line.plain.rstrip() for line in lines]


def _head(view: View, paper: Paper) -> Text:
    clock_now = time.strftime("%H:%M:%S", time.localtime(paper.now))
    left = Text.assemble(("jlab-mcp top", "bold"), "  ", view.title)
    room = paper.width - len(clock_now) - 2
    left.truncate(max(room, 0), overflow="ellipsis" if paper.braille else "crop", pad=True)
    left.append(f"  {clock_now}")
    return left


def _foot(view: View, paper: Paper) -> Text:
    if view.asking and (session := view.session()) and session.running:
        index = session.running.cell_index
        cell = f"cell {index}" if index is not None else "the cell"
        return Text(f"interrupt {cell} of {session.session.name}? y/n", style="bold reverse")
    if view.message:
        return Text(line_of(view.message), style="bold")
    foot = Text()
    keys = _KEYS if paper.braille else _PLAIN_KEYS
    for key, what in keys[::2] if paper.narrow else keys:
        foot.append(f"{'  ' if foot else ''}{key}", style="bold")
        foot.append(f" {what}")
    return foot


def _scrolled(view: View, lines: list[_Line], room: int, paper: Paper) -> list[Text]:
    """Return as many lines as there is room for, with the chosen row among them."""
    if len(lines) > room > _TINY:
        room -= 1  # the last line says that there are more
    at = [number for number, line in enumerate(lines) if line.owner == view.chosen]
    first, last = (at[0], at[-1]) if at and view.chosen else (0, 0)
    view.offset = max(0, min(view.offset, len(lines) - room))
    if last >= view.offset + room:
        view.offset = last - room + 1
    view.offset = min(view.offset, first)
    shown = [line.text for line in lines[view.offset : view.offset + room]]
    more = len(lines) - view.offset - room
    if more > 0 and room > _TINY:
        below = "↓" if paper.braille else "v"
        shown.append(Text(f"  {below} {more} more {'line' if more == 1 else 'lines'}", style="dim"))
    return shown


def _list(view: View, paper: Paper) -> list[_Line]:
    if view.snapshot is None:
        return [_Line(Text("looking for servers", style="dim"))]
    lines = [_Line(Text(f"warning: {problem}", style="yellow")) for problem in view.snapshot.problems]
    for server in view.snapshot.servers:
        lines += [_Line(Text())] if lines else []
        lines += _server(view, server, paper)
    if not view.snapshot.servers:
        lines.append(_Line(Text("no server is running; start one with `jlab-mcp start`", style="dim")))
    return lines


def _server(view: View, server: WatchedServer, paper: Paper) -> list[_Line]:
    row = Chosen(server.key)
    lines = [_title(view, server, paper)]
    if server.reason:
        style = _STATE_STYLES[server.state] if server.state in ("unreachable", "stale") else "dim"
        wrapped = textwrap.wrap(line_of(server.reason), max(10, paper.width - 4))
        lines += [Text(f"    {part}", style=style) for part in wrapped[:3]]
    lines += machine_lines(view, server, paper)
    shown = [_Line(line, row) for line in lines]
    for session in server.sessions:
        owner = Chosen(server.key, session.session.session_id)
        shown += [_Line(line, owner) for line in _session(view, session, owner, paper)]
    if server.state == "ready" and not server.sessions:
        shown.append(_Line(Text("    no session is open", style="dim"), row))
    return shown


def _marked(name: str, *, chosen: bool, width: int, indent: str, paper: Paper) -> Text:
    """Begin a row with its name; the chosen one is told by a mark, and by reversing it."""
    mark = ("▶ " if paper.braille else "> ") if chosen else "  "
    text = Text(name)
    text.truncate(width, overflow="ellipsis" if paper.braille else "crop", pad=True)
    text.stylize("bold reverse" if chosen else "bold")
    return Text(indent + mark).append_text(text)


def _names(view: View, paper: Paper) -> int:
    """Return how many columns names take: as many as the longest, if there is room."""
    servers = view.snapshot.servers if view.snapshot else []
    longest = [len(_name(view, server)) - 2 for server in servers]
    longest += [len(each.session.name) for server in servers for each in server.sessions]
    return min(max(longest, default=0), _NAME, max(8, paper.width // 3))


def _name(view: View, server: WatchedServer) -> str:
    """Return the name of a server's profile, and of its project where there are several."""
    servers = view.snapshot.servers if view.snapshot else []
    several = len({each.project_dir for each in servers}) > 1
    return f"{server.project_dir.name}:{server.profile}" if several else server.profile


def _title(view: View, server: WatchedServer, paper: Paper) -> Text:
    name = _name(view, server)
    chosen = view.chosen == Chosen(server.key)
    text = _marked(name, chosen=chosen, width=_names(view, paper) + 2, indent="", paper=paper)
    text.append("  ").append(server.state, style=_STATE_STYLES[server.state])
    facts = [where(server)]
    if server.job and server.job.time_left_s is not None:
        facts.insert(0, f"{clock(server.job.time_left_s)} left")
    if server.job and server.job.expected_start and server.state == "queued":
        facts.append(f"expected at {server.job.expected_start.replace('T', ' ')}")
    if server.age_s is not None:
        facts.append(f"up {duration(server.age_s)}")
    for fact in filter(None, facts):
        text.append(paper.dot + fact)
    return text


def _session(view: View, watched: WatchedSession, owner: Chosen, paper: Paper) -> list[Text]:
    session, running = watched.session, watched.running
    text = _marked(
        session.name, chosen=view.chosen == owner, width=_names(view, paper), indent="  ", paper=paper
    )
    text.append("  ")
    if running is None:
        text.append_text(_resting(watched, paper))
        return [text]
    text.append("running", style="yellow")
    since = running.started_at
    text.append(f" {clock(paper.now - since)}" if since is not None else "")
    text.append(f"  cell {running.cell_index}" if running.cell_index is not None else "")
    text.append(f", {session.queued} queued" if session.queued else "")
    line = line_of(running.latest_line)
    if not line:
        return [text]
    if paper.narrow:
        return [text, Text("      ").append(line, style="dim")]
    return [text.append("  ").append(line, style="dim")]


def _resting(watched: WatchedSession, paper: Paper) -> Text:
    session = watched.session
    if session.kernel_state == "dead":
        return Text("its kernel is dead", style="bold red")
    text = Text(session.kernel_state)
    if session.kernel_state == "idle" and session.last_activity is not None:
        text.append(f" for {duration(max(0.0, paper.now - session.last_activity))}")
    if session.save_error:
        text.append("  not saved", style="bold red")
    return text
