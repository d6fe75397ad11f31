"""Profiles made without a question: `profile init --non-interactive`."""

from __future__ import annotations

import json
import resource
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.cli.wizard_terminal import COMMAND, LIMIT, Machine
from tests.sites import environment, install

ASK_NOTHING = "--non-interactive"


@pytest.fixture
def alpha(tmp_path: Path) -> Machine:
    """A user's machine on a cluster with accounts, QOS and modules."""
    return Machine(tmp_path, install(tmp_path / "bin", "alpha"))


@pytest.fixture
def alone(tmp_path: Path) -> Machine:
    """A machine without any command."""
    (tmp_path / "bin").mkdir()
    return Machine(tmp_path, environment(tmp_path / "bin"))


def test_what_was_assumed_is_said_and_what_was_given_is_not(alpha: Machine) -> None:
    done = alpha.run(
        ASK_NOTHING, "--name", "mine", "--time", "1:00:00", "--modules", "cuda/12.4 anaconda3/2024.02"
    )

    assert done.returncode == 0, done.stderr
    assert "assumed: slurm.partition = gpu (" in done.stderr
    assert "assumed: slurm.time" not in done.stderr
    assert done.stdout.splitlines() == [str(alpha.file("mine"))]
    said = alpha.said("mine")
    assert said["slurm"]["time"] == "1:00:00"
    assert said["env"]["modules"] == ["cuda/12.4", "anaconda3/2024.02"]


def test_a_profile_is_its_users_alone(alpha: Machine) -> None:
    alpha.run(ASK_NOTHING, "--name", "mine")

    file = alpha.file("mine")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_the_file_names_a_schema_that_is_there_and_holds_for_it(alpha: Machine) -> None:
    done = alpha.run(ASK_NOTHING, "--output", "-")

    line, _, text = done.stdout.partition("\n")
    schema = Path(line.removeprefix("#:schema file://"))
    Draft202012Validator(json.loads(schema.read_text())).validate(tomllib.loads(text))


def test_printing_writes_nothing(alpha: Machine) -> None:
    done = alpha.run(ASK_NOTHING, "--output", "-")

    assert tomllib.loads(done.stdout)["slurm"]["gres"] == "gpu:a100:1"
    assert alpha.profiles() == []


def test_other_profiles_values_are_begun_with_and_only_differences_written(alpha: Machine) -> None:
    done = alpha.run(
        *(ASK_NOTHING, "--from", "raven", "--name", "two", "--gpus", "2", "--mem", "none"),
        *(
            "--set",
            "slurm.mem_per_gpu=60G",
            "--set",
            "env.vars.OMP_NUM_THREADS=4",
            "--set",
            "server.port_min=18500",
        ),
    )

    assert done.returncode == 0, done.stderr
    said = alpha.said("two")
    assert said["extends"] == "raven"
    assert said["slurm"] == {"gres": "gpu:a100:2", "mem": "none", "mem_per_gpu": "60G"}
    assert said["env"] == {"vars": {"OMP_NUM_THREADS": "4"}}
    assert said["server"] == {"port_min": 18500}
    script = alpha.script("two")
    assert "#SBATCH --constraint=gpu\n" in script
    assert "#SBATCH --mem=" not in script
    assert "#SBATCH --mem-per-gpu=60G\n" in script


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("--from", "perlmutter", "--gpus", "2"), "--gpus-per-node=2"),
        (("--from", "perlmutter", "--set", "slurm.gpus=4"), "--gpus=4"),
        (("--from", "raven", "--set", "slurm.gpus_per_node=a100:3"), "--gpus-per-node=a100:3"),
        (("--from", "raven", "--gpu-type", "h100"), "--gres=gpu:h100:1"),
    ],
)
def test_gpus_are_asked_for_once_in_the_way_of_the_other_profile_or_as_given(
    alpha: Machine, flags: tuple[str, ...], expected: str
) -> None:
    done = alpha.run(ASK_NOTHING, "--name", "mine", "--account", "a", *flags)

    assert done.returncode == 0, done.stderr
    asked = [line for line in alpha.script("mine").splitlines() if line.startswith(("#SBATCH --g",))]
    assert asked == [f"#SBATCH {expected}"]


def test_no_gpus_takes_the_other_profiles_request_back(alpha: Machine) -> None:
    done = alpha.run(ASK_NOTHING, "--name", "cpu", "--from", "raven", "--gpus", "0")

    assert done.returncode == 0, done.stderr
    assert alpha.said("cpu")["slurm"]["gres"] == "none"
    assert "--gres" not in alpha.script("cpu")


def test_the_profile_that_fits_is_begun_with(alone: Machine) -> None:
    done = alone.run(ASK_NOTHING, "--account", "m1_g", "--output", "-", SLURM_CLUSTER_NAME="perlmutter")

    assert "assumed: begin with perlmutter (this cluster is perlmutter)" in done.stderr
    said = tomllib.loads(done.stdout)
    assert said["extends"] == "perlmutter"
    assert said["slurm"] == {"account": "m1_g"}


def test_what_the_other_profile_requires_is_one_that_the_cluster_knows_or_has_to_be_given(
    tmp_path: Path, alone: Machine
) -> None:
    refused = alone.run(ASK_NOTHING, "--from", "perlmutter")
    assert refused.returncode == 3
    assert "slurm.account: perlmutter requires it; name it with `--account`" in refused.stderr

    puhti = Machine(tmp_path / "puhti", install(tmp_path / "puhti" / "bin", "puhti"))
    done = puhti.run(ASK_NOTHING, "--from", "perlmutter")
    assert done.returncode == 0, done.stderr
    assert puhti.said("perlmutter")["slurm"]["account"] == "ood_installation"


