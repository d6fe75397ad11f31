"""What resources hold: JSON and text within the budget of an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jlab_mcp.core import words
from jlab_mcp.mcpserver import answers, cell_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jlab_mcp.app.notebookfiles import SavedNotebook
    from jlab_mcp.app.opened import OpenSession, Overview
    from jlab_mcp.app.profiles.showing import ShownProfile
    from jlab_mcp.app.profiles.states import ProfileState, ProfileStates
    from jlab_mcp.client.models import Cell
    from jlab_mcp.storage.notebooks import Found, NotebookFile

_SOURCE, _OUTPUT = 1_500, 700
"""Characters of a cell's source and outputs that are shown."""


def notebook_uri(path: str) -> str:
    """Return the address of a notebook by its path in the notebook folder."""
    return f"jlab-mcp://notebooks/{quote(path, safe='/')}"


def session_uri(session_id: str) -> str:
    """Return the address of a session."""
    return f"jlab-mcp://sessions/{quote(session_id, safe='')}"


def profile_uri(name: str) -> str:
    """Return the address of a profile."""
    return f"jlab-mcp://profiles/{quote(name, safe='')}"


def profiles_json(found: ProfileStates, chars: int) -> str:
    """List the profiles, the one in use first."""
    entries = [
        {"uri": profile_uri(each.name), **each.model_dump(mode="json", exclude_defaults=True)}
        for each in sorted(found.profiles, key=lambda each: (not each.in_use, each.server == "stopped"))
    ]
    return _listing("profiles", entries, found.problems, chars, in_use=found.in_use)


def profile_json(shown: ShownProfile, state: ProfileState | None, chars: int) -> str:
    """Show a profile: how its server is, and each setting with the place where it was set."""
    from jlab_mcp.app.profiles.showing import in_words

    facts: dict[str, Any] = {
        "name": shown.name,
        **(state.model_dump(mode="json", exclude={"name"}) if state else {}),
        "missing": shown.missing,
        "warnings": shown.warnings,
    }
    entries = [
        {"key": each.key, "value": each.value, "from": in_words(each.origin)} for each in shown.settings
    ]
    return _listing("settings", entries, (), chars, **facts)


def sessions_json(found: Overview, chars: int) -> str:
    """List the open sessions, and kernels that are in none."""
    entries = [
        {"uri": session_uri(each.session.session_id), **_session_facts(each)} for each in found.sessions
    ]
    kernels = [each.model_dump(mode="json") for each in found.kernels]
    return _listing("sessions", entries, found.notes, chars, kernels_in_no_session=kernels[:10])


def session_json(opened: OpenSession, notebook: str | None) -> str:
    """Show a session.

    Args:
        opened: the session.
        notebook: its notebook's path in the notebook folder.
    """
    facts = _session_facts(opened)
    facts["created_at"] = opened.session.created_at
    facts["notebook"] = None if notebook is None else notebook_uri(notebook)
    return json.dumps(facts, indent=1, ensure_ascii=False)


def notebooks_json(found: Found, opened: dict[str, str], notes: Sequence[str], chars: int) -> str:
    """List notebooks, the newest first; `opened` has the session of those that are open, by path."""
    entries = [{"uri": notebook_uri(each.path), **_file_facts(each, opened)} for each in found.files]
    cut = [] if found.complete else ["these are not all notebooks of the folder"]
    return _listing("notebooks", entries, [*notes, *cut], chars)


def notebook_text(saved: SavedNotebook, opened: OpenSession | None, chars: int) -> str:
    """Show a notebook's cells with their outputs in short; of many, the first and the last."""
    if opened is None:
        state = "It is open in no session. " if saved.cells else "It is open in no session, and has no cells."
    else:
        state = f"It is open in session {opened.session.session_id}, which may know a little more. "
    head = f"{saved.path}: {len(saved.cells)} cells, as last saved. {state}"
    return "\n".join([head.rstrip(), *_cells(saved.cells, chars)])


def _cells(cells: list[Cell], chars: int) -> list[str]:
    shown = [cell_answers.cell_words(cell, _SOURCE, _OUTPUT) for cell in cells]
    if sum(map(len, shown)) <= chars:
        return shown
    first = _fitting(shown, chars // 3)
    last = _fitting(shown[first:][::-1], chars - sum(map(len, shown[:first])))
    left = len(shown) - first - last
    note = f"[… {left} cells left out: `read_notebook` with start={first} shows them …]"
    return [*shown[:first], note, *shown[len(shown) - last :]]


def _fitting(texts: list[str], chars: int) -> int:
    """Return how many of the texts fit, from the first on."""
    used = 0
    for count, text in enumerate(texts):
        used += len(text) + 1
        if used > chars:
            return count
    return len(texts)


def _session_facts(opened: OpenSession) -> dict[str, Any]:
    return answers.session_facts(opened.session, opened.place)


def _file_facts(file: NotebookFile, opened: dict[str, str]) -> dict[str, Any]:
    session = opened.get(file.path)
    facts = {"path": file.path, "modified": round(file.modified), "bytes": file.size}
    return {**facts, "session_id": session} if session else facts


def _listing(
    what: str, entries: Sequence[dict[str, Any]], notes: Sequence[str], chars: int, **facts: Any
) -> str:
    """Write as many entries as fit, one a line, and say how many there are."""
    lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
    facts |= {"notes": [words.shorten(note, 500) for note in notes], "total": len(lines)}
    head = json.dumps(facts, ensure_ascii=False)
    shown = lines[: _fitting(lines, chars - len(head))]
    facts["left_out"] = len(lines) - len(shown)
    head = json.dumps(facts, ensure_ascii=False)
    return f"{head[:-1]},\n{json.dumps(what)}: [\n" + ",\n".join(shown) + "\n]}"
