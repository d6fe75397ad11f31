"""`jlab-mcp exec` in pipes."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from pathlib import Path

import nbformat
import pytest

from tests.cli.sessions import close_all, listed, session, waiting_for
from tests.commands import COMMAND, LIMIT, finish, kill, record_of, run, spawn, until
from tests.commands import said as said_by
from tests.conftest import Project
from tests.slowkernel import SlowKernel

pytestmark = pytest.mark.live

_BOTH = """
import sys
print("out 1"); sys.stdout.flush()
print("err 1", file=sys.stderr)
print("out 2")
6 * 7
"""


def test_each_stream_of_the_code_goes_to_the_same_of_the_command(live_project: Project) -> None:
    told = run(live_project, "exec", "--scratch", _BOTH)
    assert (told.returncode, told.stdout, said_by(told)) == (0, "out 1\nout 2\n42\n", "err 1\n")


def test_an_error_of_the_code_is_exit_status_1_and_a_plain_traceback(live_project: Project) -> None:
    told = run(live_project, "exec", "--scratch", "print('before')\n1/0")
    assert (told.returncode, told.stdout) == (1, "before\n")
    assert told.stderr.endswith("\nZeroDivisionError: division by zero\n")
    assert "----> 2 1/0" in told.stderr
    assert "\x1b" not in told.stderr


def test_scratch_code_leaves_no_notebook_and_no_session(live_project: Project) -> None:
    def notebooks() -> list[str]:
        return sorted(path.name for path in live_project.notebooks.glob("*"))

    before = notebooks(), [each["session_id"] for each in listed(live_project)]
    assert run(live_project, "exec", "--scratch", "x = 1").returncode == 0
    assert before == (notebooks(), [each["session_id"] for each in listed(live_project)])


def test_a_new_session_keeps_what_was_run_and_says_where(live_project: Project) -> None:
    told = run(live_project, "exec", "--new", "kept", "x = 5; x")
    opened = next(each for each in listed(live_project) if each["name"] == "kept")
    assert told.stdout == "5\n"
    assert said_by(told) == f"session {opened['session_id']}: `{opened['notebook_path']}`\n"
    for named in (opened["session_id"], opened["session_id"][:6], "kept", "notebooks/kept", "kept.ipynb"):
        assert run(live_project, "exec", "--session", named, "x += 1; x").returncode == 0
    assert run(live_project, "exec", "-s", opened["notebook_path"], "print(x)").stdout == "10\n"
    run(live_project, "exec", "-s", "kept", "0")
    notebook = nbformat.read(opened["notebook_path"], 4)
    assert [cell.source for cell in notebook.cells][:2] == ["x = 5; x", "x += 1; x"]


def test_without_a_session_named_the_only_one_is_meant(live_project: Project) -> None:
    close_all(live_project)
    none = run(live_project, "exec", "1")
    assert (none.returncode, none.stdout) == (12, "")
    assert said_by(none).startswith("error[JLM-SESSION-NOT-FOUND]: no session is open\nhint: ")
    assert "--new NAME" in none.stderr
    assert "--scratch" in none.stderr
    with session(live_project, "only") as only:
        told = run(live_project, "exec", "print(1)")
        assert (told.returncode, told.stdout) == (0, "1\n")
        assert said_by(told) == f"in session {only} (only), the only one that is open\n"
        with session(live_project, "other") as other:
            several = run(live_project, "exec", "print(1)")
    assert (several.returncode, several.stdout) == (14, "")
    assert f"several sessions are open: {only} (only), {other} (other)" in several.stderr
    unknown = run(live_project, "exec", "-s", "nobody", "1")
    assert (unknown.returncode, unknown.stdout) == (12, "")


def test_code_comes_from_a_file_or_from_stdin(live_project: Project, tmp_path: Path) -> None:
    script = tmp_path / "träin.py"
    script.write_text("\ufeffprint('file ü')\n", encoding="utf-8")
    assert run(live_project, "exec", "--scratch", "-f", str(script)).stdout == "file ü\n"
    for arguments in (("-",), (), ("-f", "-")):
        told = subprocess.run(
            [*COMMAND, "exec", "--scratch", *arguments],
            cwd=live_project.folder,
            env=live_project.env,
            input="print('stdin ü')",
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert (told.returncode, told.stdout) == (0, "stdin ü\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scratch", "--new", "x", "1"], "give one of --new and --scratch, not several"),
        (["-s", "a", "--kernel", "python3", "1"], "--kernel goes with --new or --scratch"),
        (["--attach", "abcd", "1"], "give no other code"),
        (["--pictures", "ascii", "1"], "kitty, iterm, sixel, files or none"),
        (["-f", "none.py"], "cannot read `none.py`: No such file or directory"),
        (["-f", "a.ipynb"], "is a notebook"),
        (["-f", "a.py", "1"], "give the code or --file, not both"),
        (["--scratch"], "stdin brings none"),
    ],
)
def test_a_wrong_command_line_is_told(bare_project: Project, arguments: list[str], said: str) -> None:
    told = subprocess.run(
        [*COMMAND, "exec", *arguments],
        cwd=bare_project.folder,
        env=bare_project.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert told.returncode == 2
    assert said in " ".join(told.stderr.replace("│", " ").split())


def test_without_a_server_the_remedy_is_told(bare_project: Project) -> None:
    for arguments in (["--scratch"], ["--new", "a"], ["-s", "a"], []):
        told = run(bare_project, "exec", *arguments, "1")
        assert (told.returncode, told.stdout) == (4, "")
        assert "hint: start it with `jlab-mcp start`" in told.stderr


def test_json_is_the_outcome_and_nothing_else(live_project: Project) -> None:
    told = run(live_project, "exec", "--quiet", "--scratch", "--json", "print('a')\n1/0")
    found = json.loads(told.stdout)
    assert (told.returncode, said_by(told)) == (1, "")
    assert (found["state"], found["error"]["ename"]) == ("error", "ZeroDivisionError")
    assert [output["output_type"] for output in found["outputs"]] == ["stream", "error"]


def test_displays_that_change_are_shown_as_they_came_and_as_they_ended(
    live_project: Project, tmp_path: Path
) -> None:
    code = f"""
