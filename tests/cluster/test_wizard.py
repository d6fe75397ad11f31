"""The wizard on real clusters: what it proposes is what SLURM takes."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.wizard_terminal import Wizard
from tests.cluster.conftest import LOGIN_HOSTS, Lab

# The first test installs SLURM and brings the lab up.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture
def profiles(lab: Lab) -> Iterator[Path]:
    """Alice's folder of profiles, which is not there before or after."""
    folder = lab.home() / ".config" / "jlab-mcp"
    shutil.rmtree(folder, ignore_errors=True)
    yield folder / "profiles"
    shutil.rmtree(folder, ignore_errors=True)


def is_taken(lab: Lab, host: str, name: str) -> bool:
    """Say whether sbatch would take the job that a profile gives."""
    script = lab.run(host, lab.jlab_mcp, "start", "--dry-run", "--profile", name).stdout
    file = lab.home() / f"{name}.sh"
    file.write_text(script)
    try:
        return "to start at" in lab.run(host, "sbatch", "--test-only", str(file)).stderr
    finally:
        file.unlink()


@pytest.mark.parametrize("host", LOGIN_HOSTS)
def test_what_is_proposed_is_taken_by_sbatch(lab: Lab, profiles: Path, host: str) -> None:
    done = lab.run(host, lab.jlab_mcp, "profile", "init", "--non-interactive", "--name", "mine")

    slurm = tomllib.loads((profiles / "mine.toml").read_text())["slurm"]
    assert slurm["gres"] == "gpu:a100:1"
    assert slurm["partition"] in lab.run(host, "sinfo", "--noheader", "--format=%R").stdout.split()
    assert "assumed: slurm.gres = gpu:a100:1" in done.stderr
    assert is_taken(lab, host, "mine")


def test_a_person_at_a_terminal_gets_the_partition_that_was_chosen(lab: Lab, profiles: Path) -> None:
    settings = ("TERM=xterm", "PROMPT_TOOLKIT_NO_CPR=1")
    command = lab.enter("alpha-login", ["env", *settings, lab.jlab_mcp, "profile", "init", "--name", "h100"])

    with Wizard(command, lab.home(), os.environ) as wizard:
        wizard.answers("Which partition?", "2", done="hopper")
        wizard.answers("How many GPUs?", "2", done="2")
        wizard.agrees("How many CPUs?", "How much memory?", "How long may a server run?", "Which QOS?")
        wizard.agrees(
            "Which modules?", "Which Python environment has JupyterLab?", "What now?", "Use it by default?"
        )
        code, _ = wizard.ends()

    assert code == 0
    slurm = tomllib.loads((profiles / "h100.toml").read_text())["slurm"]
    assert (slurm["partition"], slurm["gres"]) == ("hopper", "gpu:h100:2")
    assert is_taken(lab, "alpha-login", "h100")


def test_bob_who_has_no_account_there_is_told_and_gets_a_profile(lab: Lab) -> None:
    done = lab.run(
        "beta-login", lab.jlab_mcp, "profile", "init", "--non-interactive", "--output", "-", user="bob"
    )

    assert "note: this cluster keeps no accounts" in done.stderr
    assert tomllib.loads(done.stdout)["slurm"]["gres"] == "gpu:a100:1"
