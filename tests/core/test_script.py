"""The sbatch script."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import PUBLISHED_SLURM, Facts, ResolvedProfile, resolve
from jlab_mcp.core.script import JobPaths, render_script
from jlab_mcp.errors import ConfigError

GOLDEN = Path(__file__).parent / "golden"
JOB = JobPaths(
    python=Path("/data/p/.venv/bin/python"),
    launcher=Path("/home/me/.jlab-mcp/node/0123/jlab_mcp_node/launch.py"),
    connection_file=Path("/home/me/.jlab-mcp/connections/k.connection.json"),
    log_file=Path("/home/me/.jlab-mcp/logs/k.log"),
)
NASTY = '/data/it\'s "näive" $(touch pwned) `x` \\ #% p'


def _resolved(project: str = "/data/p", **sections: object) -> ResolvedProfile:
    profile = Profile.model_validate({"mode": "slurm", **sections})
    return resolve(profile, Facts(Path(project), Path("/home/me")))


def _check_syntax(script: str) -> None:
    subprocess.run(["bash", "-n"], input=script.encode(), check=True, capture_output=True)


@pytest.mark.parametrize(
    ("name", "resolved"),
    [
        ("published-defaults", _resolved(slurm=dict(PUBLISHED_SLURM))),
        ("modules", _resolved(slurm={"partition": "a,b"}, env={"modules": "cuda/12.4 anaconda"})),
        ("nothing-set", _resolved()),
        ("nasty-folder", _resolved(NASTY, slurm={"gres": "gpu:1"})),
    ],
)
def test_the_script_is_the_golden_one_and_bash_can_read_it(name: str, resolved: ResolvedProfile) -> None:
    script = render_script(resolved, JOB, server_id="00112233aabbccdd")
    _check_syntax(script)
    assert script == (GOLDEN / f"{name}.sh").read_text(encoding="utf-8")


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


def test_a_module_that_does_not_load_ends_the_job_with_a_sentence(tmp_path: Path) -> None:
    script = render_script(_resolved(str(tmp_path), env={"modules": ["cuda/99"]}), JOB)
    failing = "module() { return 1; }\n" + script
    done = subprocess.run(["bash"], input=failing.encode(), capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.decode() == "jlab-mcp: cannot load the module cuda/99\n"


def test_a_folder_that_could_smuggle_a_line_in_is_refused() -> None:
    with pytest.raises(ConfigError, match="control character"):
        render_script(_resolved("/data/p\n#SBATCH --uid=0"), JOB)


def test_a_directive_reads_back_as_it_was_meant() -> None:
    script = render_script(_resolved(NASTY), JOB)
    line = next(line for line in script.splitlines() if line.startswith("#SBATCH --chdir="))
    assert shlex.split(line.removeprefix("#SBATCH "), comments=True) == [f"--chdir={NASTY}"]
