"""A person has the agent's notebook open in JupyterLab with jupyter-collaboration: both work in one document."""

from __future__ import annotations

import asyncio
import json
from asyncio import Task
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import pytest_asyncio

from tests.agent import Agent, agent
from tests.browser import collaboration
from tests.browser.conftest import keep
from tests.browser.person import Person, person_at
from tests.commands import kill, meanwhile, record_of
from tests.conftest import Project, make_project

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def shared_project(browser_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose own environment has jupyter-collaboration."""
    made = make_project(tmp_path_factory.mktemp("shared"))
    config = made.folder.parent / "config"
    config.mkdir()
    # A room ends soon after the last page has gone, not a minute later.
    settings = {"YDocExtension": {"document_cleanup_delay": 2}}
    (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    project = Project(made.folder, {**made.env, "JUPYTER_CONFIG_DIR": str(config)})
    (project.folder / ".venv").symlink_to(collaboration.environment())
    asyncio.run(project.start())
    yield project
    asyncio.run(project.stop())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_agent(shared_project: Project) -> AsyncIterator[Agent]:
    """An agent at work in the same project."""
    async for me in keep(agent(shared_project)):
        yield me


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(guest: Person) -> AsyncIterator[Person]:
    """The person; what a test leaves open is closed."""
    yield guest
    await guest.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guest(
    shared_project: Project, browser_program: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Person]:
    """A person with a browser of their own, at this project's JupyterLab."""
    async with person_at(shared_project, browser_program, tmp_path_factory.mktemp("chromium")) as me:
        yield me


Facts = dict[str, Any]
LOOP = """import pathlib, time
n = 0
while not pathlib.Path({go!r}).exists():
    print(n, flush=True); n += 1; time.sleep(0.05)
print('end at', n)"""


def read(notebook: str) -> nbformat.NotebookNode:
    """Read the file, which JupyterLab writes in place: a moment later if it is only half there."""
    while True:
        try:
            found = nbformat.read(notebook, as_version=4)
        except nbformat.reader.NotJSONError:
            continue
        nbformat.validate(found)
        return found


def sources_in(notebook: str) -> list[str]:
    return [cell.source for cell in read(notebook).cells]


async def saved(notebook: str, *sources: str) -> None:
    """Wait until the file has these cells."""
    await meanwhile(lambda: sources_in(notebook) == list(sources), f"{sources} in the file")


def flat(code: str) -> str:
    """Return what a page's text has of code: no line breaks."""
    return code.replace("\n", "")


async def opened(me: Agent, name: str, *codes: str) -> tuple[str, str]:
    facts = await me.ok("start_new_session", experiment_name=name)
    for code in codes:
        await me.execute(facts["session_id"], code)
    await saved(facts["notebook_path"], *codes)
    return facts["session_id"], facts["notebook_path"]


async def streaming(me: Agent, visitor: Person, name: str, go: Path) -> tuple[str, str, str, Task[Facts]]:
    """Have a person look at a notebook in which the agent runs a loop, until there is `go`.

    Returns:
        The session, the notebook, the code of the loop, and the call that runs it.
    """
    session, notebook = await opened(me, name, "a = 1")
    await visitor.open(notebook)
    code = LOOP.format(go=str(go))
    running = asyncio.create_task(me.ok("execute_code", session_id=session, code=code, wait_seconds=300))
    await visitor.sees_output(1, "5")
    return session, notebook, code, running


def output_of(notebook: str, index: int) -> str:
    return "".join(output.get("text", "") for output in read(notebook).cells[index].outputs)


def counted(text: str) -> int:
    """Return how many lines a loop has printed, each of which must be there once and in its order."""
    *lines, last = text.splitlines()
    assert lines == [str(number) for number in range(len(lines))]
    assert last == f"end at {len(lines)}"
    return len(lines)


async def test_the_agents_cells_appear_live_and_the_persons_reach_the_agent(
    shared_agent: Agent, visitor: Person
):
    me = shared_agent
    session, notebook = await opened(me, "live", "x = 41")
    await visitor.open(notebook)
    await visitor.sees("x = 41")
    await me.execute(session, "print('from the agent', x)")
    await visitor.sees("x = 41", "print('from the agent', x)")
    await visitor.sees_output(1, "from the agent 41")
    # The same kernel, and no save: what the person does is there for the agent as it is done.
    await visitor.add("y = x + 1; print('from a person', y)")
    await visitor.run(-1)
    await visitor.sees_output(2, "from a person 42")
    await visitor.edit(0, "x = 'a person'")
    said = await me.execute(session, "print('again', y)")
    assert "again 42" in said
    assert "a person changed the notebook in JupyterLab meanwhile" in said
    every = ["x = 'a person'", "print('from the agent', x)", "y = x + 1; print('from a person', y)"]
    await visitor.sees(*every, "print('again', y)")
    edit = {"session_id": session, "cell_index": 1, "code": "print('edited by the agent')"}
    said += (await me.ok("edit_cell", **edit))["text"]  # by now all of it has come
    assert "edited" in said
    assert "added" in said
    await me.ok("add_markdown", session_id=session, markdown="# Found", index=0)
    await visitor.sees_output(2, "edited by the agent")
    await saved(notebook, "# Found", every[0], "print('edited by the agent')", every[2], "print('again', y)")
    assert output_of(notebook, 3) == "from a person 42\n"
    facts = await me.ok("read_notebook", session_id=session)
    assert "from a person 42" in facts["text"]


async def test_a_cell_that_streams_is_whole_although_it_is_opened_and_typed_beside_meanwhile(
    shared_agent: Agent, visitor: Person, tmp_path: Path
):
    me, go = shared_agent, tmp_path / "go"
    session, notebook = await opened(me, "streams", "a = 1")
    code = LOOP.format(go=str(go))
    running = asyncio.create_task(me.ok("execute_code", session_id=session, code=code, wait_seconds=300))
    await meanwhile(lambda: len(sources_in(notebook)) == 2, "the cell in the file")
    await visitor.enter(Path(notebook).name)
    await visitor.sees("a = 1", flat(code))
    await visitor.sees_output(1, "5")
    await visitor.cells().nth(0).locator(".cm-content").click()
    await visitor.page.keyboard.press("Control+End")
    text = " + " + " + ".join(str(number) for number in range(40))
    await visitor.page.keyboard.type(text, delay=30)
    shown = await visitor.cells().nth(1).locator(".jp-OutputArea").first.inner_text()
    go.touch()
    facts = await running
    assert facts["state"] == "ok"
    await visitor.sees_output(1, "end at")
    await visitor.sees(f"a = 1{text}", flat(code))
    await saved(notebook, f"a = 1{text}", code)
    await meanwhile(lambda: "end at" in output_of(notebook, 1), "the end in the file")
    assert counted(output_of(notebook, 1)) > len(shown.splitlines()) / 2
    seen = await visitor.cells().nth(1).locator(".jp-OutputArea-output").all_inner_texts()
    counted("\n".join(line for line in "\n".join(seen).splitlines() if line.strip()))


async def test_a_running_cell_that_a_person_deletes_stays_deleted(
    shared_agent: Agent, visitor: Person, tmp_path: Path
):
    me, go = shared_agent, tmp_path / "go"
    session, notebook, _, running = await streaming(me, visitor, "deleted", go)
    await visitor.delete(1)
    await visitor.sees("a = 1")
    await saved(notebook, "a = 1")
    go.touch()
    facts = await running
    assert facts["state"] == "ok"
    said = facts["text"] + await me.execute(session, "'next'")
    assert "deleted" in said
    await visitor.sees("a = 1", "'next'")
    await saved(notebook, "a = 1", "'next'")


async def test_when_the_person_has_gone_the_file_is_written_again(
    shared_agent: Agent, visitor: Person, tmp_path: Path
):
    me, go = shared_agent, tmp_path / "go"
    session, notebook = await opened(me, "closed", "a = 1")
    await visitor.open(notebook)
    await visitor.edit(0, "a = 'a person'")
    code = LOOP.format(go=str(go))
    running = asyncio.create_task(me.ok("execute_code", session_id=session, code=code, wait_seconds=300))
    await visitor.sees_output(1, "5")
    log = Path(json.loads((await me.call("ping")).model_dump_json())["structured_content"]["log_file"])
    before = log.read_text().count("Deleting Y document")
    await visitor.close()
    await meanwhile(lambda: log.read_text().count("Deleting Y document") > before, "the room's end")
    go.touch()
    await running
    await me.execute(session, "'next'")
    await saved(notebook, "a = 'a person'", code, "'next'")
    counted(output_of(notebook, 1))
    await visitor.open(notebook)
    await visitor.sees("a = 'a person'", flat(code), "'next'")
    await me.execute(session, "'live again'")
    await visitor.sees("a = 'a person'", flat(code), "'next'", "'live again'")
    await saved(notebook, "a = 'a person'", code, "'next'", "'live again'")


async def test_a_notebook_is_renamed_while_the_agent_works_in_it(
    shared_agent: Agent, visitor: Person, tmp_path: Path
):
    me, go = shared_agent, tmp_path / "go"
    session, notebook, code, running = await streaming(me, visitor, "before", go)
    await visitor.rename("before.ipynb", "after.ipynb")
    await visitor.edit(0, "a = 'a person'")
    go.touch()
    facts = await running
    renamed = str(Path(notebook).with_name("after.ipynb"))
    assert f"the notebook was renamed: it is {renamed} now" in facts["notice"]
    facts = await me.ok("execute_code", session_id=session, code="'next'")
    assert facts["notebook_path"] == renamed
    await visitor.sees("a = 'a person'", flat(code), "'next'")
    await saved(renamed, "a = 'a person'", code, "'next'")
    counted(output_of(renamed, 1))
    assert not Path(notebook).exists()


async def test_the_end_of_the_server_leaves_all_of_it_in_the_file(
    shared_project: Project, shared_agent: Agent, visitor: Person, tmp_path: Path
):
    me = shared_agent
    session, notebook = await opened(me, "ended", "a = 1")
    await visitor.open(notebook)
    code = LOOP.format(go=str(tmp_path / "never"))
    await me.ok("execute_code", session_id=session, code=code, wait_seconds=0)
    await visitor.sees_output(1, "5")
    await visitor.edit(0, "a = 'a person'")
    await meanwhile(lambda: sources_in(notebook)[0] == "a = 'a person'", "the edit in the file")
    await me.ok("stop_server")
    assert sources_in(notebook) == ["a = 'a person'", code]
    *lines, last = output_of(notebook, 1).splitlines()
    assert last.startswith("jlab-mcp: the server ended")
    assert lines == [str(number) for number in range(len(lines))]


async def test_a_server_that_is_killed_while_a_person_looks_costs_at_most_a_second(
    shared_project: Project, shared_agent: Agent, browser_program: str, tmp_path: Path
):
    me = shared_agent
    await me.ok("start_server")
    session, notebook = await opened(me, "killed", "a = 1")
    code = LOOP.format(go=str(tmp_path / "never"))
    async with person_at(shared_project, browser_program, tmp_path / "chromium") as person:
        await person.open(notebook)
        await me.ok("execute_code", session_id=session, code=code, wait_seconds=0)
        await person.edit(0, "a = 'a person'")
        await meanwhile(lambda: sources_in(notebook)[0] == "a = 'a person'", "the edit in the file")
        await person.sees_output(1, "60")
        shown = await person.cells().nth(1).locator(".jp-OutputArea").first.inner_text()
        record = record_of(shared_project)
        assert record is not None
        await asyncio.to_thread(kill, record)
    await me.ok("start_server")
    again = await me.ok("start_session_continue_notebook", experiment_name="x", notebook_path="killed.ipynb")
    assert "taken from the journal of an earlier server" in again["text"]
    assert sources_in(notebook) == ["a = 'a person'", code]
    *lines, last = output_of(notebook, 1).splitlines()
    assert last.startswith("jlab-mcp: the server ended (killed) while this cell ran")
    assert lines == [str(number) for number in range(len(lines))]
    assert len(lines) > len(shown.split()) - 20  # a second of the loop
