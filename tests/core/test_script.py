"""The sbatch script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jlab_mcp.core.script import JobPaths, render_script
from jlab_mcp.errors import ConfigError
from tests.core.golden_scripts import GOLDEN, JOB, NASTY, cases, script
from tests.core.golden_scripts import resolved as _resolved

SHELLCHECK = Path(sys.executable).parent / "shellcheck"


@pytest.mark.parametrize("name", cases())
def test_the_script_is_the_golden_one(name: str) -> None:
    golden = GOLDEN / f"{name}.sh"
    assert golden.is_file(), "run `python -m tests.core.golden_scripts`"
    assert script(cases()[name]) == golden.read_text(encoding="utf-8")


def test_every_golden_script_is_of_a_case() -> None:
    assert {str(path.relative_to(GOLDEN))[:-3] for path in GOLDEN.rglob("*.sh")} == cases().keys()


def test_bash_and_shellcheck_find_nothing_wrong_with_them() -> None:
    scripts = sorted(GOLDEN.rglob("*.sh"))
    for path in scripts:
        subprocess.run(["bash", "-n", path], check=True, capture_output=True)
    # Files that are only on a cluster cannot be followed; backquotes in a message are no command.
    told = subprocess.run(
        [SHELLCHECK, "--exclude=SC1090,SC1091,SC2016", *scripts], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_the_shell_hands_the_launcher_exactly_what_was_meant(tmp_path: Path) -> None:
    folder = tmp_path / NASTY.removeprefix("/data/")
    folder.mkdir()
    show = tmp_path / "show.sh"
    show.write_text('#!/bin/sh\nprintf "%s\\0" "$PWD" "$@"\n')
    show.chmod(0o700)
    job = JobPaths(show, JOB.launcher, JOB.connection_file, JOB.log_file)
    script = render_script(_resolved(str(folder)), job)
    done = subprocess.run(
        ["bash"], input=script.encode(), env={"SLURM_JOB_ID": "42"}, capture_output=True, check=True
    )
    said = done.stdout.decode().split("\0")
    assert said[0] == str(folder)
    assert f"--root-dir={folder}" in said
    assert "--job-id=42" in said
    assert not (folder / "pwned").exists()


def test_an_address_that_was_chosen_is_kept() -> None:
    resolved = _resolved(server={"bind_ip": "127.0.0.1"})
    assert "--ip=127.0.0.1 " in render_script(resolved, JOB)
    assert "--ip=0.0.0.0 " in render_script(_resolved(), JOB)


def test_a_folder_that_could_smuggle_a_line_in_is_refused() -> None:
    with pytest.raises(ConfigError, match="control character"):
        render_script(_resolved("/data/p\n#SBATCH --uid=0"), JOB)
