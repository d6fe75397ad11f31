"""The prompts: what a person can ask for by name; each says how things really stand at that moment."""

import time
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver.prompts import Prompt
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field

from jlab_mcp.core import words
from jlab_mcp.mcpserver import answers
from jlab_mcp.mcpserver.calls import Call
from jlab_mcp.mcpserver.resources import opened
from jlab_mcp.mcpserver.wording import error_words, sentence

if TYPE_CHECKING:
    from jlab_mcp.app.opened import OpenSession, Overview
    from jlab_mcp.mcpserver.desk import Desk
    from jlab_mcp.mcpserver.server import JlabServer

_NEWEST = 5
_SESSIONS = 20
_CHARS = 300

_EXPLORE = """\
Explore the data at `{path}` in a live Jupyter notebook{asked}

{opened}

1. {start} Open a session with `start_new_session`, named after the data.
2. Begin the notebook with a markdown cell: the data, the question, the plan.
3. Before you load anything, look at its size and form: files, bytes, columns and types, a few rows. What is
   larger than a tenth of the free memory (`check_resources`) is read in parts, or sampled.
4. Check what may mislead: missing and doubled values, ranges and units, how the data was chosen. Say what
   you leave out, and why.
5. One step a cell, one question a picture, axes labelled. Print summaries, not tables. After each step write
   the finding, with its numbers, by `add_markdown`. Mend a cell that failed with `edit_cell`.
6. At the end put a summary at the top (`add_markdown` with index 0): the answer, how sure it is, what is
   open. Tell me the notebook's path, and ask before you end the session."""
_RESUME = """\
1. Read the notebook first (`read_notebook`; a negative start gives the last cells), and tell me in a few
   lines what was done, what was found, and what comes next.
2. Do not run again what has run: in an open session the variables are still there. Check with one cheap cell
   that those which you need are, and what the kernel's machine has free (`check_resources`).
3. Where code still runs, wait for it with `get_output`; do not send it again.
4. Then go on where the notebook ends, and note findings as before."""
_CLOSED = """\
It is open in no session, so its variables are gone. `start_session_resume_notebook` runs its cells again,
`start_session_continue_notebook` goes on in a copy without running them. Look at what its cells do, and how
long they may take, before you choose; ask me if it is costly."""

ProfileChoice = Annotated[str, Field(description="Profile (machine, GPU type) to work on.")]


def add(server: "JlabServer") -> None:
    """Add all prompts to a server."""
    server.add_prompt(
        Prompt.from_function(
            explore_data,
            name="explore-data",
            title="Explore data",
            description="Look at data in a live notebook, step by step, and write down what is found.",
        )
    )
    server.add_prompt(
        Prompt.from_function(
            resume_work,
            name="resume-work",
            title="Resume work",
            description="Go on in an open session or a saved notebook; tells what is really open.",
        )
    )


def check(name: str, arguments: dict[str, Any] | None, known: list[Any]) -> None:
    """Refuse a prompt that is not there, and arguments that it does not take or lacks.

    Raises:
        MCPError: says what there is.
    """
    prompt = next((each for each in known if each.name == name), None)
    if prompt is None:
        there = words.listed(f"`{each.name}`" for each in known)
        raise MCPError(INVALID_PARAMS, f"There is no prompt `{name}`; there are {there}.")
    takes = {each.name: each.required for each in prompt.arguments or []}
    names = ", ".join(takes)
    for given in arguments or {}:
        if given not in takes:
            raise MCPError(INVALID_PARAMS, f"`{name}` takes no argument `{given}`; it takes {names}.")
    for needed in (key for key, required in takes.items() if required):
        if not str((arguments or {}).get(needed, "")).strip():
            raise MCPError(INVALID_PARAMS, f"`{name}` needs the argument `{needed}`; it takes {names}.")


async def explore_data(
    path: Annotated[str, Field(description="The data: a file, a folder or a pattern.")],
    call: Call,
    question: Annotated[str, Field(description="What is to be found out.")] = "",
    profile: ProfileChoice = "",
) -> str:
    """Ask for an exploration of data."""
    asked = f" to answer this: {question.strip()}" if question.strip() else "."
    await _check_profile(profile.strip())
    seen = await opened(call.request_context.lifespan_context)
    return _EXPLORE.format(
        path=path.strip(),
        asked=asked,
        opened="\n".join(_open_words(seen)),
        start=_start_words(profile.strip()),
    )