def test_a_machine_without_slurm_gets_a_local_profile(alone: Machine) -> None:
    done = alone.run(ASK_NOTHING, "--name", "here", "--partition", "gpu")

    assert done.returncode == 0, done.stderr
    assert alone.said("here")["mode"] == "local"
    assert "no SLURM was found here" in done.stderr
    assert "only jobs of SLURM have these, and servers run here: --partition" in done.stderr


def test_a_slurm_profile_can_be_made_where_there_is_no_slurm(alone: Machine) -> None:
    done = alone.run(ASK_NOTHING, "--name", "far", "--set", "mode=slurm", "--partition", "gpu", "--gpus", "2")

    assert done.returncode == 0, done.stderr
    said = alone.said("far")
    assert said["mode"] == "slurm"
    assert said["slurm"]["partition"] == "gpu"
    assert said["slurm"]["gres"] == "gpu:2"


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(alpha: Machine) -> None:
    file = alpha.file("mine")
    file.parent.mkdir(parents=True)
    file.write_text("# edited by hand\n")

    refused = alpha.run(ASK_NOTHING, "--name", "mine")
    assert refused.returncode == 3
    assert "is there already" in refused.stderr
    assert file.read_text() == "# edited by hand\n"

    for _ in range(2):
        assert alpha.run(ASK_NOTHING, "--name", "mine", "--replace").returncode == 0
    assert alpha.said("mine")["slurm"]["partition"] == "gpu"
    assert file.with_name("mine.toml.bak").read_text() == "# edited by hand\n"
    assert tomllib.loads(file.with_name("mine.toml.bak2").read_text()) == alpha.said("mine")


def test_without_a_name_one_is_taken_that_is_free(alpha: Machine) -> None:
    alpha.run(ASK_NOTHING)
    alpha.run(ASK_NOTHING)

    assert alpha.profiles() == ["alpha-2.toml", "alpha.toml"]


def test_everything_that_is_wrong_is_told_at_once(alpha: Machine) -> None:
    done = alpha.run(
        ASK_NOTHING,
        "--time",
        "soon",
        "--gpu-type",
        "a:b",
        "--set",
        "slurm.partitoin=x",
        "--set",
        "server.port_min=x",
    )

    assert done.returncode == 3
    for problem in (
        "--time: expected minutes",
        '--gpu-type: expected the name of a type, such as a100, got "a:b"',
        "--set slurm.partitoin: there is no such setting, did you mean `slurm.partition`?",
        "--set server.port_min: expected a whole number",
    ):
        assert problem in done.stderr
    assert alpha.profiles() == []


@pytest.mark.parametrize("name", ["../evil", "a b", "none", "", "-x", "ä", "x" * 65, "a\nb"])
def test_a_name_that_is_none_is_refused(alpha: Machine, name: str) -> None:
    done = alpha.run(ASK_NOTHING, f"--name={name}")

    assert (done.returncode, alpha.profiles()) == ((0, ["alpha.toml"]) if not name else (3, []))


def test_values_that_exclude_each_other_are_refused(alpha: Machine) -> None:
    done = alpha.run(ASK_NOTHING, "--mem", "8G", "--set", "slurm.mem_per_cpu=1G")

    assert done.returncode == 3
    assert "cannot stand beside" in done.stderr
    assert alpha.profiles() == []


@pytest.mark.parametrize("flags", [("--set", "time"), ("--output", "file.toml"), ("--gpus", "many")])
def test_a_wrong_command_line_is_refused(alpha: Machine, flags: tuple[str, ...]) -> None:
    done = alpha.run(ASK_NOTHING, *flags)

    assert done.returncode == 2
    assert alpha.profiles() == []


def test_a_folder_that_cannot_be_written_is_named(alpha: Machine) -> None:
    (alpha.home / ".config").write_text("a file where the folder should be")

    done = alpha.run(ASK_NOTHING, "--name", "mine")

    assert done.returncode == 13
    assert ".config" in done.stderr


@pytest.mark.parametrize("is_there", [False, True])
def test_a_full_disk_leaves_no_half_file_and_the_old_one(alpha: Machine, is_there: bool) -> None:
    file = alpha.file("mine")
    file.parent.mkdir(parents=True)
    if is_there:
        file.write_text("# mine\n")

    done = subprocess.run(
        [*COMMAND, ASK_NOTHING, "--name", "mine", "--replace"],
        cwd=alpha.project,
        env=alpha.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20)),
    )

    assert done.returncode == 13, done.stderr
    left = {path.name: path.read_text() for path in file.parent.iterdir()}
    assert left.get("mine.toml") == ("# mine\n" if is_there else None)
    assert not [name for name in left if name.startswith(".")]


def test_variables_that_beat_the_profile_are_named(alpha: Machine) -> None:
    done = alpha.run(ASK_NOTHING, "--name", "mine", JLAB_MCP_SLURM_TIME="1:00:00")

    assert "so before any profile: JLAB_MCP_SLURM_TIME" in done.stderr


def test_odd_environments_are_told(alpha: Machine) -> None:
    done = alpha.run(ASK_NOTHING, "--name", "mine", "--venv", "/no/such/venv")

    assert done.returncode == 0, done.stderr
    assert "there is no bin/python in /no/such/venv" in done.stderr
    assert alpha.said("mine")["env"]["venv"] == "/no/such/venv"


def test_the_wizard_is_what_jlab_mcp_profile_init_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jlab_mcp", "profile", "--help"], capture_output=True, text=True, check=True
    )

    assert "init" in done.stdout
