"""Running code through MCP, against a real JupyterLab."""

import asyncio
import base64
import io
import itertools
import json
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from tests.agent import agent, words
from tests.conftest import Project
from tests.slowkernel import SlowKernel

pytestmark = pytest.mark.live


async def test_state_is_kept_and_every_answer_says_where(live_project: Project):
    async with agent(live_project) as me:
        opened = await me.ok("start_new_session", experiment_name="state")
        session_id = opened["session_id"]
        first = await me.ok("execute_code", session_id=session_id, code="x = 41")
        second = await me.ok("execute_code", session_id=session_id, code="x + 1")
        assert second["text"].splitlines()[0] == "42"
        assert (second["state"], second["cell_index"], second["execution_count"]) == ("ok", 1, 2)
        for facts in (opened, first, second):
            assert facts["session_id"] == session_id
            assert facts["notebook_path"] == str(live_project.notebooks / "state.ipynb")
            assert facts["profile"] == "local"
            assert facts["hostname"]
            assert facts["job_id"] is None
            for said in (session_id, facts["notebook_path"], "profile local", facts["hostname"], "job none"):
                assert said in facts["text"].splitlines()[-1]


async def test_rich_output_comes_back_as_words_and_pictures(live_project: Project):
    code = (
        "import sys\nfrom IPython.display import HTML, display\nimport matplotlib.pyplot as plt\n"
        "print('out \x1b[31mred\x1b[0m')\nprint('err', file=sys.stderr)\n"
        "display(HTML('<table><tr><td>1</td><td>2</td></tr></table>'))\nplt.plot([1, 2])\nplt.show()\n"
        "'日本語'"
    )
    async with agent(live_project) as me:
        session_id = await me.open("rich")
        answer = await me.call("execute_code", session_id=session_id, code=code)
    lines = words(answer).splitlines()
    assert lines[:3] == ["out red", "[stderr]", "err"]
    assert "1 | 2" in lines
    assert "'日本語'" in lines
    pictures = [block for block in answer.content if block.type == "image"]
    assert len(pictures) == 1
    assert Image.open(io.BytesIO(base64.b64decode(pictures[0].data))).size[0] > 100
    assert pictures[0].data[:40] not in json.dumps(answer.structured_content)


