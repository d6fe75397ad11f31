"""Every answer that names a session says where that is: as structured content and in words."""

from typing import Any

import nbformat
import pytest

from jlab_mcp.runners.processes import hostname
from tests.agent import agent
from tests.conftest import Project

pytestmark = pytest.mark.live


def check(project: Project, facts: dict[str, Any], session_id: str | None = None, notebook: str = "") -> None:
    """Check the five fields of an answer, and that its last line says the same."""
    path = str(project.notebooks / notebook) if notebook else None
    assert (facts["session_id"], facts["notebook_path"]) == (session_id, path)
    assert (facts["profile"], facts["hostname"], facts["job_id"]) == ("local", hostname(), None)
    said = facts["text"].splitlines()[-1]
    for words in (session_id, path, "profile local", hostname(), "job none"):
        assert words is None or words in said


async def test_every_tool_that_names_a_session_says_where_it_is(live_project: Project):
    async with agent(live_project) as me:
        opened = await me.ok("start_new_session", experiment_name="identity")
        mine = opened["session_id"]
        own = {"session_id": mine}
        check(live_project, opened, mine, "identity.ipynb")
        ran = await me.ok("execute_code", **own, code="1")
        for tool, arguments in (
            ("execute_code", {**own, "code": "1/0"}),
            ("execute_code", {**own, "code": "import os; os._exit(1)"}),
            ("edit_cell", {**own, "cell_index": 0, "code": "2"}),
            ("run_cell", {**own, "cell_index": 0}),
            ("add_markdown", {**own, "markdown": "# title"}),
            ("edit_cell", {**own, "cell_index": -1, "code": "# better title"}),
            ("delete_cell", {**own, "cell_index": -1}),
            ("read_notebook", own),
            ("read_notebook", {"notebook_path": "identity.ipynb"}),
            ("get_output", {"execution_id": ran["execution_id"]}),
            ("interrupt_kernel", own),
            ("restart_kernel", own),
        ):
            facts = await me.ok(tool, **arguments)
            check(live_project, facts, None if "notebook_path" in arguments else mine, "identity.ipynb")
        listed = next(
            each for each in (await me.ok("list_sessions"))["sessions"] if each["session_id"] == mine
        )
        check(live_project, {**listed, "text": opened["text"]}, mine, "identity.ipynb")
        for tool in ("start_session_resume_notebook", "start_session_continue_notebook"):
            facts = await me.ok(tool, experiment_name="identity", notebook_path="identity.ipynb")
            name = "identity.ipynb" if "resume" in tool else "identity_continued.ipynb"
            check(live_project, facts, facts["session_id"], name)
        check(live_project, await me.ok("shutdown_session", **own), mine, "identity.ipynb")
        resumed = await me.ok(
            "start_session_resume_notebook", experiment_name="identity", notebook_path="identity.ipynb"
        )
        check(live_project, resumed, resumed["session_id"], "identity.ipynb")


async def test_an_answer_without_a_session_says_where_the_server_is(live_project: Project):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id="only")])
    live_project.notebooks.mkdir(exist_ok=True)
    nbformat.write(notebook, live_project.notebooks / "closed.ipynb")
    async with agent(live_project) as me:
        check(live_project, await me.ok("read_notebook", notebook_path="closed.ipynb"), None, "closed.ipynb")
        check(live_project, await me.ok("execute_scratch", code="1"))
        facts = await me.ok("check_resources")
        assert (facts["session_id"], facts["profile"], facts["job_id"]) == (None, "local", None)
