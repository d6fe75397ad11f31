"""A person at a terminal makes a profile, on machines whose SLURM answers as real ones did."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import pytest

from tests.cli.wizard_terminal import COMMAND, CTRL_C, DOWN, ENTER, ERASE, SPACE, Machine, Wizard
from tests.sites import environment, install, put, put_slow

NAME, PARTITION, TYPE, GPUS = (
    "A name for the profile?",
    "Which partition?",
    "Which type of GPU?",
    "How many GPUs?",
)
CPUS, MEM, TIME = "How many CPUs?", "How much memory?", "How long may a server run?"
ACCOUNT, QOS, MODULES = "Which account?", "Which QOS?", "Which modules?"
VENV, NOW, DEFAULT = "Which Python environment has JupyterLab?", "What now?", "Use it by default?"
TYPED = " (empty for none)"
SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / "profiles").glob("*.toml"))


def at(tmp_path: Path, site: str) -> Machine:
    """Return a user's machine on a site."""
    return Machine(tmp_path, install(tmp_path / "bin", site))


def without_slurm(tmp_path: Path) -> Machine:
    """Return a machine that has no command at all."""
    (tmp_path / "bin").mkdir()
    return Machine(tmp_path, environment(tmp_path / "bin"))


def test_agreeing_with_everything_gives_a_profile_for_a_share_of_a_gpu_node(tmp_path: Path) -> None:
    machine = at(tmp_path, "alpha")

    with machine.sit_down() as wizard:
        wizard.agrees(NAME, PARTITION, GPUS, CPUS, MEM, TIME, QOS, MODULES, VENV, NOW, DEFAULT)
        code, shown = wizard.ends()

    assert code == 0
    assert "jlab-mcp start --profile alpha " in shown
    assert "jlab-mcp profile check alpha" in shown
    said = machine.said("alpha")
    assert said["mode"] == "slurm"
    assert said["slurm"] == {
        "partition": "gpu",
        "gres": "gpu:a100:1",
        "cpus_per_task": 8,
        "mem": "31000M",
        "time": "4:00:00",
    }
    assert machine.profiles() == ["alpha.toml"]
    script = machine.script("alpha")
    for line in ("--partition=gpu", "--gres=gpu:a100:1", "--cpus-per-task=8", "--mem=31000M"):
        assert f"#SBATCH {line}" in script


def test_options_are_chosen_by_number_and_by_arrow_and_values_typed_in(tmp_path: Path) -> None:
    machine = at(tmp_path, "alpha")

    with machine.sit_down() as wizard:
        wizard.answers(NAME, ERASE + "big", done="big")
        wizard.answers(PARTITION, "2", done="hopper")
        wizard.answers(GPUS, DOWN, done="2")
        wizard.answers(CPUS, done="")
        wizard.answers(MEM, DOWN, done="none")
        wizard.sees(TIME)
        wizard.presses("5" + ENTER)  # another one
        wizard.answers(TIME + TYPED, "6:30:00", done="6:30:00")
        wizard.agrees(QOS)
        wizard.answers(MODULES, f"cuda{DOWN}{SPACE}", done="cuda/12.4")
        wizard.agrees(VENV, NOW, DEFAULT)
        code, _ = wizard.ends()

    assert code == 0
    said = machine.said("big")
    assert said["slurm"]["partition"] == "hopper"
    assert said["slurm"]["gres"] == "gpu:h100:2"
    assert said["slurm"]["time"] == "6:30:00"
    assert "mem" not in said["slurm"]
    assert said["env"] == {"modules": ["cuda/12.4"]}


