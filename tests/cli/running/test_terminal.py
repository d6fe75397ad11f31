"""`jlab-mcp exec` in a terminal: what a person sees and presses."""

from __future__ import annotations

import base64
import io
import re
import sys
from pathlib import Path

import pexpect
import pytest
from PIL import Image

from jlab_mcp.core.pictures.ways import QUESTION
from tests.cli.sessions import listed, session, waiting_for
from tests.commands import LIMIT, run, until
from tests.conftest import Project
from tests.core.pictures.terminals import decode_iterm, decode_kitty, decode_sixel

pytestmark = pytest.mark.live

_PICTURE = """
import base64
data = base64.b64decode({png!r})
display({{"image/png": base64.b64encode(data).decode(), "text/plain": "<Figure>"}}, raw=True)
print("after")
"""


def _png() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _type(project: Project, *arguments: str, term: str = "xterm", **environ: str) -> pexpect.spawn[bytes]:
    kept = {name: value for name, value in project.env.items() if name not in ("NO_COLOR", "TMUX", "STY")}
    return pexpect.spawn(
        sys.executable,
        ["-m", "jlab_mcp", "exec", *arguments],
        cwd=str(project.folder),
        env={**kept, "TERM": term, "COLUMNS": "100", **environ},
        timeout=int(LIMIT),
        dimensions=(40, 100),
    )


def _rest(terminal: pexpect.spawn[bytes]) -> bytes:
    """Return what comes until the end."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return bytes(terminal.before or b"")


def test_a_progress_bar_moves_while_the_code_runs(live_project: Project, tmp_path: Path) -> None:
    steps = [tmp_path / str(step) for step in range(3)]
    code = "import sys\n" + "".join(
        f"sys.stderr.write('\\r{at * 40} % done'); sys.stderr.flush()\n{waiting_for(step)}"
        for at, step in enumerate(steps)
    )
    with _type(live_project, "--scratch", code) as terminal:
        for at, step in enumerate(steps):
            terminal.expect_exact(f"\r{at * 40} % done".encode())
            step.touch()
        _rest(terminal)
        assert terminal.exitstatus == 0


def test_ctrl_c_interrupts_the_code_and_shows_where(live_project: Project) -> None:
    with session(live_project, "stopped"):
        with _type(
            live_project, "-s", "stopped", "print('begun', flush=True)\nimport time\ntime.sleep(600)"
        ) as terminal:
            terminal.expect_exact(b"begun")
            terminal.sendcontrol("c")
            terminal.expect_exact(b"KeyboardInterrupt")
            _rest(terminal)
            assert terminal.exitstatus == 130
        assert run(live_project, "exec", "-s", "stopped", "print(1)").stdout == "1\n"


def test_a_second_ctrl_c_leaves_stubborn_code_running_and_says_how_to_go_on(
    live_project: Project, tmp_path: Path
) -> None:
    code = f"""
import os, time
print("begun", flush=True)
while not os.path.exists({str(tmp_path / "end")!r}):
    try:
        time.sleep(0.05)
    except KeyboardInterrupt:
        print("no", flush=True)
