"""Opening and ending sessions through MCP, against a real JupyterLab."""

import asyncio
import re
from pathlib import Path

import httpx
import nbformat
import pytest

from tests.agent import agent, words
from tests.conftest import Project

pytestmark = pytest.mark.live


def write_notebook(path: Path, *sources: str, kernel: str = "python3") -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


async def test_a_name_never_overwrites_a_notebook(live_project: Project):
    async with agent(live_project) as me:
        first = await me.ok("start_new_session", experiment_name="same name")
        await me.ok("execute_code", session_id=first["session_id"], code="'first'")
        second = await me.ok("start_new_session", experiment_name="same name")
        third = await me.ok("start_new_session", experiment_name="same name")
        forks = [
            await me.ok(
                "start_session_continue_notebook", experiment_name="same name", notebook_path="same name"
            )
            for _ in range(2)
        ]
        kept = await me.ok("read_notebook", session_id=first["session_id"])
    assert [Path(facts["notebook_path"]).name for facts in (first, second, third, *forks)] == [
        "same name.ipynb",
        "same name_2.ipynb",
        "same name_3.ipynb",
        "same name_continued.ipynb",
        "same name_continued_2.ipynb",
    ]
    assert "'first'" in kept["text"]


async def test_resume_runs_all_cells_with_progress_and_lists_what_failed(live_project: Project):
    path = live_project.notebooks / "resumed.ipynb"
    write_notebook(path, "x = 1", "1/0", "x + 1")
    async with agent(live_project) as me:
        facts = await me.ok(
            "start_session_resume_notebook", experiment_name="resumed", notebook_path="resumed.ipynb"
        )
        assert facts["code_cells"] == 3
        assert [cell["cell_index"] for cell in facts["failed"]] == [1]
        assert facts["failed"][0]["error"]["ename"] == "ZeroDivisionError"
        assert "2 of 3 code cells succeeded" in facts["text"]
        assert [(done, total) for done, total, _ in me.progress] == [(1, 3), (2, 3), (3, 3)]
        value = await me.ok("execute_code", session_id=facts["session_id"], code="x")
        assert value["text"].splitlines()[0] == "1"


async def test_resume_can_stop_at_the_first_failure(live_project: Project):
    write_notebook(live_project.notebooks / "stopped.ipynb", "1/0", "import time; time.sleep(60)", "x = 3")
    async with agent(live_project) as me:
        facts = await me.ok(
            "start_session_resume_notebook",
            experiment_name="stopped",
            notebook_path=str(live_project.notebooks / "stopped.ipynb"),
            stop_on_error=True,
        )
        assert [cell["state"] for cell in facts["failed"]] == ["error", "not_run", "not_run"]
        later = await me.ok("execute_code", session_id=facts["session_id"], code="'x' in globals()")
        assert later["text"].splitlines()[0] == "False"


