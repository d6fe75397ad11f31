"""A person saves the agent's notebook in JupyterLab, with whatever state their page has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nbformat
import pytest

from tests.agent import Agent
from tests.browser.person import Person
from tests.commands import meanwhile

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# JupyterLab does not ask where a file has changed only half a second before.
PAUSE = "import time; time.sleep(0.7)"
LAST = f"{PAUSE}; 'last'"


def sources_in(notebook: str) -> list[str]:
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    return [cell.source for cell in read.cells]


async def saved(notebook: str, *sources: str) -> None:
    """Wait until the file has these cells."""
    await meanwhile(lambda: sources_in(notebook) == list(sources), f"{sources} in the file")


async def opened(me: Agent, name: str, *codes: str) -> tuple[str, str]:
    """Open a session with some cells; returns its id and its notebook, in which they are saved."""
    facts = await me.ok("start_new_session", experiment_name=name)
    for code in codes:
        await me.execute(facts["session_id"], code)
    await saved(facts["notebook_path"], *codes)
    return facts["session_id"], facts["notebook_path"]


async def test_a_person_and_an_agent_work_in_one_notebook_and_nothing_of_either_is_lost(
    browser_agent: Agent, person: Person
):
    me = browser_agent
    session, notebook = await opened(me, "shared", "x = 41", "y = 1", "w = 1")
    await person.open(notebook)
    await person.sees("x = 41", "y = 1", "w = 1")
    # One kernel: what the agent's code has made is there for the person's, and the other way round.
    await person.add("z = x + 1; z")
    await person.run(-1)
    await person.sees_output(-1, "42")
    assert "42\n" in await me.execute(session, "print(z)")
    await saved(notebook, "x = 41", "y = 1", "w = 1", "print(z)")
    await me.ok("edit_cell", session_id=session, cell_index=2, code="w = 2")
    await me.execute(session, PAUSE)
    # The page has nothing of what the agent did since; the person saves what it has over that.
    await person.edit(1, "y = 'a person'")
    await person.edit(2, "w = 'a person'")
    await person.save_over()
    said = await me.execute(session, "'next'")
    assert "changed on disk meanwhile, by a person in JupyterLab: cells " in said
    assert " edited; cell " in said
    assert "changed both by the session and in the file" in said
    both = ["y = 'a person'", "w = 2", "w = 'a person'", "print(z)", PAUSE, "z = x + 1; z", "'next'"]
    await saved(notebook, "x = 41", *both)
    # A second time, from the same page, without a look at the file in between.
    await me.execute(session, PAUSE)
    await saved(notebook, "x = 41", *both, PAUSE)
    await person.delete(0)
    await person.save_over()
    said = await me.execute(session, LAST)
    assert "had been deleted in the file" in said
    await saved(notebook, *both, PAUSE, LAST)
    # Read anew, the page shows all of it, and what is deleted after that was meant.
    await person.edit(0, "thrown away")
    await person.revert()
    await person.sees(*both, PAUSE, LAST)
    await person.delete(-1)
    await person.save()
    await saved(notebook, *both, PAUSE)


async def test_a_cell_that_streams_is_whole_although_a_person_saves_and_edits_it_meanwhile(
    browser_agent: Agent, person: Person, tmp_path: Path
):
    me = browser_agent
    session, notebook = await opened(me, "streams", "a = 1", "b = 1")
    await person.open(notebook)
    go = tmp_path / "go"
    code = (
        "import pathlib, time\nn = 0\n"
        f"while not pathlib.Path({str(go)!r}).exists():\n    print(n, flush=True); n += 1; time.sleep(0.02)\n"
        "print('end at', n)"
    )
    running = asyncio.create_task(me.ok("edit_cell", session_id=session, cell_index=1, code=code))
    await meanwhile(lambda: '"5\\n"' in Path(notebook).read_text(), "output in the file")
    await person.edit(0, "a = 'a person'")
    await person.save_over()
    await meanwhile(lambda: sources_in(notebook) == ["a = 'a person'", code], "both in the file")
    await person.revert_to_file()
    await person.sees_output(1, "5")
    shown = Path(notebook).stat().st_mtime
    # Only where the file is newer by half a second does JupyterLab ask whether to overwrite it.
    await meanwhile(lambda: Path(notebook).stat().st_mtime > shown + 1, "a file newer than the page")
    await person.edit(1, "b = 'edited while it ran'")
    await person.save_over()
    await meanwhile(lambda: "b = 'edited while it ran'" in sources_in(notebook), "edit in the file")
    go.touch()
    facts = await running
    assert facts["state"] == "ok"
    lines = facts["text"].splitlines()
    await saved(notebook, "a = 'a person'", "b = 'edited while it ran'")
    await meanwhile(lambda: "end at" in Path(notebook).read_text(), "the end in the file")
    read = nbformat.read(notebook, as_version=4)
    (stream,) = read.cells[1].outputs
    written = stream.text.splitlines()
    assert written[-1] == f"end at {len(written) - 1}"
    assert written[:-1] == [str(number) for number in range(len(written) - 1)]
    assert written[-1] in lines
    told = facts["text"] + await me.execute(session, "'next'")  # by whichever came first after the merge
    assert "was edited in the file: its outputs are those of the code before" in told