print("ended")
"""
    with session(live_project, "stubborn") as session_id:
        with _type(live_project, "-s", "stubborn", code) as terminal:
            terminal.expect_exact(b"begun")
            terminal.sendcontrol("c")
            terminal.expect_exact(b"press Ctrl+C again to leave it running")
            terminal.sendcontrol("c")
            terminal.expect_exact(f"left the code running in session {session_id}".encode())
            terminal.expect(rb"exec --attach ([0-9a-f]{16})`")
            assert terminal.match is not None
            execution_id = terminal.match[1].decode()
            _rest(terminal)
            assert terminal.exitstatus == 130
        assert [each["kernel_state"] for each in listed(live_project) if each["name"] == "stubborn"] == [
            "busy"
        ]
        (tmp_path / "end").touch()
        told = run(live_project, "exec", "--attach", execution_id)
        assert told.returncode == 0
        assert re.fullmatch(r"begun\n(no\n)+ended\n", told.stdout)


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_traceback_has_colours_where_they_are_wanted(
    live_project: Project, environ: dict[str, str], coloured: bool
) -> None:
    with _type(live_project, "--scratch", "1/0", **environ) as terminal:
        said = _rest(terminal)
        assert terminal.exitstatus == 1
    assert b"ZeroDivisionError" in said
    assert (re.search(rb"\x1b\[[0-9;]+m", said) is not None) is coloured


def test_what_is_cleared_goes_from_the_line(live_project: Project) -> None:
    code = "from IPython.display import clear_output\nprint('old', end='', flush=True)\nclear_output()\nprint('new')"
    with _type(live_project, "--scratch", code) as terminal:
        assert b"\x1b[2K\rnew\r\n" in _rest(terminal)


def test_kitty_is_shown_the_picture_and_not_its_name(live_project: Project) -> None:
    with _type(live_project, "--scratch", _PICTURE.format(png=_png()), term="xterm-kitty") as terminal:
        said = _rest(terminal)
        assert terminal.exitstatus == 0
    found = re.search(rb"(\x1b_G.*\x1b\\)\r\nafter\r\n", said, re.DOTALL)
    assert found, said
    assert decode_kitty(found[1])[0].size == (16, 16)
    assert b"Figure" not in said
    assert b"saved" not in said


def test_iterm_is_shown_the_picture(live_project: Project) -> None:
    with _type(live_project, "--scratch", _PICTURE.format(png=_png()), TERM_PROGRAM="iTerm.app") as terminal:
        found = re.search(rb"(\x1b\]1337.*\x07)\r\nafter\r\n", _rest(terminal), re.DOTALL)
    assert found
    assert decode_iterm(found[1])[0].size == (16, 16)


def test_another_terminal_is_asked_and_answers(live_project: Project) -> None:
    with _type(live_project, "--scratch", _PICTURE.format(png=_png())) as terminal:
        terminal.expect_exact(QUESTION)
        terminal.send(b"\x1bP>|foot(1.16.2)\x1b\\\x1b[6;18;9t\x1b[?62;4;22c")
        said = _rest(terminal)
    found = re.search(rb"(\x1bP0;1;0q.*\x1b\\)\r\nafter\r\n", said, re.DOTALL)
    assert found, said
    assert decode_sixel(found[1]).size == (16, 16)
    assert b"[?62" not in said  # what the terminal answers is not shown as if it were typed


def test_a_terminal_that_does_not_answer_gets_the_name_and_a_file(live_project: Project) -> None:
    with _type(live_project, "--scratch", _PICTURE.format(png=_png())) as terminal:
        terminal.expect_exact(QUESTION)
        said = _rest(terminal)
        assert terminal.exitstatus == 0
    found = re.search(rb"picture saved as `?(\S[^`\r]*\.png)`?\r\n<Figure>\r\nafter", said)
    assert found, said
    assert Path(found[1].decode()).read_bytes().startswith(b"\x89PNG")


def test_the_option_and_the_variable_say_how_pictures_are_shown(live_project: Project) -> None:
    code = _PICTURE.format(png=_png())
    none = run(live_project, "exec", "--scratch", "--quiet", "--pictures", "none", code)
    assert (none.stdout, none.stderr) == ("<Figure>\nafter\n", "")
    kitty = run(live_project, "exec", "--quiet", "--scratch", code, JLAB_MCP_PICTURES="kitty")
    assert kitty.stdout.startswith("\x1b_Ga=T")
    assert kitty.stderr == ""
    files = run(live_project, "exec", "--scratch", code)
    folder = Path(live_project.env["JLAB_MCP_DIR"]) / "pictures"
    assert files.stdout == "<Figure>\nafter\n"
    assert str(folder) in files.stderr
    (newest,) = [path for path in folder.iterdir() if path.name in files.stderr]
    assert (newest.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_code_is_typed_at_a_terminal(live_project: Project) -> None:
    with _type(live_project, "--scratch", "-") as terminal:
        terminal.expect_exact(b"type the code, and Ctrl+D at its end")
        terminal.send(b"print(6 * 7)\n\x04")
        assert b"42\r\n" in _rest(terminal)
        assert terminal.exitstatus == 0


def test_a_terminal_without_code_is_a_mistake(live_project: Project) -> None:
    with _type(live_project, "--scratch") as terminal:
        assert b"give the code" in _rest(terminal)
        assert terminal.exitstatus == 2


def test_a_closed_terminal_leaves_the_code_running(live_project: Project, tmp_path: Path) -> None:
    done = tmp_path / "done"
    code = f"print('begun', flush=True)\n{waiting_for(tmp_path / 'go')}open({str(done)!r}, 'w').close()\n"
    with session(live_project, "closed"):
        with _type(live_project, "-s", "closed", code) as terminal:
            terminal.expect_exact(b"begun")
            terminal.close(force=True)
        (tmp_path / "go").touch()
        until(done.exists, "end of the code")
