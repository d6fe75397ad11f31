"""Real notebooks that nobody here wrote, run by a resume and by nbclient: alike, cell for cell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.corpus.alike import outputs_alike, state_alike
from tests.corpus.fetch import fetch
from tests.corpus.notebooks import chosen, find
from tests.node.server import NodeServer, node_server

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

SIDE_BY_SIDE = 3
# What numpy draws is the same in both runs.
SEED = "import numpy; numpy.random.seed(1)"
DIFFERENT = {
    # nbclient starts IPython with its history in memory; ours is the kernel that a person gets, whose history stays.
    ("nbclient-*/tests/files/Check History in Memory.ipynb", 1),
    # It kills its kernel at once: whether the kernel's word that it began was out by then is chance.
    ("nbclient-*/tests/files/Autokill.ipynb", 0),
    # What the processes of a shell's pipe write to the same terminal comes in the order of chance, and `time` says
    # how long they took and what memory they had.
    ("tqdm-*/DEMO.ipynb", 5),
    ("tqdm-*/DEMO.ipynb", 20),
    ("tqdm-*/DEMO.ipynb", 21),
    ("tqdm-*/DEMO.ipynb", 23),
    # They show random numbers, and the kernel itself draws from the same source by the clock, seeded or not.
    ("tqdm-*/DEMO.ipynb", 29),
    ("nbval-*/tests/latex-example.ipynb", 6),
}
SECONDS = 240.0


@dataclass(frozen=True)
class Runs:
    """One notebook: as it was, as a resume left it, and as nbclient did; with the folders of both runs."""

    before: dict[str, Any]
    ours: dict[str, Any]
    theirs: dict[str, Any]
    our_folder: str
    their_folder: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Runs]:
    """All notebooks, run both ways at once."""
    sources, site = fetch()
    folder = tmp_path_factory.mktemp("corpus")
    data = write_kernel(folder / "jupyter", site)
    theirs = folder / "theirs"
    with node_server(folder / "server", env={**os.environ, "JUPYTER_PATH": str(data)}) as node:
        before: dict[str, Any] = {}
        ours_at: dict[str, Path] = {}
        theirs_at: dict[str, Path] = {}
        for number, pattern in enumerate(chosen()):
            source = find(sources, pattern)
            before[pattern] = json.loads(source.read_text(encoding="utf-8"))
            for at, root in ((ours_at, node.notebooks), (theirs_at, theirs)):
                at[pattern] = copy_with_surroundings(source, root / str(number))
        command = [
            sys.executable,
            str(Path(__file__).with_name("by_nbclient.py")),
            str(data / "kernels"),
            str(SIDE_BY_SIDE),
        ]
        with (folder / "nbclient.log").open("wb") as log:
            process = subprocess.Popen([*command, *map(str, theirs_at.values())], stdout=log, stderr=log)
        try:
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                list(pool.map(lambda path: resume(node, path), ours_at.values()))
            assert process.wait(SECONDS) == 0, (folder / "nbclient.log").read_text()
        finally:
            process.kill()
            process.wait()
    return {
        pattern: Runs(
            before[pattern],
            json.loads(ours_at[pattern].read_text(encoding="utf-8")),
            json.loads(theirs_at[pattern].read_text(encoding="utf-8")),
            str(ours_at[pattern].parent),
            str(theirs_at[pattern].parent),
        )
        for pattern in chosen()
    }


def write_kernel(data: Path, site: Path) -> Path:
    """Make a `python3` whose code finds the packages of the corpus; returns the folder for JUPYTER_PATH."""
    folder = data / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {
        "argv": [
            sys.executable,
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            f"--IPKernelApp.exec_lines={SEED}",
        ],
        "display_name": "Python 3 of the corpus",
        "language": "python",
        "env": {"PYTHONPATH": str(site), "PYTHONWARNINGS": "ignore", "COLUMNS": "80"},
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    return data


def copy_with_surroundings(notebook: Path, folder: Path) -> Path:
    """Copy a notebook and the small files beside it that it may read."""
    folder.mkdir(parents=True)
    for each in notebook.parent.iterdir():
        if each.is_file() and each.suffix != ".ipynb" and each.stat().st_size < 1_000_000:
            shutil.copy(each, folder)
    return Path(shutil.copy(notebook, folder))


def resume(node: NodeServer, path: Path) -> None:
    """Run a notebook as an agent resumes it, and close it when its last cell has ended."""
    body = {"mode": "resume", "name": path.stem, "notebook_path": str(path), "kernel": "python3"}
    answer = node.post("sessions", **body)
    assert answer.status_code == 201, answer.text
    for execution in answer.json()["executions"]:
        deadline = time.monotonic() + SECONDS
        while node.execution(execution["execution_id"], wait=60)["state"] in {"queued", "running"}:
            assert time.monotonic() < deadline, f"{path} has not ended"
    closed = node.http.delete(f"sessions/{answer.json()['session']['session_id']}")
    assert closed.status_code == 200, closed.text


def attached(cell: dict[str, Any]) -> dict[str, dict[str, str]]:
    """A cell's attachments, whose texts may be lists of lines."""
    bundles = cell.get("attachments", {}).items()
    return {name: {mime: "".join(data) for mime, data in bundle.items()} for name, bundle in bundles}


def test_there_are_enough_of_them(runs):
    assert len(runs) >= 30
    assert sum(len(run.ours["cells"]) for run in runs.values()) > 500


@pytest.mark.parametrize("pattern", chosen())
def test_a_resumed_notebook_is_the_one_that_nbclient_makes(runs, pattern):
    run = runs[pattern]
    assert len(run.ours["cells"]) == len(run.theirs["cells"])
    for number, (ours, theirs) in enumerate(zip(run.ours["cells"], run.theirs["cells"], strict=True)):
        if ours["cell_type"] != "code" or (pattern, number) in DIFFERENT:
            continue
        shown = outputs_alike(ours["outputs"], run.our_folder)
        assert shown == outputs_alike(theirs["outputs"], run.their_folder), f"cell {number}"
        assert ours["execution_count"] == theirs["execution_count"], f"cell {number}"
    by_clock = "tqdm" in pattern  # the last frame of its bars, which depends on how quick the machine is
    ours_saved = state_alike(run.ours["metadata"], run.our_folder, by_clock=by_clock)
    assert ours_saved == state_alike(run.theirs["metadata"], run.their_folder, by_clock=by_clock)
    assert run.ours["metadata"]["language_info"] == run.theirs["metadata"]["language_info"]


@pytest.mark.parametrize("pattern", chosen())
def test_what_others_put_into_it_stays(runs, pattern):
    run = runs[pattern]
    nbformat.validate(nbformat.from_dict(run.ours))
    assert (run.ours["nbformat"], run.ours["nbformat_minor"]) == (4, run.before["nbformat_minor"])
    for ours, before in zip(run.ours["cells"], run.before["cells"], strict=True):
        assert "".join(ours["source"]) == "".join(before["source"])
        assert attached(ours) == attached(before)
        kept = {key: value for key, value in ours["metadata"].items() if key != "execution"}
        assert kept == {
            key: value for key, value in before["metadata"].items() if key not in {"execution", "trusted"}
        }
        assert ours.get("id") == before.get("id")
    renewed = {"kernelspec", "language_info", "widgets"} | {"signature"}  # which nbformat drops as well
    foreign = {key: value for key, value in run.before["metadata"].items() if key not in renewed}
    assert {key: run.ours["metadata"].get(key) for key in foreign} == foreign
