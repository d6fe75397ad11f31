"""`jlab-mcp start`: settings on its command line, and the job that it shows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import run
from tests.conftest import Project

SLURM = {"JLAB_MCP_RUN_MODE": "slurm"}


def test_the_script_and_its_command_are_what_a_shell_needs_to_submit(
    bare_project: Project, tmp_path: Path
) -> None:
    told = run(bare_project, "start", "--dry-run", **SLURM, SBATCH_ACCOUNT="x", SLURM_JOB_ID="7")
    assert told.returncode == 0
    command = told.stderr.splitlines()[-1]
    assert command == "env -u SBATCH_ACCOUNT -u SLURM_JOB_ID sbatch --parsable job.sh"
    assert "files that the job needs are made when it is submitted;" in told.stderr
    # A stand-in: where there is no SLURM, no sbatch can be asked.
    (tmp_path / "bin").mkdir()
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.write_text('#!/bin/sh\necho "$@" "${SBATCH_ACCOUNT-unset}" "${SLURM_JOB_ID-unset}"\ncat "$2"\n')
    sbatch.chmod(0o700)
    (tmp_path / "job.sh").write_text(told.stdout)
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "SBATCH_ACCOUNT": "x", "SLURM_JOB_ID": "7"}
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", command],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"--parsable job.sh unset unset\n{told.stdout}"


def test_a_variable_of_sbatch_that_a_profile_could_say_is_told(bare_project: Project) -> None:
    told = run(bare_project, "start", "--dry-run", **SLURM, SBATCH_ACCOUNT="x", SBATCH_WCKEY="y")
    warning = "SBATCH_ACCOUNT=x in your environment is not used; set slurm.account in the profile"
    assert warning in told.stderr
    assert "SBATCH_WCKEY=y" not in told.stderr
    assert "account" not in told.stdout


def test_settings_on_the_command_line_beat_the_environment(bare_project: Project) -> None:
    told = run(
        bare_project,
        *("start", "--dry-run", "--set", "slurm.time=2:00:00", "--set", "slurm.mem=none"),
        *("--set", "env.vars.A=b=c", "--set", "slurm.partition=first", "--set", "slurm.partition=second"),
        **SLURM,
        JLAB_MCP_SLURM_TIME="1:00:00",
    )
    assert told.returncode == 0
    assert "#SBATCH --time=2:00:00\n" in told.stdout
    assert "#SBATCH --partition=second\n" in told.stdout
    assert "--mem" not in told.stdout
    assert "export A=b=c " in told.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--set", "slurm.time=soon"], 3, "error[JLM-CONFIG]: --set slurm.time: expected minutes"),
        (["--set", "slurm.tim=1"], 3, "error[JLM-CONFIG]: --set slurm.tim: there is no such setting, did you mean `slurm.time`?"),
        (["--set", "slurm.time"], 2, "expected KEY=VALUE, such as slurm.time=1:00:00, got 'slurm.time'"),
        (["--set", "=1"], 2, "expected KEY=VALUE"),
        (["1:00:00", "--set", "slurm.time=1"], 2, "slurm.time is set by TIME and by --set"),
        (["--set", "env.prologue=echo 'a"], 3, "error[JLM-CONFIG]: --set env.prologue: bash cannot read it: line 1: unexpected EOF"),
        (["--set", "env.epilogue=cat <<E\nx"], 3, "error[JLM-CONFIG]: --set env.epilogue: bash cannot read it: "),
        (["--set", "env.epilogue=true ) ; ( true"], 3, "error[JLM-CONFIG]: --set env.epilogue: bash cannot read it: "),
        (["--set", "env.vars.HF_TOKEN=x"], 3, "error[JLM-CONFIG]: --set env.vars.HF_TOKEN: a secret does not belong"),
    ],
)  # fmt: skip
def test_what_is_wrong_on_the_command_line_is_named(
    bare_project: Project, arguments: list[str], code: int, message: str
) -> None:
    told = run(bare_project, "start", "--dry-run", *arguments, **SLURM)
    assert (told.returncode, told.stdout) == (code, "")
    assert " ".join(message.split()) in " ".join(told.stderr.split())


def test_values_out_of_the_environment_are_counted_and_named(bare_project: Project) -> None:
    told = run(bare_project, "start", "--dry-run", **SLURM, JLAB_MCP_SLURM_TIME="1", JLAB_MCP_SLURM_MEM="2G")
    line = next(line for line in told.stderr.splitlines() if "from the environment" in line)
    said, _, names = line.partition(": ")
    assert {"JLAB_MCP_SLURM_TIME", "JLAB_MCP_SLURM_MEM"} <= set(names.split(", "))
    assert said == f"{len(names.split(', '))} settings come from the environment"


def test_what_a_profile_still_needs_is_a_warning_of_the_dry_run(bare_project: Project) -> None:
    told = run(bare_project, "start", "--dry-run", "--profile", "perlmutter", **SLURM)
    assert told.returncode == 0
    assert (
        'the profile perlmutter needs slurm.account, which is not set; write `account = "…"` under'
        in told.stderr
    )
    assert "or set JLAB_MCP_SLURM_ACCOUNT" in told.stderr
    told = run(
        bare_project, "start", "--dry-run", "--profile", "perlmutter", "--set", "slurm.account=m1_g", **SLURM
    )
    assert "needs slurm.account" not in told.stderr
    assert "#SBATCH --account=m1_g\n" in told.stdout


def test_a_template_of_ones_own_is_filled(bare_project: Project) -> None:
    (bare_project.folder / "job.sh").write_text(
        "#!/bin/bash\n# mine\n{{directives}}\n{{prepare}}\n{{lunch}}\n"
    )
    told = run(bare_project, "start", "--dry-run", "--set", "template=job.sh", **SLURM)
    assert (told.returncode, told.stdout) == (3, "")
    assert "job.sh:5: there is no placeholder `{{lunch}}`, did you mean `{{launch}}`?" in told.stderr
    (bare_project.folder / "job.sh").write_text(
        "#!/bin/bash\n# mine\n{{directives}}\n{{prepare}}\n{{launch}}\n"
    )
    told = run(bare_project, "start", "--dry-run", "--set", "template=job.sh", **SLURM)
    assert told.returncode == 0
    assert told.stdout.startswith("#!/bin/bash\n# mine\n#SBATCH --")
