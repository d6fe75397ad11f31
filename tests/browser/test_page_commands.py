"""What a person does to the notebook's file and kernel from JupyterLab's page, and what the agent is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.agent import Agent
from tests.browser.person import Person
from tests.browser.test_saving_meanwhile import opened, saved
from tests.commands import meanwhile

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BUSY = "import time\nprint('begun', flush=True)\ntime.sleep(600)"


async def begun(me: Agent, session: str, notebook: str) -> asyncio.Task[dict[str, object]]:
    """Have a cell run that does not end by itself."""
    call = asyncio.create_task(me.ok("execute_code", session_id=session, code=BUSY))
    await meanwhile(lambda: '"begun\\n"' in Path(notebook).read_text(), "output in the file")
    return call


async def test_a_session_follows_its_notebook_when_a_person_renames_it(browser_agent: Agent, person: Person):
    me = browser_agent
    session, notebook = await opened(me, "before", "x = 1")
    await person.open(notebook)
    await person.rename("before.ipynb", "after.ipynb")
    facts = await me.ok("execute_code", session_id=session, code="x + 1")
    renamed = str(Path(notebook).with_name("after.ipynb"))
    assert facts["notebook_path"] == renamed
    assert f"the notebook was renamed: it is {renamed} now" in facts["notice"]
    await saved(renamed, "x = 1", "x + 1")
    assert not Path(notebook).exists()
    # The page that is opened anew is on the session's kernel.
    await person.open(renamed)
    await person.add("x + 41")
    await person.run(-1)
    await person.sees_output(-1, "42")


async def test_a_person_interrupts_and_restarts_the_kernel_from_the_page_and_the_agent_is_told(
    browser_agent: Agent, person: Person
):
    me = browser_agent
    session, notebook = await opened(me, "commands", "x = 1")
    await person.open(notebook)
    call = await begun(me, session, notebook)
    await person.toolbar("notebook:interrupt-kernel")
    interrupted = await call
    assert (interrupted["state"], "KeyboardInterrupt" in str(interrupted["text"])) == ("error", True)
    call = asyncio.create_task(me.ok("run_cell", session_id=session, cell_index=1))
    await person.sees_status("Busy")
    await person.toolbar("notebook:restart-kernel")
    await person.answer("Restart")
    died = await call
    assert died["state"] == "kernel_died"
    assert "the kernel was restarted from elsewhere" in str(died["reason"])
    after = await me.ok("execute_code", session_id=session, code="print('x' in globals())")
    assert str(after["text"]).split("\n", 1)[1].startswith("False\n")
    assert "a new kernel runs in its place: all variables and imports are gone" in after["notice"]


async def test_a_closed_tab_costs_nothing_a_kernel_shut_down_from_the_page_is_said_and_so_is_a_deleted_file(
    browser_agent: Agent, person: Person
):
    me = browser_agent
    session, notebook = await opened(me, "let go", "x = 1")
    await person.open(notebook)
    await person.close()
    assert "\n1\n" in "\n" + await me.execute(session, "print(x)")
    await saved(notebook, "x = 1", "print(x)")
    await person.open(notebook)
    await person.shut_down_kernel()
    await person.close()
    gone = await me.ok("execute_code", session_id=session, code="'not run'")
    assert gone["state"] == "not_run"
    assert "the kernel was shut down from elsewhere" in str(gone["text"])
    await me.ok("restart_kernel", session_id=session)
    anew = await me.ok("execute_code", session_id=session, code="print('x' in globals())")
    assert "False\n" in anew["text"]
    everything = ("x = 1", "print(x)", "'not run'", "print('x' in globals())")
    await saved(notebook, *everything)
    Path(notebook).unlink()
    told = await me.ok("add_markdown", session_id=session, markdown="# still here")
    assert "the notebook's file had been deleted" in told["text"]
    await meanwhile(lambda: Path(notebook).exists(), "file")
    await saved(notebook, *everything, "# still here")
