"""Code that a real kernel runs through the node API."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.node.server import NodeServer

pytestmark = pytest.mark.live


def texts(execution: dict[str, Any]) -> str:
    return "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in execution["outputs"])


def test_a_result_comes_back_and_its_cell_is_in_a_valid_notebook(node: NodeServer) -> None:
    session = node.new_session("result")
    execution = node.run(session["session_id"], code="print('a'); 6 * 7")
    assert execution["state"] == "ok"
    assert [o["output_type"] for o in execution["outputs"]] == ["stream", "execute_result"]
    assert execution["outputs"][1]["data"]["text/plain"] == "42"
    notebook = node.saved(session["notebook_path"])
    nbformat.validate(nbformat.from_dict(notebook))
    assert notebook["cells"][0]["execution_count"] == 1
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["language_info"]["name"] == "python"
    assert "shell.execute_reply" in notebook["cells"][0]["metadata"]["execution"]


def test_state_is_kept_between_cells_and_apart_between_sessions(node: NodeServer) -> None:
    one, two = node.new_session("apart"), node.new_session("apart")
    assert Path(two["notebook_path"]).name == "apart_2.ipynb"
    node.run(one["session_id"], code="x = 'one'")
    assert texts(node.run(one["session_id"], code="x")) == "'one'"
    assert node.run(two["session_id"], code="x")["error"]["ename"] == "NameError"


def test_an_error_is_a_result_and_what_is_queued_behind_it_still_runs(node: NodeServer) -> None:
    session = node.new_session("errors")["session_id"]
    first = node.run(session, wait=0, code="1/0")
    second = node.run(session, code="'still here'")
    first = node.execution(first["execution_id"], wait=60)
    assert (first["state"], first["error"]["ename"]) == ("error", "ZeroDivisionError")
    assert (second["state"], texts(second)) == ("ok", "'still here'")


def test_a_repeated_post_runs_the_code_once(node: NodeServer) -> None:
    session = node.new_session("once")["session_id"]
    node.run(session, code="n = 0")
    for _ in range(3):
        execution = node.run(session, execution_id="feedfacefeedface", code="n += 1; n")
        assert texts(execution) == "1"
    assert len(node.cells(session)) == 2


def test_interrupt_stops_what_runs_and_tells_what_was_not_run(node: NodeServer) -> None:
    session = node.new_session("interrupt")["session_id"]
    running = node.run(
        session, wait=0, code="import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.01)"
    )
    queued = node.run(session, wait=0, code="'never'")
    while "begun" not in texts(node.execution(running["execution_id"], after=0, wait=5)):
        pass
    answer = node.post(f"sessions/{session}/interrupt").json()
    assert answer["interrupted"] is True
    running = node.execution(running["execution_id"], wait=30)
    queued = node.execution(queued["execution_id"], wait=30)
    assert (running["state"], running["error"]["ename"]) == ("interrupted", "KeyboardInterrupt")
    assert "begun" in texts(running)
    assert queued["state"] == "not_run"
    assert "interrupted" in queued["reason"]
    assert texts(node.run(session, code="'goes on'")) == "'goes on'"
    assert node.post(f"sessions/{session}/interrupt").json()["interrupted"] is False


def test_an_interrupt_at_any_moment_ends_the_code(node: NodeServer) -> None:
    # In the first milliseconds it can hit the kernel before the code, which then never replies.
    session = node.new_session("moments")["session_id"]
    for step in range(25):
        running = node.run(session, wait=0, code="import time; time.sleep(600)")
        until = time.monotonic() + step * 0.0004
        while time.monotonic() < until:
            pass
        node.post(f"executions/{running['execution_id']}/interrupt")
        assert node.execution(running["execution_id"], wait=60)["state"] == "interrupted"
    assert texts(node.run(session, code="1 + 1")) == "2"


def test_young_code_that_swallows_an_interrupt_is_interrupted_once_more(node: NodeServer) -> None:
    # So does the kernel itself, if it is hit just before it hands over to the code; no test can time that.
    session = node.new_session("swallowed")["session_id"]
    code = (
        "import time\ntry:\n    print('begun', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt: print('swallowed', flush=True)\ntime.sleep(600)"
    )
    running = node.run(session, wait=0, code=code)
    node.post(f"executions/{running['execution_id']}/interrupt")
    ended = node.execution(running["execution_id"], wait=60)
    assert ended["state"] == "interrupted"


def test_code_that_handles_an_interrupt_is_left_to_it(node: NodeServer) -> None:
    session = node.new_session("handled")["session_id"]
    code = (
        "import time\ntime.sleep(2.5)\ntry:\n    print('old', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt:\n    time.sleep(6); print('saved', flush=True)"
    )
    running = node.run(session, wait=0, code=code)
    while "old" not in texts(node.execution(running["execution_id"], after=0, wait=5)):
        pass
    node.post(f"executions/{running['execution_id']}/interrupt")
    ended = node.execution(running["execution_id"], wait=60)
    assert (ended["state"], texts(ended)) == ("ok", "old\nsaved\n")


def test_input_fails_at_once_in_words(node: NodeServer) -> None:
    session = node.new_session("input")["session_id"]
    assert node.run(session, code="input('name?')")["error"]["ename"] == "StdinNotImplementedError"


def test_a_restart_by_the_client_forgets_the_state_and_keeps_the_notebook(node: NodeServer) -> None:
    session = node.new_session("restart")["session_id"]
    node.run(session, code="x = 1")
    answer = node.post(f"sessions/{session}/restart")
    assert answer.status_code == 200, answer.text
    assert answer.json()["generation"] == 2
    after = node.run(session, code="x")
    assert (after["error"]["ename"], after["notice"]) == ("NameError", None)
    assert len(node.cells(session)) == 2


def test_a_restart_by_a_person_in_jupyterlab_is_told_on_the_next_call(node: NodeServer) -> None:
    session = node.new_session("person")
    node.run(session["session_id"], code="x = 1")
    rest = node.connection["url"] + f"api/kernels/{session['kernel_id']}/restart"
    assert node.http.post(rest).status_code == 200
    after = node.run(session["session_id"], code="x")
    assert after["error"]["ename"] == "NameError"
    assert "the kernel was restarted" in after["notice"]


def test_a_kernel_shut_down_by_a_person_is_told_and_restart_brings_a_new_one(node: NodeServer) -> None:
    session = node.new_session("shut")
    rest = node.connection["url"] + f"api/kernels/{session['kernel_id']}"
    assert node.http.delete(rest).status_code == 204
    after = node.run(session["session_id"], code="1")
    assert after["state"] == "not_run"
    assert "shut down" in after["reason"]
    assert node.post(f"sessions/{session['session_id']}/restart").status_code == 200
    assert texts(node.run(session["session_id"], code="1 + 1")) == "2"


def test_jupyterlab_finds_the_same_kernel_under_the_notebooks_path(node: NodeServer) -> None:
    session = node.new_session("same")
    listed = node.http.get(node.connection["url"] + "api/sessions").json()
    paths = {s["path"]: s["kernel"]["id"] for s in listed}
    assert paths["notebooks/same.ipynb"] == session["kernel_id"]


def test_long_output_is_whole_on_disk_and_short_in_the_answer(node: NodeServer) -> None:
    session = node.new_session("long")["session_id"]
    execution = node.run(session, code="for i in range(200_000): print(f'{i:09d}')")
    assert execution["output_bytes"] == 2_000_000
    full = Path(execution["output_file"]).read_text()
    assert full == "".join(f"{i:09d}\n" for i in range(200_000))
    shown = texts(execution)
    assert len(shown) < 1_100_000
    assert shown.startswith("000000000\n")
    assert shown.endswith("000199999\n")
    assert execution["output_file"] in shown


def test_output_that_comes_after_the_end_of_a_cell_still_reaches_it(node: NodeServer, tmp_path: Path) -> None:
    session = node.new_session("late")["session_id"]
    go = tmp_path / "go"
    body = f"import os\n    while not os.path.exists({str(go)!r}): pass\n    print('late')"
    first = node.run(
        session, code=f"import threading\ndef late():\n    {body}\nthreading.Thread(target=late).start()"
    )
    assert (first["state"], texts(first)) == ("ok", "")
    go.touch()
    deadline = time.monotonic() + 60
    while "late" not in texts({"outputs": node.cells(session)[0]["outputs"]}):
        assert time.monotonic() < deadline
    assert "late" in texts(node.execution(first["execution_id"]))


def test_update_display_changes_the_earlier_cell(node: NodeServer) -> None:
    session = node.new_session("display")["session_id"]
    node.run(session, code="from IPython.display import display\nhandle = display('before', display_id=True)")
    node.run(session, code="handle.update('after')")
    first = node.cells(session)[0]
    assert first["outputs"][0]["data"]["text/plain"] == "'after'"


def test_a_call_returns_what_there_is_when_its_time_is_over(node: NodeServer) -> None:
    session = node.new_session("wait")["session_id"]
    execution = node.run(session, wait=0, code="import time; time.sleep(3); 'done'")
    assert execution["state"] in ("queued", "running")
    assert texts(node.execution(execution["execution_id"], wait=60)) == "'done'"


def test_scratch_runs_in_a_kernel_of_its_own_that_ends(node: NodeServer) -> None:
    before = len(node.kernels())
    answer = node.post(
        "scratch", execution_id=os.urandom(8).hex(), code="import os; os.getpid()", wait=60
    ).json()
    assert answer["state"] == "ok"
    assert int(texts(answer)) > 0
    assert answer["session_id"] is None
    deadline = time.monotonic() + 30
    while len(node.kernels()) > before:
        assert time.monotonic() < deadline


def test_nothing_of_ours_reaches_a_kernels_environment(node: NodeServer) -> None:
    session = node.new_session("environment")["session_id"]
    code = "import os, sys, json; print(json.dumps([dict(os.environ), sys.path, sys.argv]))"
    environment, path, argv = json.loads(texts(node.run(session, code=code)))
    token = node.connection["token"]
    assert not any("JLAB_MCP" in key or key.startswith("JUPYTER_TOKEN") for key in environment)
    assert token not in json.dumps([environment, path, argv])
    assert not any("jlab_mcp_node" in entry for entry in path)
    assert "PYTHONPATH" not in environment


def test_the_token_is_in_no_log_and_no_command_line(node: NodeServer) -> None:
    token = node.connection["token"]
    node.http.get("info")
    node.http.get("info", headers={"Authorization": "token wrong"})
    assert token not in node.log.read_text()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                assert token.encode() not in (entry / "cmdline").read_bytes()
            except OSError:
                continue
    assert oct(node.connection_file.stat().st_mode & 0o777) == "0o600"


def test_kernels_listen_on_no_port(node: NodeServer) -> None:
    session = node.new_session("sockets")
    code = "from ipykernel.kernelapp import IPKernelApp; IPKernelApp.instance().transport"
    assert texts(node.run(session["session_id"], code=code)) == "'ipc'"


def test_the_full_text_comes_in_pages_and_by_search_while_the_code_runs(node: NodeServer) -> None:
    session = node.new_session("pages")["session_id"]
    code = (
        "for n in range(200_000): print('row', n)\nprint('begun', flush=True)\nimport time\ntime.sleep(600)"
    )
    running = node.run(session, wait=0, code=code)["execution_id"]
    seq = 0
    while (shown := node.execution(running, after=seq, wait=5, brief=1))["latest_line"] != "begun":
        assert (shown["state"], shown["outputs"]) in (("running", []), ("queued", []))
        seq = shown["seq"]
    whole = "".join(f"row {n}\n" for n in range(200_000)) + "begun\n"
    page = node.get(f"executions/{running}/text", offset=1000, limit=500).json()
    assert (page["text"], page["total"]) == (whole[1000 : page["end"]], len(whole))
    found = node.get(f"executions/{running}/text", grep=r"row 1999\d\d$", limit=200).json()
    first = found["matches"][0]
    assert (first["text"], first["offset"]) == ("row 199900", whole.index("row 199900"))
    assert found["execution"]["state"] == "running"
    node.post(f"executions/{running}/interrupt")


def test_the_output_of_a_cell_is_found_after_its_execution_is_forgotten(node: NodeServer) -> None:
    session = node.new_session("forgotten")
    node.run(session["session_id"], code="print('a'); 6 * 7")
    cell = node.cells(session["session_id"])[0]["cell_id"]
    last = node.get(f"sessions/{session['session_id']}/output", cell=cell).json()
    assert (last["execution"]["state"], last["cell"]["cell_id"]) == ("ok", cell)
    forked = node.post(
        "sessions", name="forgotten", mode="continue", notebook_path=session["notebook_path"]
    ).json()
    other = forked["session"]["session_id"]
    saved = node.get(f"sessions/{other}/output", cell=0).json()
    assert saved["execution"] is None
    assert len(saved["cell"]["outputs"]) == 2
    assert node.get(f"sessions/{other}/text", cell="0").json()["text"] == "a\n42\n"


def test_news_are_held_back_for_a_pause_but_the_end_is_not(node: NodeServer) -> None:
    session = node.new_session("pause")["session_id"]
    running = node.begin(session, "import time\nprint(1, flush=True)\ntime.sleep(0.2)")
    assert node.execution(running, after=0, pause=60, wait=60)["state"] == "ok"
