"""The workflows for GitHub: well formed, with few rights, and they run what `make` runs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml

from tests.release.conftest import ROOT
from tests.release.test_packages import VERSIONS

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_they_are_what_github_takes() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run(
        [*checker, *map(str, WORKFLOWS)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_each_job_says_what_it_may_do_and_each_action_which_version(path) -> None:
    text = path.read_text(encoding="utf-8")
    read = yaml.safe_load(text)
    assert read["permissions"] == {}
    for job in read["jobs"].values():
        assert set(job["permissions"].items()) <= {("contents", "read"), ("id-token", "write")}
        assert job["timeout-minutes"]
    for action in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", action), action


def test_every_version_of_python_runs_every_check() -> None:
    read = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    (job,) = read["jobs"].values()
    assert tuple(job["strategy"]["matrix"]["python"]) == VERSIONS
    assert re.search(
        r"^make .*\btest$", "\n".join(step.get("run", "") for step in job["steps"]), re.MULTILINE
    )
