"""`jlab-mcp top` in real terminals, with a real server."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from jlab_mcp.app.connect import close_clients
from jlab_mcp.app.schemas import schema_text
from tests.commands import COMMAND, LIMIT, identity, kill, run, said, wait_for_record
from tests.conftest import Project
from tests.tmux import Terminal

pytestmark = pytest.mark.live
TOP = f"'{sys.executable}' -m jlab_mcp top"
LOOP = """
import time
for epoch in range(100_000):
    print(f"epoch {epoch} of many")
    time.sleep(0.2)
"""


async def _open(project: Project, name: str, code: str | None = None) -> str:
    client = (await project.connect()).client
    opened = await client.open_session(name, "new", session_id=secrets.token_hex(4))
    if code:
        await client.execute(opened.session.session_id, secrets.token_hex(8), code=code, wait=0.0)
    await close_clients()
    return opened.session.session_id


async def _close(project: Project, session_id: str) -> None:
    await (await project.connect()).client.close_session(session_id)
    await close_clients()


@pytest.fixture(scope="module")
def busy(live_project: Project) -> Iterator[Project]:
    """A project with two sessions: `quiet`, and `training`, which prints."""
    opened = [
        asyncio.run(_open(live_project, name, code)) for name, code in (("quiet", None), ("training", LOOP))
    ]
    yield live_project
    for session_id in opened:
        asyncio.run(_close(live_project, session_id))


def test_it_shows_what_runs_and_interrupts_it_after_a_yes(live_project: Project) -> None:
    session_id = asyncio.run(_open(live_project, "stopme", LOOP))
    with Terminal(live_project.folder, live_project.env) as terminal:
        terminal.run(f"{TOP} --interval 0.5")
        shown = terminal.see("ready · process", "stopme", "running", "epoch", "CPU", "MEM", "q quit")
        row = next(line for line in shown.splitlines() if "stopme" in line)
        assert row.index("stopme") < row.index("running") < row.index("cell 0") < row.index("epoch")
        terminal.type("i")
        terminal.see("choose a session first")
        terminal.type("End")
        terminal.see_that(lambda screen: "▶ stopme" in screen, "chosen session")
        terminal.type("i")
        terminal.see("interrupt cell 0 of stopme? y/n")
        terminal.type("n")
        terminal.see("nothing was interrupted", "running")
        terminal.type("i")
        terminal.see("y/n")
        terminal.type("y")
        terminal.see("the cell of stopme was interrupted")
        terminal.see_that(lambda screen: "idle for" in screen.split("stopme")[1], "rest")
        terminal.type("q")
        terminal.see_that(lambda screen: screen.rstrip().endswith("$"), "prompt")
    asyncio.run(_close(live_project, session_id))


def test_it_says_all_about_a_row_and_explains_its_keys(busy: Project) -> None:
    with Terminal(busy.folder, busy.env, 100, 30) as terminal:
        terminal.run(TOP)
        terminal.see("training", "epoch")
        terminal.type("Enter")
        terminal.see("address", "http://127.0.0.1:", "project", "JupyterLab")
        terminal.type("Escape")
        terminal.see("epoch")
        terminal.type("End", "k", "j", "o")
        terminal.see("session", "printed last", "epoch", "notebooks/training.ipynb")
        terminal.type("o", "?")
        terminal.see("interrupt what the chosen session runs, after a yes")
        terminal.type("q")
        terminal.see_that(lambda screen: "interrupt what" not in screen, "end")


@pytest.mark.parametrize("size", [(40, 24), (40, 8), (20, 5), (160, 40)], ids=str)
def test_it_follows_the_size_of_the_terminal(busy: Project, size: tuple[int, int]) -> None:
    with Terminal(busy.folder, busy.env) as terminal:
        terminal.run(TOP)
        terminal.see("training", "epoch")
        terminal.type("End")
        terminal.resize(*size)
        shown = terminal.see_that(
            lambda screen: (
                (len(screen.splitlines()) <= size[1])
                and "▶ training" in screen
                and "q quit" in screen.splitlines()[-1]
            ),
            "frame of the new size",
        )
        assert all(len(line) <= size[0] for line in shown.splitlines())
        assert shown.splitlines()[0].startswith("jlab-mcp")


def _is_restored(terminal: Terminal) -> None:
    """Require the shell's screen, a cursor, and a line discipline as before."""
    assert terminal.asks("alternate_on") == "0"
    assert terminal.asks("cursor_flag") == "1"
    modes = terminal.output("stty -a").split()
    assert {"icanon", "echo", "isig"} <= set(modes)