async def resume_work(
    call: Call,
    notebook: Annotated[str, Field(description="Notebook, as a path in the notebook folder.")] = "",
    session: Annotated[str, Field(description="Id of an open session.")] = "",
) -> str:
    """Ask to go on with earlier work."""
    desk = call.request_context.lifespan_context
    seen = await opened(desk)
    if session.strip():
        lines = _session_lines(seen, session.strip())
    elif notebook.strip():
        lines = await _notebook_lines(desk, seen, notebook.strip())
    else:
        head = "Go on with earlier work here. Ask me which of these I mean, unless it is clear."
        lines = [head, "", *_open_words(seen), *await _newest(desk)]
    return "\n".join([*lines, "", _RESUME])


async def _check_profile(name: str) -> None:
    from anyio import to_thread

    from jlab_mcp.app.profiles.listing import profile_names
    from jlab_mcp.core.nearest import nearest

    if name and name not in (known := await to_thread.run_sync(profile_names)):
        said = f"There is no profile `{name}`{nearest(name, known)}; `list_profiles` shows which there are."
        raise MCPError(INVALID_PARAMS, said)


def _start_words(profile: str) -> str:
    if profile:
        return f'If its server does not run, call `start_server` with profile "{profile}".'
    return "If no server runs, call `start_server`."


def _open_words(seen: "Overview") -> list[str]:
    """Say what is open now."""
    lines = [line for each in seen.sessions[:_SESSIONS] for line in _session_words(each)]
    if len(seen.sessions) > _SESSIONS:
        lines.append(f"- and {len(seen.sessions) - _SESSIONS} more: `list_sessions` has all")
    head = f"Open now ({len(seen.sessions)}):" if lines else "No session is open now."
    return [head, *lines, *_kernel_words(seen), *_notes(seen)]


def _session_words(opened: "OpenSession") -> list[str]:
    session = opened.session
    lines = [f"- {answers.session_words(session)}", f"  {answers.place_words(opened.place)}"]
    if session.running:
        lines.append(f"  its code runs: `get_output` with execution_id {session.running} waits for it")
    return [*lines, *(f"  {note}" for note in answers.session_notes(session))]


def _kernel_words(seen: "Overview") -> list[str]:
    return [
        f"- {kernel.notebook_path}: a person has it open in JupyterLab, kernel {kernel.kernel_state};"
        " `start_session_resume_notebook` takes that kernel up and runs nothing"
        for kernel in seen.kernels[:_SESSIONS]
        if kernel.type == "notebook"
    ]


def _notes(seen: "Overview") -> list[str]:
    return [f"NOTE: {sentence(words.shorten(note, _CHARS))}" for note in seen.notes]


def _session_lines(seen: "Overview", session_id: str) -> list[str]:
    found = seen.session(session_id)
    if found is None:
        head = f"I wanted to go on in session {session_id}, but no session with this id is open."
        return [head, "Ask me which of these I mean, unless it is clear.", "", *_open_words(seen)]
    return [f"Go on with the work in session {session_id}.", "", *_session_words(found), *_notes(seen)]


async def _notebook_lines(desk: "Desk", seen: "Overview", path: str) -> list[str]:
    from jlab_mcp.app.notebookfiles import saved_notebook
    from jlab_mcp.errors import JlabMcpError

    try:
        saved = await saved_notebook(desk.surroundings(), path)
    except JlabMcpError as error:
        said = f"I wanted to go on with the notebook `{path}`, but: {error_words(error)}"
        return [said, "", *_open_words(seen), *await _newest(desk)]
    head = f"Go on with the work in the notebook `{saved.path}` ({len(saved.cells)} cells)."
    if holder := seen.with_notebook(saved.file):
        return [head, "", "It is open:", *_session_words(holder), *_notes(seen)]
    return [head, "", _CLOSED, *_kernel_words(seen), *_notes(seen)]


async def _newest(desk: "Desk") -> list[str]:
    """Name the notebooks that were changed last."""
    from jlab_mcp.app.notebookfiles import list_notebooks
    from jlab_mcp.errors import ConfigError

    try:
        files = (await list_notebooks(desk.surroundings(), _NEWEST)).files
    except ConfigError:
        return []
    lines = [
        f"- {file.path}, changed {words.duration(max(0.0, time.time() - file.modified))} ago"
        for file in files
    ]
    return ["", "Notebooks that were changed last:", *lines] if lines else []
