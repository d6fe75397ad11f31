"""`jlab-mcp notebook`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pexpect
import pytest

from tests.cli.sessions import listed, session
from tests.commands import COMMAND, LIMIT, run
from tests.commands import said as said_by
from tests.conftest import Project

_LONG = "".join(f"line {number}\n" for number in range(1000))


def _write(project: Project, name: str = "a") -> Path:
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    cells = [
        new_markdown_cell("# A *title*\n\n- one\n- two"),
        new_code_cell(
            "x = 1\nprint(x)", execution_count=1, outputs=[new_output("stream", name="stdout", text=_LONG)]
        ),
        new_code_cell(
            "plot()",
            execution_count=2,
            outputs=[new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})],
        ),
        new_code_cell(
            "1/0",
            execution_count=3,
            outputs=[new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: v"])],
        ),
        new_code_cell("never run", id="last0001"),
    ]
    project.notebooks.mkdir(exist_ok=True)
    path = project.notebooks / f"{name}.ipynb"
    made = new_notebook(cells=cells, metadata={"language_info": {"name": "python", "file_extension": ".py"}})
    nbformat.write(made, path)
    return path


def test_a_notebook_is_shown_plain_in_a_pipe(bare_project: Project) -> None:
    path = _write(bare_project)
    told = run(bare_project, "notebook", "show", str(path))
    assert (told.returncode, said_by(told)) == (0, "")
    assert told.stdout.startswith(
        "--- 0 markdown\n# A *title*\n\n- one\n- two\n\n--- 1 code [1]\nx = 1\nprint(x)\n"
    )
    assert "line 19\n[… 970 lines left out …]\nline 990\n" in told.stdout
    assert "---> output\n[picture: PNG, 8 bytes]\n" in told.stdout
    assert "E: v\n" in told.stdout
    assert told.stdout.endswith("--- 4 code [ ]\nnever run\n\n")
    assert "\x1b" not in told.stdout
    for named in ("a", "notebooks/a"):
        assert run(bare_project, "notebook", "show", named).stdout == told.stdout


def test_cells_are_chosen(bare_project: Project) -> None:
    _write(bare_project)
    told = run(bare_project, "notebook", "show", "a", "--cells", "last0001,2-3")
    assert [line for line in told.stdout.splitlines() if line.startswith("--- ")] == [
        "--- 2 code [2]",
        "--- 3 code [3]",
        "--- 4 code [ ]",
    ]
    wrong = run(bare_project, "notebook", "show", "a", "-c", "9")
    assert (wrong.returncode, wrong.stdout) == (12, "")
    assert "there is no cell 9: the notebook has cells 0 to 4" in wrong.stderr


def test_json_has_the_cells_whole(bare_project: Project) -> None:
    _write(bare_project)
    told = json.loads(run(bare_project, "notebook", "show", "a", "--json", "-c", "1").stdout)
    assert (told["total"], told["session_id"], told["language"]) == (5, None, "python")
    (cell,) = told["cells"]
    assert (cell["index"], cell["outputs"][0]["text"]) == (1, _LONG)


def test_a_terminal_shows_markdown_set_and_code_in_colour(bare_project: Project) -> None:
    _write(bare_project)
    env = {name: value for name, value in bare_project.env.items() if name != "NO_COLOR"}
    with pexpect.spawn(
        sys.executable,
        ["-m", "jlab_mcp", "notebook", "show", "a"],
        cwd=str(bare_project.folder),
        env={**env, "TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=int(LIMIT),
        dimensions=(50, 90),
    ) as terminal:
        terminal.expect(pexpect.EOF)
        said = str(terminal.before)
    assert "\x1b[" in said
    assert "# A" not in said
    assert "• " in said
    assert "*title*" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no notebook `b.ipynb`"),
        ("[1]", "is no notebook"),
        ('{"nbformat": 9, "cells": []}', "is no notebook"),
    ],
)
def test_what_is_no_notebook_is_told(bare_project: Project, content: str | None, said: str) -> None:
    if content is not None:
        (bare_project.folder / "b.ipynb").write_text(content)
    told = run(bare_project, "notebook", "show", "b.ipynb")
    assert (told.returncode, told.stdout) == (12, "")
    assert said in told.stderr
    assert "Traceback" not in told.stderr


def test_an_export_is_whole_and_replaces_nothing_by_accident(bare_project: Project) -> None:
    path = _write(bare_project)
    html = run(bare_project, "notebook", "export", "a", "--to", "html")
    target = path.with_suffix(".html")
    assert (html.returncode, html.stdout) == (0, f"{target}\n")
    text = target.read_text(encoding="utf-8")
    assert "<title>a</title>" in text
    assert text.rstrip().endswith("</html>")
    again = run(bare_project, "notebook", "export", "a", "--to", "html")
    assert (again.returncode, again.stdout) == (13, "")
    assert f"`{target}` exists already" in again.stderr
    assert "--force" in again.stderr
    target.write_text("old")
    assert run(bare_project, "notebook", "export", "a", "--to", "html", "--force").returncode == 0
    assert target.read_text(encoding="utf-8") == text
    script = run(bare_project, "notebook", "export", "a", "--to", "py", "-o", "-")
    assert "x = 1" in script.stdout
    assert sorted(each.name for each in path.parent.iterdir()) == ["a.html", "a.ipynb"]


def test_a_script_is_python(bare_project: Project) -> None:
    _write(bare_project)
    (bare_project.folder / "out").mkdir()
    told = run(bare_project, "notebook", "export", "a", "--to", "py", "-o", "out", "-q")
    assert (told.returncode, told.stdout) == (0, f"{Path('out') / 'a.py'}\n")
    text = (bare_project.folder / "out/a.py").read_text(encoding="utf-8")
    assert "# # A *title*" in text
    ast.parse(text.replace("never run", ""))


def test_an_export_that_cannot_be_written_leaves_nothing(bare_project: Project) -> None:
    _write(bare_project)
    told = run(bare_project, "notebook", "export", "a", "--to", "html", "-o", "nowhere/a.html")
    assert (told.returncode, told.stdout) == (13, "")
    assert "there is no folder `nowhere`" in told.stderr
    assert not (bare_project.folder / "nowhere").exists()


def test_without_nbconvert_it_is_said_what_to_install(bare_project: Project, tmp_path: Path) -> None:
    """A Python that hides its own nbconvert stands for one that has none."""
    _write(bare_project)
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "nbconvert.py").write_text("raise ImportError('not here')\n")
    told = subprocess.run(
        [*COMMAND, "notebook", "export", "a", "--to", "html"],
        cwd=bare_project.folder,
        env=bare_project.env | {"PYTHONPATH": os.pathsep.join([str(hiding), *sys.path[:1]])},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (told.returncode, told.stdout) == (19, "")
    assert "error[JLM-CONVERSION-FAILED]: nbconvert was not found in" in told.stderr
    assert "hint: install it with `" in told.stderr
    assert "nbconvert`" in told.stderr
    assert not (bare_project.notebooks / "a.html").exists()


@pytest.mark.live
def test_an_open_notebook_is_shown_as_its_session_has_it(live_project: Project) -> None:
    with session(live_project, "open") as session_id:
        assert run(live_project, "exec", "-s", session_id, "print('just now')").returncode == 0
        (opened,) = (each for each in listed(live_project) if each["session_id"] == session_id)
        path = Path(opened["notebook_path"])
        told = run(live_project, "notebook", "show", path.name)
        assert told.returncode == 0
        assert f"as session {session_id} has it open" in told.stderr
        assert told.stdout == "--- 0 code [1]\nprint('just now')\n---> output\njust now\n\n"
        script = run(live_project, "notebook", "export", path.name, "--to", "py", "-o", "-")
        assert "print('just now')" in script.stdout
    assert "has it open" not in run(live_project, "notebook", "show", path.name).stderr