@pytest.mark.parametrize("ending", ["q", "C-c", signal.SIGTERM, signal.SIGHUP], ids=str)
def test_it_gives_the_terminal_back_however_it_ends(busy: Project, ending: str | signal.Signals) -> None:
    with Terminal(busy.folder, busy.env) as terminal:
        terminal.run("echo before")
        terminal.run(TOP)
        terminal.see("training", "epoch")
        assert terminal.asks("alternate_on") == "1"
        if isinstance(ending, str):
            terminal.type(ending)
        else:
            terminal.signal(ending)
        terminal.see_that(
            lambda screen: "before" in screen and "epoch" not in screen and screen.rstrip().endswith("$"),
            "shell",
        )
        terminal.run("echo status $?")
        terminal.see("status 0" if ending == "q" else "status 130")
        _is_restored(terminal)


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_comes_back(busy: Project) -> None:
    with Terminal(busy.folder, busy.env) as terminal:
        terminal.run(TOP)
        terminal.see("training", "epoch")
        terminal.type("C-z")
        terminal.see("Stopped")
        _is_restored(terminal)
        terminal.run("fg")
        terminal.see("training", "epoch", "q quit")
        assert terminal.asks("alternate_on") == "1"
        terminal.type("q")
        terminal.see_that(lambda screen: "q quit" not in screen, "shell")
        _is_restored(terminal)


def test_a_failure_nobody_foresaw_gives_the_terminal_back_first(busy: Project) -> None:
    program = (
        "from jlab_mcp.app.watch import Watcher\n"
        "async def broken(*_, **__): raise RuntimeError('on purpose')\n"
        "Watcher.look = broken\n"
        "from jlab_mcp.cli.main import app\n"
        "app(['top'], prog_name='jlab-mcp')\n"
    )
    with Terminal(busy.folder, busy.env) as terminal:
        path = busy.folder / "broken.py"
        path.write_text(program)
        terminal.run("clear")
        terminal.run(f"{sys.executable} broken.py; echo ended $?")
        terminal.see("RuntimeError: on purpose", "ended 1")
        path.unlink()
        _is_restored(terminal)


def test_no_colour_is_used_where_nobody_wants_it(busy: Project) -> None:
    for setting, coloured in (("", True), ("NO_COLOR=1 ", False)):
        with Terminal(busy.folder, busy.env) as terminal:
            terminal.run(f"{setting}{TOP}")
            terminal.see("training", "epoch")
            codes = terminal.screen(styles=True)
            assert any(f"\x1b[3{colour}m" in codes for colour in "123456") is coloured
            terminal.type("q")
            terminal.see_that(lambda screen: "q quit" not in screen, "shell")


def test_a_pipe_gets_one_look_and_is_told_so(busy: Project) -> None:
    told = run(busy, "top")
    assert told.returncode == 0
    assert "note: there is no terminal to draw on, so this is one look" in told.stderr
    assert "ready" in told.stdout
    assert "epoch" in told.stdout
    assert "\x1b" not in told.stdout + told.stderr
    assert said(run(busy, "top", "--once")) == ""


def test_json_is_one_object_a_line_as_the_schema_says(busy: Project) -> None:
    told = run(busy, "top", "--json", "--count", "3", "--interval", "0.5")
    assert (told.returncode, said(told)) == (0, "")
    looks = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(looks) == 3
    schema = json.loads(schema_text("top"))
    for look in looks:
        jsonschema.validate(look, schema)
    assert looks[0]["at"] < looks[1]["at"] < looks[2]["at"]
    (server,) = looks[-1]["servers"]
    running = {each["session"]["name"]: each["running"] for each in server["sessions"]}
    assert running["quiet"] is None
    assert running["training"]["latest_line"].startswith("epoch")
    token = json.loads(busy.connection_file.read_text())["token"]
    assert token not in told.stdout


def test_a_reader_that_goes_away_ends_the_stream(busy: Project) -> None:
    with subprocess.Popen(
        [*COMMAND, "top", "--json", "--interval", "0.5"],
        cwd=busy.folder,
        env=busy.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["servers"]
        process.stdout.close()
        assert process.wait(LIMIT) == 0
        assert process.stderr.read() == ""


def test_what_becomes_of_a_server_is_told_as_it_is(bare_project: Project) -> None:
    with Terminal(bare_project.folder, bare_project.env, 100, 24) as terminal:
        terminal.run(f"{TOP} --interval 0.5")
        terminal.see("no server is running; start one with")
        asyncio.run(bare_project.start())
        record = wait_for_record(bare_project)
        terminal.see("ready · process", "no session is open")
        os.kill(identity(record).pid, signal.SIGSTOP)
        try:
            terminal.see("unreachable", "it has not answered for")
        finally:
            os.kill(identity(record).pid, signal.SIGCONT)
        terminal.see("ready · process")
        kill(record)
        terminal.see("stale", "it ended without being stopped")
        asyncio.run(bare_project.start())
        terminal.see("ready · process")
        asyncio.run(bare_project.stop())
        terminal.see("stopped", "it was stopped")
        terminal.type("q")
        terminal.see_that(lambda screen: "q quit" not in screen, "shell")


def test_all_shows_other_projects_too(busy: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = Project(elsewhere, busy.env)
    assert "no server is running" in run(other, "top", "--once").stdout
    assert "training" in run(other, "top", "--once", "--all").stdout