async def test_resuming_an_open_notebook_gives_its_session(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("open already")
        await me.ok("execute_code", session_id=session_id, code="kept = 1")
        listed = await me.ok("list_sessions")
        path = next(each["notebook_path"] for each in listed["sessions"] if each["session_id"] == session_id)
    async with agent(live_project) as another:
        facts = await another.ok(
            "start_session_resume_notebook", experiment_name="other name", notebook_path=path
        )
        assert facts["session_id"] == session_id
        assert facts["already_open"]
        assert "open already" in facts["text"]
        value = await another.ok("execute_code", session_id=session_id, code="kept")
        assert value["text"].splitlines()[0] == "1"


async def test_continue_forks_and_runs_nothing(live_project: Project):
    path = live_project.notebooks / "origin.ipynb"
    write_notebook(path, "ran = True")
    before = path.read_bytes()
    async with agent(live_project) as me:
        facts = await me.ok(
            "start_session_continue_notebook", experiment_name="origin", notebook_path="origin.ipynb"
        )
        assert facts["notebook_path"] == str(live_project.notebooks / "origin_continued.ipynb")
        assert facts["cells"] == 1
        value = await me.ok("execute_code", session_id=facts["session_id"], code="'ran' in globals()")
        assert value["text"].splitlines()[0] == "False"
    assert path.read_bytes() == before


async def test_restart_loses_variables_and_shutdown_ends_the_session(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("restarted")
        await me.ok("execute_code", session_id=session_id, code="x = 1")
        assert (
            "variables and imports are gone" in (await me.ok("restart_kernel", session_id=session_id))["text"]
        )
        lost = await me.ok("execute_code", session_id=session_id, code="x")
        assert lost["error"]["ename"] == "NameError"
        ended = await me.ok("shutdown_session", session_id=session_id)
        assert Path(ended["notebook_path"]).exists()
        said = await me.refused("shutdown_session", session_id=session_id)
    assert session_id in said
    assert "list_sessions" in said


async def test_bad_input_is_one_clear_sentence_and_changes_nothing(live_project: Project):
    outside = live_project.folder / "outside.ipynb"
    write_notebook(outside, "1")
    live_project.notebooks.mkdir(exist_ok=True)
    (live_project.notebooks / "text.ipynb").write_text("no notebook")
    write_notebook(live_project.notebooks / "unknown.ipynb", "1", kernel="no-such-kernel")
    async with agent(live_project) as me:
        session_id = await me.open("bad input")
        # Other tests' notebooks may still be on their way to the disk: only those named here are compared.
        named = [outside, live_project.notebooks / "text.ipynb", live_project.notebooks / "unknown.ipynb"]
        before = [path.read_bytes() for path in named]
        notebooks = set(live_project.notebooks.glob("*.ipynb"))
        sessions = {each["session_id"] for each in (await me.ok("list_sessions"))["sessions"]}
        refusals = {
            "session": await me.refused("execute_code", session_id="nope", code="1"),
            "slashes": await me.refused("execute_code", session_id="../../x", code="1"),
            "cell": await me.refused("run_cell", session_id=session_id, cell_index=99),
            "cell id": await me.refused("delete_cell", session_id=session_id, cell_index="nope"),
            "outside": await me.refused(
                "start_session_resume_notebook", experiment_name="x", notebook_path=str(outside)
            ),
            "dots": await me.refused("read_notebook", notebook_path="../outside.ipynb"),
            "text": await me.refused(
                "start_session_continue_notebook", experiment_name="x", notebook_path="text.ipynb"
            ),
            "missing": await me.refused("read_notebook", notebook_path="missing.ipynb"),
            "kernel": await me.refused(
                "start_session_resume_notebook", experiment_name="x", notebook_path="unknown.ipynb"
            ),
            "no kernel": await me.refused("start_new_session", experiment_name="x", kernel="nope"),
            "name": await me.refused("start_new_session", experiment_name=" "),
            "nothing named": await me.refused("read_notebook"),
            "execution": await me.refused("get_output", execution_id="nope1234"),
            "missing argument": await me.refused("execute_code", session_id=session_id),
            "wrong argument": await me.refused(
                "execute_code", session_id=session_id, code="1", wait_seconds=-1
            ),
        }
        listed = {each["session_id"]: each for each in (await me.ok("list_sessions"))["sessions"]}
        assert set(listed) == sessions
        assert (listed[session_id]["cells"], listed[session_id]["running"]) == (0, None)
    assert [path.read_bytes() for path in named] == before
    assert set(live_project.notebooks.glob("*.ipynb")) == notebooks
    assert "list_sessions" in refusals["session"]
    assert "99" in refusals["cell"]
    assert "read_notebook" in refusals["cell"]
    assert "notebook folder" in refusals["outside"]
    assert "notebook folder" in refusals["dots"]
    assert refusals["kernel"].count("python3") == 1
    assert "`code`" in refusals["missing argument"]
    assert "wait_seconds" in refusals["wrong argument"]
    for said in refusals.values():
        assert re.search(r"\. \[JLM-[A-Z-]+\]$", said), said
        assert len(said) < 600


async def test_an_answer_to_list_sessions_names_each(live_project: Project):
    async with agent(live_project) as me:
        ids = [await me.open("listed"), await me.open("listed")]
        answer = await me.call("list_sessions")
    for session_id in ids:
        assert session_id in words(answer)


async def test_kernel_state_activity_and_notebook_are_listed_and_one_by_another_path_is_the_same_session(
    live_project: Project,
):
    write_notebook(live_project.notebooks / "two paths.ipynb", "x = 1")
    (live_project.notebooks / "a link.ipynb").symlink_to("two paths.ipynb")
    async with agent(live_project) as me:
        first = await me.ok(
            "start_session_resume_notebook", experiment_name="p", notebook_path="two paths.ipynb"
        )
        again = await me.ok(
            "start_session_resume_notebook", experiment_name="p", notebook_path="a link.ipynb"
        )
        assert (again["session_id"], again["already_open"]) == (first["session_id"], True)
        read = await me.ok("read_notebook", notebook_path="a link.ipynb")
        assert (read["notebook_path"], read["save_error"]) == (first["notebook_path"], None)
        listed = (await me.ok("list_sessions"))["text"]
        line = next(each for each in listed.splitlines() if first["session_id"] in each)
        assert re.search(r"kernel python3 idle, last active \d+ s ago, 1 cells, .*two paths\.ipynb$", line)
        ended = await me.ok("shutdown_session", session_id=first["session_id"])
        assert "Its kernel has gone, and its memory is free." in ended["text"]


async def test_a_persons_kernel_is_listed_and_taken_up_without_running_anything(live_project: Project):
    write_notebook(live_project.notebooks / "a person's.ipynb", "ran = True")
    link = (await live_project.connect()).connection
    url, token = f"{link.url}api/sessions", link.token.get_secret_value()
    body = {
        "path": "notebooks/a person's.ipynb",
        "name": "x",
        "type": "notebook",
        "kernel": {"name": "python3"},
    }
    headers = {"Authorization": f"token {token}"}
    made = httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False).json()
    async with agent(live_project) as me:
        listed = await me.ok("list_sessions")
        assert made["kernel"]["id"] in [kernel["kernel_id"] for kernel in listed["others"]]
        assert "a person's.ipynb: kernel python3 " in listed["text"]
        taken = await me.ok(
            "start_session_resume_notebook", experiment_name="p", notebook_path="a person's.ipynb"
        )
        assert (taken["attached"], "Nothing was re-run" in taken["text"]) == (True, True)
        value = await me.ok("execute_code", session_id=taken["session_id"], code="'ran' in globals()")
        assert value["text"].splitlines()[0] == "False"
        await me.ok("shutdown_session", session_id=taken["session_id"])


async def test_a_notebook_that_cannot_be_saved_is_never_called_saved(live_project: Project):
    async with agent(live_project) as me:
        opened = await me.ok("start_new_session", experiment_name="unsaved")
        path, own = Path(opened["notebook_path"]), {"session_id": opened["session_id"]}
        path.unlink()
        path.mkdir()
        await me.ok("execute_code", **own, code="'kept'")
        async with asyncio.timeout(30):
            while (found := await me.ok("read_notebook", **own))["save_error"] is None:
                await asyncio.sleep(0.1)  # the file is saved behind the answers
        assert found["text"].startswith("NOTE: ")
        (listed,) = [
            each
            for each in (await me.ok("list_sessions"))["sessions"]
            if each["session_id"] == own["session_id"]
        ]
        assert "not" in listed["save_error"]
        ended = await me.ok("shutdown_session", **own)
    assert "is saved" not in ended["text"]
    assert ended["rescued"] in ended["text"]
    assert "'kept'" in Path(ended["rescued"]).read_text()


async def test_code_that_ignores_an_interrupt_is_not_called_interrupted(live_project: Project):
    code = (
        "import time\nuntil = time.monotonic() + 60\nwhile time.monotonic() < until:\n"
        "    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        pass"
    )
    async with agent(live_project) as me:
        own = {"session_id": await me.open("stubborn")}
        running = await me.ok("execute_code", **own, code=code, wait_seconds=2)
        assert running["state"] == "running"
        facts = await me.ok("interrupt_kernel", **own)
        assert (facts["interrupted"], facts["running"]) == (False, running["execution_id"])
        assert "has not ended" in facts["text"]
        assert "`restart_kernel`" in facts["text"]
        await me.ok("restart_kernel", **own)
        assert "Nothing was running" in (await me.ok("interrupt_kernel", **own))["text"]
        await me.ok("shutdown_session", **own)