h = display({{"text/plain": "0 %"}}, raw=True, display_id="bar")
print("between", flush=True)
{waiting_for(tmp_path / "go")}
for done in (50, 100):
    h.update({{"text/plain": f"{{done}} %"}}, raw=True)
"""
    running = spawn(live_project, "exec", "--scratch", code)
    assert running.stdout is not None
    assert [running.stdout.readline(), running.stdout.readline()] == ["0 %\n", "between\n"]
    (tmp_path / "go").touch()
    assert finish(running)[:2] == (0, "100 %\n")


def test_a_kernel_that_dies_is_told_as_such(live_project: Project) -> None:
    with session(live_project, "mortal"):
        told = run(
            live_project,
            "exec",
            "-s",
            "mortal",
            "print('alive', flush=True)\nimport os; os.kill(os.getpid(), 9)",
        )
        assert told.returncode == 18
        assert "error[JLM-CODE-CUT-SHORT]: the code was cut short in session" in told.stderr
        assert "SIGKILL" in told.stderr
        assert run(live_project, "exec", "-s", "mortal", "print(2)").stdout == "2\n"


def test_a_server_that_ends_meanwhile_is_told_as_such(bare_project: Project, tmp_path: Path) -> None:
    assert run(bare_project, "start", "--detach").returncode == 0
    running = spawn(
        bare_project, "exec", "--new", "cut", f"print('begun', flush=True)\n{waiting_for(tmp_path / 'never')}"
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    record = record_of(bare_project)
    assert record is not None
    kill(record)
    code, _, said = finish(running)
    assert code in (4, 6), said
    assert "error[JLM-" in said
    assert "Traceback" not in said


def test_a_reader_that_goes_away_stops_the_code_and_the_command(live_project: Project) -> None:
    with session(live_project, "endless"):
        command = shlex.join(
            [*COMMAND, "exec", "-q", "-s", "endless", "i = 0\nwhile True:\n    print(i); i += 1"]
        )
        told = subprocess.run(
            ["bash", "-c", f"{command} | head -2; echo ${{PIPESTATUS[0]}}"],
            cwd=live_project.folder,
            env=live_project.env,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        assert told.stdout == "0\n1\n141\n"
        assert said_by(told) == ""
        until(lambda: _state(live_project, "endless") == "idle", "end of the code")


def test_sigterm_stops_the_code_first(live_project: Project) -> None:
    with session(live_project, "termed"):
        running = spawn(
            live_project, "exec", "-s", "termed", "print('begun', flush=True)\nimport time\ntime.sleep(600)"
        )
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        running.terminate()
        assert finish(running)[0] == -signal.SIGTERM
        assert _state(live_project, "termed") == "idle"


def test_a_hangup_leaves_the_code_running(live_project: Project, tmp_path: Path) -> None:
    done = tmp_path / "done"
    code = f"print('begun', flush=True)\n{waiting_for(tmp_path / 'go')}open({str(done)!r}, 'w').close()\n"
    with session(live_project, "hung"):
        running = spawn(live_project, "exec", "-s", "hung", code)
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        running.send_signal(signal.SIGHUP)
        ended, _, said = finish(running)
        assert ended == -signal.SIGHUP
        assert "left the code running in session" in said
        assert _state(live_project, "hung") == "busy"
        (tmp_path / "go").touch()
        until(done.exists, "end of the code")
        told = run(live_project, "exec", "--attach", said.split("--attach ")[1].split("`")[0])
        assert (told.returncode, told.stdout) == (0, "begun\n")


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)],
)
def test_a_signal_while_a_session_opens_leaves_none_and_no_notebook(
    live_project: Project, live_slow_kernel: SlowKernel, number: signal.Signals, status: int
) -> None:
    kernel = live_slow_kernel
    notebook = live_project.notebooks / f"{kernel.name}.ipynb"
    command = ("exec", "--new", kernel.name, "--kernel", kernel.name, "print('never')")
    with spawn(live_project, *command) as running:
        until(kernel.begun.exists, "start of the kernel")
        assert notebook.exists()
        running.send_signal(number)
        ended, out, said = finish(running)
    assert (ended, out) == (status, "")
    assert "Traceback" not in said
    kernel.go.touch()
    until(lambda: not notebook.exists(), "end of the notebook")
    assert kernel.name not in [each["name"] for each in listed(live_project)]


def test_an_execution_that_nobody_knows_cannot_be_attached_to(live_project: Project) -> None:
    told = run(live_project, "exec", "--attach", "00000000")
    assert (told.returncode, told.stdout) == (12, "")
    assert "error[JLM-EXECUTION-NOT-FOUND]: there is no execution 00000000" in told.stderr


def test_a_full_disk_is_told_and_stops_the_code(live_project: Project) -> None:
    with session(live_project, "full"), Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [*COMMAND, "exec", "-s", "full", "import time\nwhile True: print(1); time.sleep(0.01)"],
            cwd=live_project.folder,
            env=live_project.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert told.returncode == 13
        assert "error[JLM-CANNOT-WRITE]: cannot write the output: No space left on device" in told.stderr
        assert "Traceback" not in told.stderr
        until(lambda: _state(live_project, "full") == "idle", "end of the code")


def _state(project: Project, name: str) -> str:
    return str(next(each["kernel_state"] for each in listed(project) if each["name"] == name))
