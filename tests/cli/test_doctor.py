"""What `jlab-mcp doctor` looks like."""

from __future__ import annotations

import re

import pexpect
import pytest

from tests.cli.profiles import User
from tests.commands import COMMAND, LIMIT

PROXY = {"http_proxy": "http://proxy.example:3128", "no_proxy": ""}
_COLOUR = re.compile(r"\x1b\[\d*m")
_WAIT = re.compile(r"(?:[^\n]*\r\x1b\[K)+")
"""The line that says what is waited for, and goes again."""


def in_terminal(user: User, **environ: str) -> str:
    """Run the doctor in a terminal of 80 columns; return all that is left standing there."""
    terminal = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], "doctor"],
        cwd=str(user.project),
        env={**user.env, **PROXY, "JLAB_MCP_RUN_MODE": "local", "TERM": "xterm", **environ},
        encoding="utf-8",
        timeout=LIMIT,
        dimensions=(60, 80),
    )
    try:
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)
    assert terminal.exitstatus == 0, terminal.before
    return _WAIT.sub("", (terminal.before or "").replace("\r\n", "\n"))


def test_sentences_keep_to_the_terminals_width_and_commands_to_their_line(user: User) -> None:
    lines = [_COLOUR.sub("", line) for line in in_terminal(user).splitlines()]
    commands = [line for line in lines if line.startswith("         export ")]
    assert commands == ["         export no_proxy=localhost,127.0.0.1 NO_PROXY=localhost,127.0.0.1"]
    add = [line for line in lines if line.startswith("         claude mcp add")]
    assert len(add) == 1
    # A word that is longer than the line, such as a path, stays whole.
    assert not [line for line in lines if len(line) > 80 and line not in add and len(line[9:].split()) > 1]
    assert lines[-1].startswith("nothing failed, 2 warnings, ")


def test_colours_are_only_beside_the_words(user: User) -> None:
    coloured = in_terminal(user, NO_COLOR="")
    assert "\x1b[32mok       \x1b[0m" in coloured
    assert "\x1b[33mwarning  \x1b[0m" in coloured
    plain = in_terminal(user, NO_COLOR="1")
    assert "\x1b" not in plain
    assert _COLOUR.sub("", coloured).splitlines()[0] == plain.splitlines()[0]


def test_a_pipe_gets_each_sentence_in_one_line(user: User) -> None:
    told = user.run("doctor", JLAB_MCP_RUN_MODE="local", **PROXY)
    assert told.returncode == 0
    assert "\x1b" not in told.stdout + told.stderr
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("warning  proxies")]
    assert line.endswith("and no_proxy does not leave out localhost and 127.0.0.1")


def test_quiet_leaves_out_what_is_in_order(user: User) -> None:
    told = user.run("doctor", "--quiet", JLAB_MCP_RUN_MODE="local", **PROXY)
    assert (told.returncode, told.stderr) == (0, "")
    assert not [line for line in told.stdout.splitlines() if line.startswith(("ok ", "-  "))]
    assert [line.split()[1] for line in told.stdout.splitlines() if line.startswith("warning")] == [
        "proxies",
        "MCP",
    ]


@pytest.mark.parametrize("wrong", [["--profile"], ["extra"], ["--on-nodes"]])
def test_a_wrong_command_line_is_told_as_such(user: User, wrong: list[str]) -> None:
    assert user.run("doctor", *wrong).returncode == 2