@pytest.mark.parametrize(
    ("site", "questions", "expected"),
    [
        (
            "beta",
            (PARTITION, GPUS, CPUS, MEM, TIME, ACCOUNT, MODULES, VENV),
            {"partition": "main", "gres": "gpu:a100:1", "time": "2:00:00"},
        ),
        (
            "puhti",
            (PARTITION, GPUS, CPUS, MEM, TIME, ACCOUNT, MODULES + TYPED, VENV),
            {"partition": "gpu", "gres": "gpu:v100:1", "cpus_per_task": 10, "account": "ood_installation"},
        ),
        (
            "sdf",
            (PARTITION, TYPE, GPUS, CPUS, MEM, TIME, ACCOUNT, MODULES + TYPED, VENV),
            {"partition": "shared", "gres": "gpu:geforce_rtx_2080_ti:1"},
        ),
        ("setonix", (PARTITION, GPUS, CPUS, MEM, TIME, ACCOUNT, MODULES + TYPED, VENV), {"gres": "gpu:1"}),
    ],
)
def test_each_site_gets_its_own_questions_and_what_is_asked_for_is_in_the_job(
    tmp_path: Path, site: str, questions: tuple[str, ...], expected: dict[str, object]
) -> None:
    machine = at(tmp_path, site)

    with machine.sit_down("--name", "mine") as wizard:
        wizard.agrees(*questions, NOW, DEFAULT)
        code, _ = wizard.ends()

    assert code == 0
    slurm = machine.said("mine")["slurm"]
    assert {key: slurm[key] for key in expected} == expected
    script = machine.script("mine")
    for key, value in expected.items():
        assert f"--{key.replace('_', '-')}={value}" in script


def test_a_fitting_profile_is_begun_with_and_only_differences_are_written(tmp_path: Path) -> None:
    machine = at(tmp_path, "manylines")

    with machine.sit_down("--gpus", "2", SLURM_CLUSTER_NAME="perlmutter") as wizard:
        wizard.answers("Which profile to begin with?", done="perlmutter")
        wizard.answers(NAME, done="perlmutter")
        wizard.answers(PARTITION, done="none")  # as that profile has it
        wizard.answers(CPUS, done="32")
        wizard.agrees(MEM, TIME)
        wizard.sees("perlmutter requires it")
        wizard.answers(ACCOUNT, "m1234_g", done="m1234_g")
        wizard.agrees(MODULES + TYPED, VENV, NOW, DEFAULT)
        assert wizard.ends()[0] == 0

    said = machine.said("perlmutter")
    assert said["extends"] == "perlmutter"
    assert said["slurm"] == {"account": "m1234_g", "gpus_per_node": "2"}
    script = machine.script("perlmutter")
    assert "#SBATCH --gpus-per-node=2" in script
    assert "#SBATCH --constraint=gpu" in script


def test_a_changed_answer_is_asked_again_and_what_depends_on_it(tmp_path: Path) -> None:
    machine = at(tmp_path, "alpha")

    with machine.sit_down("--name", "mine") as wizard:
        wizard.agrees(PARTITION, GPUS, CPUS, MEM)
        wizard.answers(TIME, "2", done="1:00:00")
        wizard.agrees(QOS, MODULES, VENV)
        wizard.answers(NOW, "2", done="change an answer")
        wizard.sees("Change which?")
        wizard.presses("3" + ENTER)
        wizard.answers(PARTITION, "2", done="hopper")
        wizard.agrees(GPUS, CPUS, MEM, TIME)  # their options are others now
        wizard.answers(NOW, done="write")
        wizard.agrees(DEFAULT)
        code, _ = wizard.ends()

    assert code == 0
    slurm = machine.said("mine")["slurm"]
    assert (slurm["partition"], slurm["gres"]) == ("hopper", "gpu:h100:1")
    assert slurm["time"] == "1:00:00"  # proposed anew, as it was chosen before


@pytest.mark.parametrize("typed", ["raven", "number"])
def test_any_profile_can_be_begun_with_afterwards_and_its_values_are_proposed(
    tmp_path: Path, typed: str
) -> None:
    machine = at(tmp_path, "beta")
    number = [*SHIPPED, "none"].index("raven") + 1

    with machine.sit_down("--name", "mine") as wizard:
        wizard.agrees(PARTITION, GPUS, CPUS, MEM, TIME, ACCOUNT, MODULES, VENV)
        wizard.answers(NOW, "2")
        wizard.answers("Change which?", "2", done="begins with")
        wizard.answers(
            "Which profile to begin with?", f"{number})" if typed == "number" else typed, done="raven"
        )
        wizard.answers(PARTITION, done="none")
        wizard.answers(GPUS, done="1")
        wizard.answers(CPUS, done="18")
        wizard.answers(MEM, done="125000")
        wizard.agrees(TIME, NOW, DEFAULT)
        assert wizard.ends()[0] == 0

    said = machine.said("mine")
    assert said["extends"] == "raven"
    assert "slurm" not in said
    assert "#SBATCH --constraint=gpu\n" in machine.script("mine")


