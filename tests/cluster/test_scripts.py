"""Rendered scripts, read by a real sbatch and run on real nodes."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import Facts, ResolvedProfile, resolve
from jlab_mcp.core.script import JobPaths, render_script
from tests.cluster.conftest import COMMAND_SECONDS, Lab
from tests.core.golden_scripts import NASTY
from tests.core.test_sbatch import NASTY_TEXTS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
LAUNCHER = 'echo "$PWD"; echo "$@"\n'


def _resolved(project: Path, **sections: object) -> ResolvedProfile:
    profile = Profile.model_validate({"mode": "slurm", **sections})
    return resolve(profile, Facts(project, project.parent))


def _script(resolved: ResolvedProfile, log: Path, launcher: str = LAUNCHER) -> str:
    """Render a job in which bash runs a few lines of its own in the launcher's place."""
    lines = log.with_name(f"{log.name}.launcher")
    lines.write_text(launcher, encoding="utf-8")
    job = JobPaths(Path("/bin/bash"), lines, Path("/nowhere/c.json"), log)
    return render_script(resolved, job)


def _submit(lab: Lab, script: str, *options: str, before: str = "") -> subprocess.CompletedProcess[str]:
    command = f"{before}sbatch --parsable {shlex.join(options)}"
    return subprocess.run(
        lab.enter("alpha-login", ["bash", "-c", command]),
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )


def _folder(lab: Lab, name: str) -> Path:
    """Make a folder of alice's that the test may write to as well."""
    lab.run("alpha-login", "mkdir", "-p", name)
    return lab.home() / name


def test_every_value_arrives_as_it_was_written(lab: Lab) -> None:
    folder = _folder(lab, "values")
    shown: dict[str, str] = {}
    for text in NASTY_TEXTS:
        try:
            resolved = _resolved(folder, slurm={"comment": text, "extra_directives": ["--hold"]})
        except ValidationError:
            continue  # refused
        done = _submit(lab, _script(resolved, folder / "log"))
        assert done.returncode == 0, (text, done.stderr)
        job = done.stdout.strip()
        shown[text] = lab.run("alpha-login", "squeue", "--noheader", f"--jobs={job}", "--format=%k").stdout
        lab.run("alpha-login", "scancel", job)
    assert shown == {text: f"{text}\n" for text in shown}
    assert len(shown) > len(NASTY_TEXTS) / 2


def test_a_job_runs_in_a_folder_of_any_name_and_logs_to_it(lab: Lab) -> None:
    folder = _folder(lab, NASTY.removeprefix("/data/"))
    log = _folder(lab, "logs %j it's") / "100%.log"
    done = _submit(lab, _script(_resolved(folder), log), "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    told = log.read_text(encoding="utf-8").splitlines()
    assert told[0] == str(folder)
    assert f"--root-dir={folder}" in told[1]
    assert told[1].endswith(f" --job-id={done.stdout.strip()} --restarts=0")


def test_variables_of_sbatch_do_not_change_a_job_that_is_submitted_without_them(lab: Lab) -> None:
    folder = _folder(lab, "variables")
    script = _script(_resolved(folder, slurm={"account": "physics", "time": "5"}), folder / "log")
    spoilt = "export SBATCH_ACCOUNT=nope SBATCH_TIMELIMIT=1;"
    assert "Invalid account" in _submit(lab, script, before=spoilt).stderr
    done = _submit(lab, script, "--hold", before=f"{spoilt} env -u SBATCH_ACCOUNT -u SBATCH_TIMELIMIT ")
    assert (done.returncode, done.stderr) == (0, "")
    job = done.stdout.strip()
    told = lab.run("alpha-login", "squeue", "--noheader", f"--jobs={job}", "--format=%a %l").stdout
    lab.run("alpha-login", "scancel", job)
    assert told == "physics 5:00\n"


def test_a_module_that_is_not_there_ends_the_job_with_a_sentence_in_its_log(lab: Lab) -> None:
    folder = _folder(lab, "modules")
    script = _script(_resolved(folder, env={"modules": "no/such"}), folder / "log")
    assert _submit(lab, script, "--wait").returncode == 1
    assert (folder / "log").read_text().endswith("jlab-mcp: cannot load the module no/such\n")


def test_the_epilogue_runs_when_a_job_is_cancelled(lab: Lab) -> None:
    folder = _folder(lab, "cancelled")
    # The launcher asks for its own end, so that it is certain to run by then.
    launcher = 'trap "echo stopping; exit 0" TERM\nscancel "$SLURM_JOB_ID"\nwhile :; do sleep 0.1; done\n'
    resolved = _resolved(folder, env={"epilogue": "echo over"})
    _submit(lab, _script(resolved, folder / "log", launcher), "--wait")
    told = (folder / "log").read_text()
    assert told.index("stopping\n") < told.index("over\n")
