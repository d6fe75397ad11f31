"""Kernels other than ipykernel: bash, R, and one that is odd on purpose."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.ci_skips import in_ci
from tests.debian import install_packages
from tests.node.server import NodeServer, node_server

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ODD = Path(__file__).parents[1] / "data" / "odd_kernel.py"


@dataclass(frozen=True)
class Language:
    """A kernel's name, what it says of itself, and code in it."""

    kernel: str
    language: str
    extension: str
    sets: str
    reads: str
    fails: str
    endless: str


LANGUAGES = {
    "bash": Language("bash", "bash", ".sh", "x=41", "echo $((x+1))", "ls /no/such/file", "while true; do echo on; sleep 0.1; done"),
    "R": Language("ir", "R", ".r", "x <- 41", "cat(x + 1)", "stop('as asked')", "repeat { cat('on\n'); flush.console(); Sys.sleep(0.1) }"),
    "odd": Language("odd", "odd", ".odd", "x", "42", "fail", "count 100000"),
}  # fmt: skip
NO_R = "R and its kernel are not installed (apt-get install r-base-core r-cran-irkernel)"


def has_r() -> bool:
    return shutil.which("R") is not None and Path("/usr/lib/R/site-library/IRkernel").exists()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    if not has_r() and in_ci() and os.geteuid() == 0:
        install_packages("r-base-core", "r-cran-irkernel")
    folder = tmp_path_factory.mktemp("kernels")
    specs = {
        "bash": ("bash", [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"], "signal"),
        "odd": ("odd", [sys.executable, str(ODD), "{connection_file}"], "message"),
    }
    if has_r():
        argv = ["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"]
        specs["ir"] = ("R", argv, "signal")
    for name, (language, argv, mode) in specs.items():
        (folder / "kernels" / name).mkdir(parents=True)
        spec = {"argv": argv, "display_name": language, "language": language, "interrupt_mode": mode}
        (folder / "kernels" / name / "kernel.json").write_text(json.dumps(spec))
    with node_server(folder / "server", env={**os.environ, "JUPYTER_PATH": str(folder)}) as server:
        yield server


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest, node: NodeServer) -> Language:
    if request.param == "R" and not has_r():
        pytest.skip(NO_R)
    return LANGUAGES[request.param]


def text_of(execution: dict[str, Any]) -> str:
    outputs = execution["outputs"]
    return "".join(each.get("text") or each.get("data", {}).get("text/plain", "") for each in outputs)


def test_the_whole_life_of_a_session(node: NodeServer, language: Language) -> None:
    session = node.new_session(f"life of {language.kernel}", kernel=language.kernel)
    key, path = session["session_id"], session["notebook_path"]
    assert session["kernel_name"] == language.kernel
    assert node.run(key, code=language.sets)["state"] == "ok"
    assert "42" in text_of(node.run(key, code=language.reads))

    failed = node.run(key, code=language.fails)
    assert failed["state"] == "error"
    assert failed["error"] is not None
    assert failed["outputs"]

    endless = node.begin(key, language.endless)
    assert node.post(f"sessions/{key}/interrupt").json()["interrupted"]
    stopped = node.execution(endless)
    assert (stopped["state"], stopped["reason"]) == ("interrupted", "interrupted on request")
    assert "42" in text_of(node.run(key, code=language.reads))  # what there was is still there

    notebook = node.saved(path)
    nbformat.validate(nbformat.from_dict(notebook))
    assert notebook["metadata"]["kernelspec"]["name"] == language.kernel
    assert notebook["metadata"]["language_info"]["name"] == language.language
    assert notebook["metadata"]["language_info"]["file_extension"] == language.extension

    restarted = node.post(f"sessions/{key}/restart")
    assert restarted.status_code == 200, restarted.text
    lost = node.run(key, code=language.reads)
    assert language.kernel == "odd" or text_of(lost).strip() != "42"
    assert node.run(key, code=language.sets)["state"] == "ok"

    os.kill(node.get(f"sessions/{key}").json()["kernel_pid"], 9)
    deadline = time.monotonic() + 30
    while "SIGKILL" not in (node.get(f"sessions/{key}").json()["notice"] or ""):
        assert time.monotonic() < deadline
    after = node.run(key, code=language.sets)
    assert after["state"] == "ok", after
    assert "SIGKILL" in after["notice"]
    assert "variables" in after["notice"]
    assert node.http.delete(f"sessions/{key}").status_code == 200


def test_a_notebook_goes_on_in_its_own_kernel(node: NodeServer, language: Language) -> None:
    session = node.new_session(f"again {language.kernel}", kernel=language.kernel)
    key, path = session["session_id"], session["notebook_path"]
    for code in (language.sets, language.reads):
        node.run(key, code=code)
    node.http.delete(f"sessions/{key}")
    before = json.loads(Path(path).read_text())

    opened = node.post("sessions", mode="resume", name="again", notebook_path=path).json()
    assert opened["session"]["kernel_name"] == language.kernel
    states = [node.execution(each["execution_id"], wait=60)["state"] for each in opened["executions"]]
    assert states == ["ok", "ok"]
    after = node.saved(path)
    assert [cell["outputs"] for cell in after["cells"]] == [cell["outputs"] for cell in before["cells"]]
    assert after["metadata"] == before["metadata"]

    forked = node.post("sessions", mode="continue", name="again", notebook_path=path).json()["session"]
    assert forked["kernel_name"] == language.kernel
    assert node.run(forked["session_id"], code=language.sets)["state"] == "ok"
    for each in (opened["session"], forked):
        node.http.delete(f"sessions/{each['session_id']}")


def test_scratch_code_runs_in_any_of_them(node: NodeServer, language: Language) -> None:
    body = {"execution_id": f"scratch-{language.kernel}", "kernel": language.kernel, "wait": 60}
    ran = node.post("scratch", code=f"{language.sets}\n{language.reads}", **body).json()
    assert ran["state"] == "ok"
    assert "42" in text_of(ran)


def test_a_plot_of_r_is_a_picture(node: NodeServer) -> None:
    if not has_r():
        pytest.skip(NO_R)
    session = node.new_session("plot", kernel="ir")
    (plot,) = node.run(session["session_id"], code="plot(1:10)")["outputs"]
    assert base64.b64decode(plot["data"]["image/png"]).startswith(b"\x89PNG")
    (table,) = node.run(session["session_id"], code="data.frame(a = 1:3, b = letters[1:3])")["outputs"]
    assert {"text/html", "text/markdown", "text/plain"} <= table["data"].keys()
    node.http.delete(f"sessions/{session['session_id']}")


def test_a_kernel_that_nobody_has_is_told_with_those_that_there_are(node: NodeServer) -> None:
    answer = node.post("sessions", mode="new", name="none", kernel="cobol")
    assert answer.status_code != 201
    assert {"bash", "odd"} <= set(answer.json()["error"]["data"]["available"])