def test_a_machine_without_slurm_gets_a_local_profile(tmp_path: Path) -> None:
    machine = without_slurm(tmp_path)

    with machine.sit_down("--name", "here") as wizard:
        wizard.agrees(VENV)
        wizard.sees("Which ports may servers use?")
        wizard.presses("2" + ENTER)
        wizard.answers("Which ports may servers use?" + TYPED, "20000-20010")
        wizard.agrees(NOW, DEFAULT)
        code, _ = wizard.ends()

    assert code == 0
    said = machine.said("here")
    assert said["mode"] == "local"
    assert said["server"] == {"port_min": 20000, "port_max": 20010}
    assert "slurm" not in said


def test_the_new_profile_becomes_the_default_if_its_user_wants_it(tmp_path: Path) -> None:
    machine = without_slurm(tmp_path)

    with machine.sit_down("--name", "here") as wizard:
        wizard.agrees(VENV, "Which ports may servers use?", NOW)
        wizard.answers(DEFAULT, "2")
        code, _ = wizard.ends()

    assert code == 0
    assert 'profile = "here"' in (machine.file("here").parent.parent / "config.toml").read_text()


def test_what_is_typed_in_has_to_be_right(tmp_path: Path) -> None:
    machine = at(tmp_path, "alpha")

    with machine.sit_down() as wizard:
        wizard.sees(NAME)
        wizard.presses(ERASE + "a b" + ENTER)
        wizard.sees("expected a name of letters, digits, dots, dashes and underscores")
        wizard.presses(ERASE + "ab" + ENTER)
        wizard.agrees(PARTITION, GPUS, CPUS, MEM)
        wizard.sees(TIME)
        wizard.presses("5" + ENTER)
        wizard.sees(TIME + TYPED)
        wizard.presses("soon" + ENTER)
        wizard.sees("expected minutes")
        wizard.presses(ERASE + "90" + ENTER)
        wizard.agrees(QOS, MODULES, VENV, NOW, DEFAULT)
        assert wizard.ends()[0] == 0

    assert machine.said("ab")["slurm"]["time"] == "90"


def test_a_profile_that_is_there_is_left_alone_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    machine = without_slurm(tmp_path)
    file = machine.file("here")
    file.parent.mkdir(parents=True)
    file.write_text("# mine\nversion = 1\n")

    with machine.sit_down("--name", "here") as wizard:
        wizard.answers("Which name then?", done="call it here-2")
        wizard.agrees(VENV, "Which ports may servers use?", NOW, DEFAULT)
        assert wizard.ends()[0] == 0
    assert file.read_text() == "# mine\nversion = 1\n"
    assert machine.said("here-2")["mode"] == "local"

    with machine.sit_down("--name", "here") as wizard:
        wizard.answers("Which name then?", "3", done="replace it")
        wizard.agrees(VENV, "Which ports may servers use?", NOW, DEFAULT)
        assert wizard.ends()[0] == 0
    assert machine.said("here")["mode"] == "local"
    assert file.with_name("here.toml.bak").read_text() == "# mine\nversion = 1\n"


@pytest.mark.parametrize(
    "before", [(), (PARTITION, GPUS), (PARTITION, GPUS, CPUS, MEM, TIME, QOS, MODULES, VENV)]
)
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, before: tuple[str, ...]) -> None:
    machine = at(tmp_path, "alpha")

    with machine.sit_down("--name", "mine") as wizard:
        wizard.agrees(*before)
        wizard.sees({0: PARTITION, 2: CPUS}.get(len(before), NOW))
        wizard.presses(CTRL_C)
        code, shown = wizard.ends()

    assert code == 130
    assert "nothing was written" in shown
    assert machine.profiles() == []


def test_ctrl_c_while_the_cluster_is_asked_ends_at_once(tmp_path: Path) -> None:
    machine = at(tmp_path, "alpha")
    put_slow(tmp_path / "bin", "sinfo")

    with machine.sit_down("--timeout", "3600") as wizard:
        wizard.sees("looking for SLURM")
        wizard.presses(CTRL_C)
        code, shown = wizard.ends()

    assert code == 130
    assert "nothing was written" in shown
    assert "Traceback" not in shown


