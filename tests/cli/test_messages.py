"""The voice of the command line: errors and their codes, how much is said, and colour."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pexpect
import pytest
import typer

from jlab_mcp.app.schemas import schema_text
from jlab_mcp.cli.main import app
from jlab_mcp.errors import JlabMcpError
from tests.cli.profiles import User
from tests.commands import COMMAND, LIMIT, run, said
from tests.conftest import Project
from tests.sites import put


@pytest.mark.parametrize(
    ("arguments", "message", "called"),
    [
        (["start", "--foo"], "no such option: --foo", "jlab-mcp start"),
        (["stop", "--jib"], "no such option: --jib, did you mean `--job`?", "jlab-mcp stop"),
        (["statu"], "no such command `statu`, did you mean `status`?", "jlab-mcp"),
        (["blah"], "no such command `blah`", "jlab-mcp"),
        (["profile", "copy"], "missing argument `NAME`", "jlab-mcp profile copy"),
        (["logs", "-n", "x"], "invalid value for `--lines` / `-n`: input should be", "jlab-mcp logs"),
        (["stop", "--all", "--job", "3"], "invalid value: give --all or --job, not both", "jlab-mcp"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_voice(
    user: User, arguments: list[str], message: str, called: str
) -> None:
    told = user.run(*arguments)
    error, hint = told.stderr.splitlines()
    assert (told.returncode, told.stdout) == (2, "")
    assert error.startswith(f"error[JLM-USAGE]: {message}")
    assert not error.endswith(".")
    assert hint.startswith(f"hint: `{called}")
    assert hint.endswith(" --help` shows how it is used")


@pytest.mark.parametrize(
    "flags", [("--quiet", "profile", "show"), ("profile", "-q", "show"), ("profile", "show", "-q")]
)
def test_quiet_leaves_errors_and_data(user: User, flags: tuple[str, ...]) -> None:
    user.profile("mine", 'mode = "slurm"\nextends = "perlmutter"\n')
    told = user.run(*flags, "mine", JLAB_MCP_PORTMAX="3")
    assert (told.returncode, told.stderr) == (0, "")
    assert "# mine (slurm)" in told.stdout
    loud = user.run(*(flag for flag in flags if flag not in ("-q", "--quiet")), "mine", JLAB_MCP_PORTMAX="3")
    assert "warning: JLAB_MCP_PORTMAX is not a variable" in loud.stderr
    assert loud.stdout == told.stdout
    failed = user.run(*flags, "nothing-like-it")
    assert failed.returncode == 3
    assert failed.stderr.startswith("error[JLM-CONFIG]: ")


@pytest.mark.live
def test_verbose_says_what_is_asked_and_never_the_token(live_project: Project) -> None:
    token = json.loads(live_project.connection_file.read_text())["token"]
    for arguments in (("-v", "status"), ("status", "--verbose"), ("status", "-v", "-v")):
        told = run(live_project, *arguments)
        assert told.returncode == 0
        asked = [line for line in told.stderr.splitlines() if "GET resources: status 200 after " in line]
        assert len(asked) == 1, told.stderr
        assert asked[0].startswith("debug: asked http://127.0.0.1:")
        assert token not in told.stderr + told.stdout
    assert "debug: " not in run(live_project, "status").stderr


def test_verbose_names_the_commands_that_are_run(user: User, tmp_path: Path) -> None:
    user.profile("mine", 'mode = "slurm"\n')
    put(tmp_path / "commands", "sbatch", "echo 'sbatch: Job 1 to start at soon' >&2")
    (tmp_path / "commands/bash").symlink_to("/bin/bash")
    told = user.run("profile", "check", "mine", "--verbose", PATH=str(tmp_path / "commands"))
    (line,) = [
        line for line in told.stderr.splitlines() if line.startswith("debug: ran `sbatch --test-only ")
    ]
    assert ": exit status 0 after " in line


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
    ids=str,
)
def test_colour_in_a_pipe_is_for_those_who_force_it(
    user: User, environ: dict[str, str], coloured: bool
) -> None:
    kept = {key: value for key, value in user.env.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    told = User(user.home, user.project, kept).run("profile", "show", "nothing-like-it", **environ)
    assert ("\x1b[31merror" in told.stderr) is coloured
    assert ("\x1b" in told.stderr) is coloured


def test_a_dumb_terminal_gets_no_escape_codes(user: User) -> None:
    kept = {key: value for key, value in user.env.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    for term, coloured in (("xterm", True), ("dumb", False)):
        with pexpect.spawn(
            sys.executable,
            [*COMMAND[1:], "profile", "show", "nothing-like-it"],
            cwd=str(user.project),
            env={**kept, "TERM": term},
            encoding="utf-8",
            timeout=int(LIMIT),
        ) as terminal:
            terminal.expect(pexpect.EOF)
            assert ("\x1b" in str(terminal.before)) is coloured


def _failure(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(told, json.loads(schema_text("error")))
    found: dict[str, Any] = told["error"]
    return found


def test_an_error_of_a_command_with_json_is_json_too(user: User) -> None:
    told = user.run("profile", "show", "locla", "--json")
    failure = _failure(told)
    assert (told.returncode, failure["exit_code"], failure["code"]) == (3, 3, "JLM-CONFIG")
    assert failure["message"] in told.stderr
    assert f"error[{failure['code']}]: " in told.stderr
    misused = user.run("stop", "--json", "--all", "--job", "3")
    assert (misused.returncode, _failure(misused)["code"]) == (2, "JLM-USAGE")
    assert user.run("profile", "show", "locla").stdout == ""


def test_a_code_is_explained_however_it_is_written(user: User) -> None:
    told = user.run("explain", "no-server")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("JLM-NO-SERVER (exit status 4)\n\nNo Jupyter server runs")
    assert json.loads(user.run("explain", "JLM-NO-SERVER", "--json").stdout)[0]["code"] == "JLM-NO-SERVER"
    wrong = user.run("explain", "JLM-NO-SERVR")
    assert (wrong.returncode, "did you mean `JLM-NO-SERVER`?" in wrong.stderr) == (2, True)
    listed = user.run("explain").stdout.splitlines()
    assert any(line.startswith("JLM-NO-SERVER ") for line in listed)
    assert len(listed) > 25


def _commands(command: Any, name: str = "jlab-mcp") -> Iterator[tuple[str, Any]]:
    yield name, command
    for below, its in getattr(command, "commands", {}).items():
        yield from _commands(its, f"{name} {below}")


def test_every_command_takes_the_general_options() -> None:
    found = dict(_commands(typer.main.get_command(app)))
    assert len(found) > 15
    for name, command in found.items():
        options = {option for param in command.params for option in param.opts}
        assert {"--quiet", "--verbose"} <= options, name


def test_details_that_json_does_not_know_are_written_as_text() -> None:
    from jlab_mcp.app.failure import report

    found = report(JlabMcpError("it broke", details={"path": object, "hints": ["x"]}), ["do this"])
    assert list(found.error.details) == ["path"]
    assert found.error.hints == ["do this"]


def test_what_is_said_in_tests_leaves_errors() -> None:
    done = subprocess.CompletedProcess([], 0, "", "asking SLURM what there is\nerror[JLM-CONFIG]: no\n")
    assert said(done) == "error[JLM-CONFIG]: no\n"
