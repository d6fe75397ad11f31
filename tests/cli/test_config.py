"""`jlab-mcp config trust`."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.profiles import User
from tests.commands import LIMIT

RISKY = '[slurm]\ntime = "1:00:00"\n[env]\nprologue = "echo one\\necho two"\n[env.vars]\nA = "b"\n'


@pytest.fixture
def file(user: User) -> Path:
    path = user.project / ".jlab-mcp.toml"
    path.write_text(RISKY)
    return path


def _is_trusted(user: User) -> bool:
    shown = user.run("profile", "show")
    assert ("is not trusted" in shown.stderr) is ("prologue" not in shown.stdout)
    return "prologue" in shown.stdout


def test_a_file_is_trusted_until_it_changes(user: User, file: Path) -> None:
    assert not _is_trusted(user)
    told = user.run("config", "trust", "--yes")
    assert told.returncode == 0
    assert _is_trusted(user)
    store = user.config / "trusted.toml"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    file.write_text(RISKY.replace("one", "three"))
    assert not _is_trusted(user)
    listed = json.loads(user.run("config", "trust", "--list", "--json").stdout)
    assert listed == [{"path": str(file), "state": "changed"}]


def test_trust_can_be_taken_back(user: User, file: Path) -> None:
    user.run("config", "trust", "--yes")
    assert "is not trusted any more" in user.run("config", "trust", "--remove").stderr
    assert not _is_trusted(user)
    assert "was not trusted" in user.run("config", "trust", "--remove").stderr


def test_what_would_count_is_shown_and_nothing_can_hide_in_it(user: User, file: Path) -> None:
    file.write_text(RISKY.replace("echo two", "echo \\u001b[2K two"))
    told = user.run("config", "trust", "--yes").stderr
    assert "  env.prologue = echo one\n      echo \\x1b[2K two\n" in told
    assert "  env.vars.A = b\n" in told
    assert "slurm.time" not in told


def test_without_anybody_to_ask_nothing_is_trusted(user: User, file: Path) -> None:
    told = user.run("config", "trust")
    assert (told.returncode, "--yes" in told.stderr) == (2, True)
    assert not _is_trusted(user)


@pytest.mark.parametrize(("answer", "trusted"), [("y", True), ("n", False), ("", False)])
def test_a_person_is_asked(user: User, file: Path, answer: str, trusted: bool) -> None:
    with pexpect.spawn(
        sys.executable,
        ["-m", "jlab_mcp", "config", "trust"],
        cwd=str(user.project),
        env={**user.env, "TERM": "xterm"},
        encoding="utf-8",
        timeout=int(LIMIT),
    ) as terminal:
        terminal.expect("env.prologue = echo one")
        terminal.expect("Trust it\\? ")
        terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
    assert _is_trusted(user) is trusted


def test_without_a_file_there_is_nothing_to_trust(user: User) -> None:
    told = user.run("config", "trust", "--yes")
    assert (told.returncode, "there is no .jlab-mcp.toml" in told.stderr) == (3, True)


def test_a_broken_file_is_not_trusted(user: User, file: Path) -> None:
    file.write_text("[env\n")
    told = user.run("config", "trust", "--yes")
    assert told.returncode == 3
    assert ".jlab-mcp.toml:1: is not TOML" in told.stderr


def test_a_broken_record_is_not_overwritten(user: User, file: Path) -> None:
    user.config.mkdir(parents=True)
    (user.config / "trusted.toml").write_text("files = [\n")
    told = user.run("config", "trust", "--yes")
    assert told.returncode == 3
    assert "trusted.toml cannot be read: it is not TOML; remove it and trust files anew" in told.stderr
    assert (user.config / "trusted.toml").read_text() == "files = [\n"


@pytest.mark.parametrize("flags", [["--json"], ["--list", "--remove"], ["--yes", "--remove"]])
def test_flags_that_do_not_go_together_are_refused(user: User, file: Path, flags: list[str]) -> None:
    told = user.run("config", "trust", *flags)
    assert (told.returncode, '"JLM-USAGE"' in told.stdout) == (2, "--json" in flags)
    assert "--json goes with --list" in told.stderr
    assert "wants to set" not in told.stderr
