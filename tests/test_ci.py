"""CI accepts no skip but for lack of hardware, and tries again what lives in other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import second_try

ROOT = Path(__file__).parent.parent


def run_pytest(folder: Path, source: str, *options: str, ci: str) -> subprocess.CompletedProcess[str]:
    test = folder / "test_sample.py"
    test.write_text(f"import pytest\n{source}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.ci_skips",
        "-p",
        "tests.ci_retries",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    return subprocess.run(
        [*command, *options, f"--rootdir={folder}", str(test)],
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("source", "ci", "expected"),
    [
        ("def test_a(): pytest.skip('no npm')", "true", 1),
        ("def test_a(): pytest.skip('no npm')", "", 0),
        ("def test_a(): pytest.skip('no npm')", "false", 0),
        ("def test_a(): pytest.skip('no GPU here')", "true", 0),
        ("@pytest.mark.skip(reason='no npm')\ndef test_a(): pass", "true", 1),
        ("@pytest.mark.xfail(reason='known')\ndef test_a(): assert False", "true", 0),
        ("pytest.skip('no npm', allow_module_level=True)", "true", 2),
    ],
)
def test_a_skip_fails_in_ci_unless_hardware_is_missing(
    tmp_path: Path, source: str, ci: str, expected: int
) -> None:
    result = run_pytest(tmp_path, source, ci=ci)

    assert result.returncode == expected, result.stdout + result.stderr
    assert ("does not accept" in result.stdout) == (expected != 0)


@pytest.mark.parametrize(
    "source",
    ["def test_a(): pytest.skip('no npm')", "pytest.skip('no npm', allow_module_level=True)"],
)
def test_it_does_so_in_processes_side_by_side_too(tmp_path: Path, source: str) -> None:
    result = run_pytest(tmp_path, source, "--numprocesses=2", ci="true")

    assert result.returncode == 1, result.stdout + result.stderr
    assert "does not accept" in result.stdout


_FAILS_ONCE = """
import pathlib
{mark}
def test_a(tmp_path):
    flag = tmp_path.parent / "tried"
    first = not flag.exists()
    flag.touch()
    assert not first, "the first try"
"""


@pytest.mark.parametrize("options", [(), ("--numprocesses=2",)], ids=["one process", "two"])
def test_a_test_with_real_parts_has_a_second_try_in_ci_and_the_first_is_shown(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    source = _FAILS_ONCE.format(mark="@pytest.mark.live")
    result = run_pytest(tmp_path, source, *options, ci="true")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed, " in result.stdout
    assert "1 rerun" in result.stdout.splitlines()[-1]
    shown = result.stdout.partition("first tries that failed")[2]
    assert "test_sample.py::test_a" in shown
    assert "AssertionError: the first try" in shown


@pytest.mark.parametrize(
    ("source", "ci"),
    [
        (_FAILS_ONCE.format(mark=""), "true"),
        (_FAILS_ONCE.format(mark="@pytest.mark.live"), ""),
        ("@pytest.mark.live\ndef test_a(): assert False", "true"),
    ],
    ids=["no real parts", "not in CI", "twice"],
)
def test_all_else_fails_at_once_and_what_fails_twice_fails(tmp_path: Path, source: str, ci: str) -> None:
    result = run_pytest(tmp_path, source, ci=ci)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 failed" in result.stdout


def test_what_a_first_try_left_on_a_shared_server_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[set[Path]] = []
    monkeypatch.setattr(second_try, "SHARED", {tmp_path: closed.append})
    old = tmp_path / "old"
    old.mkdir()
    before = second_try.listing()
    new = tmp_path / "new"
    new.mkdir()
    left = {new, new / "of a test.ipynb", old / "go", tmp_path / "link"}
    for file in (new / "of a test.ipynb", old / "go"):
        file.touch()
    (tmp_path / "link").symlink_to(old)
    second_try.clear(before)
    assert closed == [left]
    assert list(tmp_path.rglob("*")) == [old]