def test_what_hangs_or_chatters_or_is_missing_costs_a_sentence_and_free_questions(tmp_path: Path) -> None:
    machine = at(tmp_path, "alpha")
    put_slow(tmp_path / "bin", "sinfo")
    (tmp_path / "bin" / "sacctmgr").unlink()
    (tmp_path / "bin" / "sshare").unlink()
    put(tmp_path / "bin", "bash", "echo welcome to the machine")
    put(tmp_path / "bin", "scontrol", "echo welcome; exit 1")

    with machine.sit_down("--name", "mine", "--timeout", "3") as wizard:
        shown = wizard.sees(PARTITION)
        assert "`sinfo` did not answer in 3 s" in shown
        assert "`sacctmgr` is not on PATH" in shown
        wizard.presses("2" + ENTER)
        wizard.answers(PARTITION + TYPED, "gpu", done="gpu")
        wizard.sees(TYPE)
        wizard.presses("2" + ENTER)
        wizard.answers(TYPE + TYPED, "a100", done="a100")
        wizard.agrees(GPUS, CPUS, MEM, TIME)
        wizard.sees(ACCOUNT)
        wizard.presses("2" + ENTER)
        wizard.answers(ACCOUNT + TYPED, "m1234", done="m1234")
        wizard.agrees(MODULES, VENV, NOW, DEFAULT)
        assert wizard.ends()[0] == 0

    slurm = machine.said("mine")["slurm"]
    assert (slurm["partition"], slurm["gres"], slurm["account"]) == ("gpu", "gpu:a100:1", "m1234")


def test_a_folder_that_cannot_be_written_is_told_and_nothing_lost(tmp_path: Path) -> None:
    machine = without_slurm(tmp_path)
    (machine.home / ".config").write_text("a file where the folder should be")

    with machine.sit_down("--name", "here") as wizard:
        wizard.agrees(VENV, "Which ports may servers use?")
        wizard.answers(NOW, "1")
        shown = wizard.sees(NOW)
        assert "cannot write" in shown
        wizard.presses("3" + ENTER)
        code, shown = wizard.ends()

    assert code == 0
    assert "nothing was written" in shown


def test_a_terminal_without_a_cursor_asks_in_numbered_lines(tmp_path: Path) -> None:
    machine = at(tmp_path, "beta")

    with machine.sit_down("--name", "mine", TERM="dumb") as wizard:
        wizard.sees(PARTITION)
        for _ in range(8):
            wizard.sees("[")
            wizard.presses("\n")
        wizard.sees("What now?")
        wizard.presses("1\n")
        wizard.sees(DEFAULT)
        wizard.presses("1\n")
        assert wizard.ends()[0] == 0

    assert machine.said("mine")["slurm"]["partition"] == "main"


def test_the_file_can_be_printed_into_another_one(tmp_path: Path) -> None:
    machine = at(tmp_path, "beta")
    command = ["/bin/sh", "-c", f"{shlex.join([*COMMAND, '--output', '-'])} > printed.toml"]

    with Wizard(command, machine.project, machine.environ) as wizard:
        wizard.agrees(NAME, PARTITION, GPUS, CPUS, MEM, TIME, ACCOUNT, MODULES, VENV)
        wizard.answers(NOW, done="print it")
        assert wizard.ends()[0] == 0

    assert tomllib.loads((machine.project / "printed.toml").read_text())["slurm"]["gres"] == "gpu:a100:1"
    assert machine.profiles() == []


def test_a_wrong_flag_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with at(tmp_path, "beta").sit_down("--time", "soon") as wizard:
        code, shown = wizard.ends()

    assert code == 3
    assert "--time: expected minutes" in shown


def test_without_a_terminal_nothing_is_asked(tmp_path: Path) -> None:
    done = at(tmp_path, "alpha").run()

    assert done.returncode == 2
    assert "not a terminal" in done.stderr
    assert "--non-interactive" in done.stderr


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_those_who_want_them(tmp_path: Path, environ: dict[str, str], coloured: bool) -> None:
    machine = at(tmp_path, "beta")

    with machine.sit_down("--name", "mine", **environ) as wizard:
        wizard.terminal.expect_exact(PARTITION)
        drawn = str(wizard.terminal.before)

    assert ("[0;36" in drawn) is coloured