async def test_failing_code_is_a_result(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("failing")
        facts = await me.ok("execute_code", session_id=session_id, code="1/0")
    assert facts["state"] == "error"
    assert facts["error"] == {"ename": "ZeroDivisionError", "evalue": "division by zero"}
    assert "----> 1 1/0" in facts["text"]
    assert "\x1b" not in facts["text"]


async def test_long_output_is_cut_and_the_whole_answer_stays_small(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("long")
        answer = await me.call(
            "execute_code", session_id=session_id, code="for i in range(400_000): print(i, '漢\"')"
        )
    facts = answer.structured_content or {}
    assert len(answer.model_dump_json(by_alias=True).encode()) <= 32_000
    assert facts["output_file"] in facts["text"]
    with Path(facts["output_file"]).open(encoding="utf-8") as file:
        assert sum(1 for _line in file) == 400_000


async def test_what_takes_longer_keeps_running_and_runs_once(live_project: Project):
    flag = live_project.folder / "go on"
    code = f"""
import pathlib, time
n = globals().get("n", 0) + 1
print("waiting", n)
while not pathlib.Path({str(flag)!r}).exists():
    time.sleep(0.01)
print("done", n)
"""
    async with agent(live_project) as me:
        session_id = await me.open("slow")
        facts = await me.ok("execute_code", session_id=session_id, code=code, wait_seconds=0.5)
        assert facts["state"] == "running"
        assert "goes on; do not send it again" in facts["text"]
        assert facts["execution_id"] in facts["text"]
        listed = await me.ok("list_sessions")
        mine = next(each for each in listed["sessions"] if each["session_id"] == session_id)
        assert mine["running"] == facts["execution_id"]
        flag.touch()
        ended = await me.ok("get_output", execution_id=facts["execution_id"], wait_seconds=30)
    assert ended["state"] == "ok"
    assert ended["text"].splitlines()[:2] == ["waiting 1", "done 1"]


async def test_long_output_is_paged_and_searched_while_it_grows_and_by_cell_afterwards(live_project: Project):
    flag = live_project.folder / "pages go on"
    code = f"""
import pathlib, time
for n in range(5000): print(f"step {{n}} loss {{1 / (n + 1):.4f}}")
while not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.01)
raise ValueError("at the end")
"""
    whole = "".join(f"step {n} loss {1 / (n + 1):.4f}\n" for n in range(5000))
    async with agent(live_project) as me:
        session_id = await me.open("pages")
        facts = await me.ok("execute_code", session_id=session_id, code=code, wait_seconds=1)
        own = {"execution_id": facts["execution_id"]}
        # From page to page, as the answers say.
        pages, at = [], 0
        while at < len(whole):
            page = await me.ok("get_output", **own, offset=at, wait_seconds=0.1)
            assert page["state"] == "running"
            assert len(page["text"]) < 13_000
            pages.append(page["text"].rpartition("\n[text of bytes")[0] + "\n")
            assert page["end"] > at
            at = page["end"]
        assert "the end so far; later from offset=" in page["text"]
        assert "".join(pages) == whole
        found = await me.ok("get_output", **own, grep=r"^step (42|4999) ")
        lines = found["text"].splitlines()
        assert lines[0] == f"{whole.index('step 42 ')}: step 42 loss 0.0233"
        assert lines[1].endswith(": step 4999 loss 0.0002")
        assert "no regular expression" in await me.refused("get_output", **own, grep="(")
        flag.touch()
        ended = await me.ok("get_output", session_id=session_id, cell=-1, wait_seconds=30)
        assert (ended["state"], ended["execution_id"]) == ("error", facts["execution_id"])
        last = await me.ok("get_output", session_id=session_id, cell=facts["cell_id"], offset=-400)
        assert "ValueError" in last["text"]
        assert "the end]" in last["text"]
        fork = await me.ok(
            "start_session_continue_notebook", experiment_name="pages", notebook_path=ended["notebook_path"]
        )
        saved = await me.ok("get_output", session_id=fork["session_id"], cell=0)
        assert (saved["execution_id"], saved["state"]) == (None, None)
        assert "saved output of an earlier run" in saved["text"]
        assert "step 0 loss 1.0000" in saved["text"]
        again = await me.ok("get_output", session_id=fork["session_id"], cell=0, grep="step 77 ")
        assert "step 77 loss 0.0128" in again["text"]


async def test_output_is_asked_for_by_an_execution_or_by_a_cell(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("which output")
        none = await me.refused("get_output")
        half = await me.refused("get_output", session_id=session_id)
        both = await me.refused("get_output", session_id=session_id, cell=0, execution_id="abcd1234")
        missing = await me.refused("get_output", session_id=session_id, cell=7)
    for said in (none, half, both):
        assert said.startswith("Give either execution_id, or session_id and cell.")
    assert missing.startswith("There is no cell 7")


async def test_progress_carries_the_latest_line_and_the_bar_as_it_stands(live_project: Project):
    flag = live_project.folder / "bar seen"
    code = f"""
import pathlib, sys, time
print("first line", flush=True)
n = 0
while not pathlib.Path({str(flag)!r}).exists():
    n += 1
    print(f"\\r{{n:4d}}it [00:01]", end="", file=sys.stderr, flush=True)
    time.sleep(0.05)
"""
    async with agent(live_project) as me:
        session_id = await me.open("progress")
        running = asyncio.create_task(me.ok("execute_code", session_id=session_id, code=code))
        async with asyncio.timeout(60):
            while sum("it [00:01]" in (said or "") for _, _, said in me.progress) < 3:
                await asyncio.sleep(0.05)
        flag.touch()
        ended = await running
    bars = [said for _, _, said in me.progress if said and "it [00:01]" in said]
    assert all(said.startswith("running for ") and said.count("it") == 1 for said in bars)
    assert len(set(bars)) == len(bars)
    values = [value for value, _, _ in me.progress]
    assert values == sorted(values)
    apart = [later - sooner for sooner, later in itertools.pairwise(values)]
    assert min(apart) > 0.4  # at most twice a second
    assert ended["state"] == "ok"


async def test_one_execution_is_cancelled_and_those_behind_it_run(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("cancel one")
        sleep = "import time\ntime.sleep(600)"
        running = await me.ok("execute_code", session_id=session_id, code=sleep, wait_seconds=0.5)
        waiting = await me.ok("execute_code", session_id=session_id, code="'never'", wait_seconds=0)
        behind = await me.ok("execute_code", session_id=session_id, code="'behind'", wait_seconds=0)
        assert "It waits and goes on" in waiting["text"]
        dropped = await me.ok("cancel_execution", execution_id=waiting["execution_id"])
        assert (dropped["state"], dropped["reason"]) == ("not_run", "cancelled before it was run")
        stopped = await me.ok("cancel_execution", execution_id=running["execution_id"])
        assert (stopped["state"], stopped["error"]["ename"]) == ("interrupted", "KeyboardInterrupt")
        ended = await me.ok("get_output", execution_id=behind["execution_id"], wait_seconds=30)
        assert ended["text"].startswith("'behind'")
        late = await me.ok("cancel_execution", execution_id=behind["execution_id"])
        assert late["state"] == "ok"


async def test_a_call_that_says_nothing_of_waiting_waits_as_the_settings_say(live_project: Project):
    config = live_project.folder / ".jlab-mcp.toml"
    config.write_text("[output]\nwait_seconds = 0.5\n")
    try:
        async with agent(live_project) as me:
            session_id = await me.open("patience")
            sleep = {"code": "import time\ntime.sleep(600)"}
            by_setting = await me.ok("execute_code", session_id=session_id, **sleep)
            scratch = await me.ok("execute_scratch", **sleep)
            path = live_project.notebooks / "sleeps.ipynb"
            cells = [nbformat.v4.new_code_cell(text) for text in ("1", sleep["code"], "2")]
            nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
            resumed = await me.ok(
                "start_session_resume_notebook",
                experiment_name="sleeps",
                notebook_path=str(path),
                wait_seconds=3,
            )
            last = resumed["execution_id"]
            stopped = [
                (await me.ok("cancel_execution", execution_id=each["execution_id"]))["state"]
                for each in (by_setting, scratch)
            ]
            await me.ok("interrupt_kernel", session_id=resumed["session_id"])
            ended = await me.ok("get_output", execution_id=last, wait_seconds=30)
    finally:
        config.unlink()
    assert (by_setting["state"], stopped[0]) == ("running", "interrupted")
    # Its kernel may still be starting.
    assert scratch["state"] in {"queued", "running"}
    assert stopped[1] in {"not_run", "interrupted"}
    assert resumed["code_cells"] == 3
    assert resumed["left"] in {2, 3}  # on a slow machine the first one takes longer, too
    assert f"{resumed['left']} more go on" in resumed["text"]
    assert ended["state"] == "not_run"


async def test_cells_are_edited_run_and_deleted_by_index_and_id(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("cells")
        first = await me.ok("execute_code", session_id=session_id, code="a = 1")
        await me.ok("execute_code", session_id=session_id, code="a += 1; a")
        title = await me.ok("add_markdown", session_id=session_id, markdown="# title", index=0)
        assert (title["cell_index"], title["cells"]) == (0, 3)
        edited = await me.ok(
            "edit_cell", session_id=session_id, cell_index=first["cell_id"], code="a = 10; a"
        )
        assert (edited["cell_index"], edited["text"].splitlines()[0]) == (1, "10")
        rerun = await me.ok("run_cell", session_id=session_id, cell_index=-1)
        assert rerun["text"].splitlines()[0] == "11"
        markdown = await me.ok("edit_cell", session_id=session_id, cell_index="0", code="# new title")
        assert "nothing to run" in markdown["text"]
        gone = await me.ok("delete_cell", session_id=session_id, cell_index=1)
        assert gone["cells"] == 2
        page = await me.ok("read_notebook", session_id=session_id)
        assert [cell["cell_type"] for cell in page["cells"]] == ["markdown", "code"]
        assert "# new title" in page["text"]
        last = await me.ok("read_notebook", notebook_path="cells.ipynb", start=-1)
        assert (last["start"], last["total"]) == (1, 2)


async def test_scratch_leaves_no_trace(live_project: Project):
    before = set(live_project.notebooks.glob("*.ipynb"))
    async with agent(live_project) as me:
        facts = await me.ok("execute_scratch", code="print(6 * 7)")
    assert facts["text"].splitlines()[0] == "42"
    assert facts["session_id"] is None
    assert set(live_project.notebooks.glob("*.ipynb")) == before


async def test_interrupt_while_a_cell_runs(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("interrupt")
        started = await me.ok(
            "execute_code", session_id=session_id, code="import time\ntime.sleep(600)", wait_seconds=0.5
        )
        assert started["state"] == "running"
        assert (await me.ok("interrupt_kernel", session_id=session_id))["interrupted"]
        ended = await me.ok("get_output", execution_id=started["execution_id"], wait_seconds=30)
        assert ended["state"] == "interrupted"
        again = await me.ok("interrupt_kernel", session_id=session_id)
        assert not again["interrupted"]


async def test_cancelling_a_call_interrupts_its_own_code_only(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("cancel")
        flag = live_project.folder / "cancelled cell runs"
        code = f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\ntime.sleep(600)"
        running = asyncio.create_task(me.call("execute_code", session_id=session_id, code=code))
        async with asyncio.timeout(30):
            while not flag.exists():
                await asyncio.sleep(0.02)
        queued = asyncio.create_task(me.call("execute_code", session_id=session_id, code="'next'"))
        running.cancel()
        await asyncio.wait([running])
        async with asyncio.timeout(30):
            answer = await queued
        assert words(answer).startswith("'next'")
        page = await me.ok("read_notebook", session_id=session_id)
        assert "KeyboardInterrupt" in page["text"]


@pytest.mark.parametrize("tool", ["start_new_session", "start_session_resume_notebook"])
async def test_a_session_whose_opening_is_cancelled_is_not_there_and_runs_nothing(
    live_project: Project, live_slow_kernel: SlowKernel, tool: str
):
    kernel = live_slow_kernel
    ran = kernel.begun.with_name("a cell has run")
    path = live_project.notebooks / f"{kernel.name}.ipynb"
    meant = {"kernel": kernel.name}
    if tool != "start_new_session":
        cell = nbformat.v4.new_code_cell(f"open({str(ran)!r}, 'x')")
        notebook = nbformat.v4.new_notebook(cells=[cell])
        notebook.metadata.kernelspec = {"name": kernel.name, "display_name": "slow", "language": "python"}
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        meant = {"notebook_path": path.name}
    async with agent(live_project) as me:
        before = {each["session_id"] for each in (await me.ok("list_sessions"))["sessions"]}
        opening = asyncio.create_task(me.call(tool, experiment_name=kernel.name, **meant))
        async with asyncio.timeout(60):
            while not kernel.begun.exists():
                await asyncio.sleep(0.02)
        assert path.exists()
        opening.cancel()
        await asyncio.wait([opening])
        await me.ok("execute_scratch", code="1")  # goes the same way, behind the word that it is given up
        kernel.go.touch()
        again = await me.ok("start_new_session", experiment_name="after", kernel=kernel.name)
        now = {each["session_id"] for each in (await me.ok("list_sessions"))["sessions"]}
        assert now - before == {again["session_id"]}
        if tool == "start_new_session":
            async with asyncio.timeout(60):
                while path.exists():
                    await asyncio.sleep(0.02)
    assert not ran.exists()


async def test_a_client_that_goes_away_leaves_its_code_running(live_project: Project):
    begun, go = live_project.folder / "begun alone", live_project.folder / "go on alone"
    code = (
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\nended = 'by itself'"
    )
    async with agent(live_project) as me:
        session_id = await me.open("left")
        running = asyncio.create_task(me.call("execute_code", session_id=session_id, code=code))
        async with asyncio.timeout(30):
            while not begun.exists():
                await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.wait([running])
    go.touch()
    async with agent(live_project) as another:
        facts = await another.ok("execute_code", session_id=session_id, code="ended")
    assert facts["text"].startswith("'by itself'")


async def test_a_kernel_that_dies_is_a_result_and_the_next_call_says_so(live_project: Project):
    async with agent(live_project) as me:
        session_id = await me.open("dies")
        died = await me.ok("execute_code", session_id=session_id, code="import os; os._exit(1)")
        assert died["state"] == "kernel_died"
        after = await me.ok("execute_code", session_id=session_id, code="'alive'")
        assert after["text"].startswith("NOTE: ")
        assert "all variables and imports are gone" in after["notice"]
        third = await me.ok("execute_code", session_id=session_id, code="1")
        assert third["notice"] is None


async def test_two_sessions_work_side_by_side_and_share_nothing(live_project: Project):
    async with agent(live_project) as me:
        both = await asyncio.gather(me.open("side"), me.open("side"))
        for number, each in enumerate(both):
            await me.ok("execute_code", session_id=each, code=f"x = {number}")
        # Each waits until the other has begun.
        flags = [live_project.folder / f"side {number}" for number in range(2)]
        code = "import pathlib, time\npathlib.Path({!r}).touch()\nwhile not pathlib.Path({!r}).exists(): time.sleep(0.01)\nx"
        pairs = [code.format(str(flags[number]), str(flags[1 - number])) for number in range(2)]
        async with asyncio.timeout(60):
            answers = await asyncio.gather(
                *(
                    me.ok("execute_code", session_id=each, code=own)
                    for each, own in zip(both, pairs, strict=True)
                )
            )
        assert [facts["text"].splitlines()[0] for facts in answers] == ["0", "1"]
        for each in both:
            await me.ok("shutdown_session", session_id=each)


async def test_twenty_sessions_that_sleep_a_second_end_together(live_project: Project):
    folder = live_project.folder / "twenty"
    folder.mkdir()
    # The sleep begins once all have begun, so that it ends together however slow the machine is.
    code = f"""
import os, pathlib, time
pathlib.Path({str(folder)!r}, str(os.getpid())).touch()
while len(os.listdir({str(folder)!r})) < 20: time.sleep(0.01)
begin = time.time(); time.sleep(1); print(begin, time.time())
"""
    async with agent(live_project) as me:
        sessions = await asyncio.gather(*(me.open("many") for _ in range(20)))
        assert len(set(sessions)) == 20
        async with asyncio.timeout(120):
            answers = await asyncio.gather(
                *(me.ok("execute_code", session_id=each, code=code) for each in sessions)
            )
        await asyncio.gather(*(me.ok("shutdown_session", session_id=each) for each in sessions))
        left = {each["session_id"] for each in (await me.ok("list_sessions"))["sessions"]}
    assert not left & set(sessions)
    assert {facts["state"] for facts in answers} == {"ok"}
    spans = [[float(word) for word in facts["text"].splitlines()[0].split()] for facts in answers]
    # One after the other would take twenty seconds.
    assert max(end for _, end in spans) - min(begin for begin, _ in spans) < 10


async def test_the_notebook_on_disk_is_valid(live_project: Project):
    async with agent(live_project) as me:
        opened = await me.ok("start_new_session", experiment_name="valid")
        await me.ok("execute_code", session_id=opened["session_id"], code="print('x')")
        await me.ok("shutdown_session", session_id=opened["session_id"])
    notebook = nbformat.read(opened["notebook_path"], as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].outputs[0].text == "x\n"


async def test_a_markdown_cell_has_nothing_to_run_and_only_an_edit_says_edited(live_project: Project):
    async with agent(live_project) as me:
        own = {"session_id": await me.open("markdown")}
        await me.ok("add_markdown", **own, markdown="# title")
        ran = await me.ok("run_cell", **own, cell_index=0)
        edited = await me.ok("edit_cell", **own, cell_index=0, code="# better")
        await me.ok("shutdown_session", **own)
    assert ran["text"].splitlines()[0] == "[a markdown cell has nothing to run]"
    assert edited["text"].splitlines()[0] == "[edited; a markdown cell has nothing to run]"


async def test_scratch_code_that_ends_its_kernel_says_nothing_of_a_notebook(live_project: Project):
    async with agent(live_project) as me:
        died = await me.ok("execute_scratch", code="import os; os._exit(1)")
    assert died["state"] == "kernel_died"
    assert "sessions and notebooks are untouched" in died["text"]
    assert "The notebook stays" not in died["text"]


async def test_a_notebook_that_cannot_be_used_gets_the_remedy_that_helps(live_project: Project):
    live_project.notebooks.mkdir(exist_ok=True)
    texts = {"empty": "", "broken": '{"nbformat": 4', "v3": '{"nbformat": 3}', "v5": '{"nbformat": 5}'}
    said = {}
    async with agent(live_project) as me:
        for name, text in texts.items():
            (live_project.notebooks / f"{name}.ipynb").write_text(text)
            said[name] = await me.refused("read_notebook", notebook_path=f"{name}.ipynb")
        said["missing"] = await me.refused("read_notebook", notebook_path="not there.ipynb")
    assert {name: words.count("nbconvert") for name, words in said.items()} == {
        "empty": 0,
        "broken": 0,
        "v3": 1,
        "v5": 0,
        "missing": 0,
    }
    assert all("`start_new_session`" in words for words in said.values())
