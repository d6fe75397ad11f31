"""`jlab-mcp profile validate`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.cli.profiles import User

BROKEN = """\
mode = "slurm"
descripton = "typo"
[slurm]
time = 4:00:00
account = 123
mem = "1G"
mem_per_cpu = "1G"
cpus_per_task = "lots"
"""


def test_everything_that_is_wrong_is_told_at_once(user: User) -> None:
    user.profile("broken", BROKEN)
    user.profile("orphan", 'extends = "gone"\n')
    user.profile("fine", "")
    (user.config / "config.toml").write_text('profile = "fien"\n[server]\nport_min = 0\n')
    (user.project / ".jlab-mcp.toml").write_text('profile = "local"\nmatch = 1\n')
    told = user.run("profile", "validate")
    assert told.returncode == 3
    at = "error[JLM-CONFIG]: ~/.config/jlab-mcp"
    lines = told.stderr.splitlines()
    for beginning, words in {
        f"{at}/profiles/broken.toml:2: descripton: ": "did you mean `description`?",
        f"{at}/profiles/broken.toml:4: time: ": "a duration must be quoted",
        f"{at}/profiles/broken.toml:5: slurm.account: ": 'text must be quoted, "123"',
        f"{at}/profiles/broken.toml:6: slurm.mem: ": "cannot stand beside slurm.mem_per_cpu",
        f"{at}/profiles/broken.toml:8: slurm.cpus_per_task: ": 'got "lots"',
        f"{at}/profiles/orphan.toml:1: extends: ": 'there is no profile "gone"',
        f"{at}/config.toml:1: profile: ": "did you mean `fine`?",
        f"{at}/config.toml:3: server.port_min: ": "got the number 0",
        f"error[JLM-CONFIG]: {user.project}/.jlab-mcp.toml:2: match: ": "only a profile file can say this",
    }.items():
        assert any(line.startswith(beginning) and words in line for line in lines), (beginning, told.stderr)
    assert f"{user.config}/profiles/fine.toml: ok" in told.stdout
    assert f"{user.config}/profiles/broken.toml: 5 problems" in told.stdout


def test_what_is_right_is_said_to_be(user: User) -> None:
    user.profile("fine", 'required = ["slurm.account"]\n')
    told = user.run("profile", "validate")
    assert (told.returncode, told.stdout) == (0, f"{user.config}/profiles/fine.toml: ok\n")
    assert told.stderr == "note: ~/.config/jlab-mcp/profiles/fine.toml: slurm.account has to be filled in\n"


def test_without_any_file_there_is_nothing_to_check(user: User) -> None:
    told = user.run("profile", "validate")
    assert (told.returncode, told.stdout) == (0, "")
    assert "nothing to check" in told.stderr


def test_a_wrong_variable_is_found_with_the_files(user: User) -> None:
    told = user.run("profile", "validate", JLAB_MCP_PORT_MIN="x")
    assert (told.returncode, "JLAB_MCP_PORT_MIN" in told.stderr) == (3, True)


def test_files_names_and_folders_can_be_named(user: User) -> None:
    folder = user.project / "profiles"
    folder.mkdir()
    (folder / "a.toml").write_text('[slurm]\ngpus = "x:"\n')
    (folder / "b.toml").write_text('extends = "local"\n')
    told = user.run("profile", "validate", "profiles", "local", "profiles/b.toml", "--json")
    assert (told.returncode, told.stderr) == (3, "")
    found = json.loads(told.stdout)
    assert [Path(file["path"]).name for file in found["files"]] == ["a.toml", "b.toml", "local.toml"]
    assert [bool(file["problems"]) for file in found["files"]] == [True, False, False]
    assert found["ok"] is False


def test_what_is_not_there_is_named(user: User) -> None:
    (user.project / "empty").mkdir()
    told = user.run("profile", "validate", "./gone.toml", "locla", "empty")
    assert told.returncode == 3
    assert "there is no .toml file in `empty`" in told.stderr
    assert "there is no file ./gone.toml" in told.stderr
    assert "did you mean `local`?" in told.stderr


def test_what_is_in_the_way_of_a_file_is_named(user: User) -> None:
    folder = user.profile("fine", "").parent
    (folder / "folder.toml").mkdir()
    (folder / "gone.toml").symlink_to("nowhere")
    (folder / "loop.toml").symlink_to("loop.toml")
    os.mkfifo(folder / "pipe.toml")
    (user.config / "config.toml").mkdir()
    told = user.run("profile", "validate")
    assert told.returncode == 3
    assert [
        line.removeprefix("error[JLM-CONFIG]: ~/.config/jlab-mcp/")
        for line in told.stderr.splitlines()
        if line.startswith("error[")
    ] == [
        "profiles/folder.toml: cannot be read: Is a directory",
        "profiles/gone.toml: cannot be read: No such file or directory",
        "profiles/loop.toml: cannot be read: Too many levels of symbolic links",
        "profiles/pipe.toml: cannot be read: it is not an ordinary file",
        "config.toml: cannot be read: Is a directory",
    ]


def test_mistakes_of_a_file_are_told_in_the_order_of_its_lines(user: User) -> None:
    user.profile("bad", '[slurm]\ncpus_per_task = 0\ngpus = 0\nnice = "x"\nnodes = 0\n')
    found = json.loads(user.run("profile", "validate", "bad", "--json").stdout)["files"][0]["problems"]
    assert [problem.split(":")[1] for problem in found] == ["2", "3", "4", "5"]


def test_a_template_that_is_missing_is_a_problem_of_the_profile(user: User) -> None:
    user.profile("mine", 'template = "job.sh"\n')
    told = user.run("profile", "validate", "mine")
    assert (told.returncode, "cannot read the template" in told.stderr) == (3, True)


def test_a_profile_that_its_name_keeps_from_being_chosen_is_noted(user: User) -> None:
    user.profile("my profile", "")
    told = user.run("profile", "validate")
    assert told.returncode == 0
    assert "no profile can be chosen by the name 'my profile'" in told.stderr


def test_what_of_a_projects_file_is_ignored_is_noted(user: User) -> None:
    (user.project / ".jlab-mcp.toml").write_text('[env]\nprologue = "date"\n[slurm]\ntime = "1:00:00"\n')
    told = user.run("profile", "validate")
    assert told.returncode == 0
    assert "ignored until `jlab-mcp config trust`: env.prologue\n" in told.stderr


def test_a_secret_that_would_stand_in_the_jobs_script_is_a_problem(user: User) -> None:
    user.profile("mine", 'mode = "slurm"\n[env.vars]\nHF_TOKEN = "hf_0123456789"\n')
    told = user.run("profile", "validate", "mine")
    assert told.returncode == 3
    assert "error[JLM-CONFIG]: ~/.config/jlab-mcp/profiles/mine.toml:3: env.vars.HF_TOKEN: " in told.stderr
    assert "hf_0123456789" not in told.stdout + told.stderr


def test_lines_of_bash_that_bash_cannot_read_are_a_problem(user: User) -> None:
    user.profile("mine", 'mode = "slurm"\n[env]\nprologue = "if true; then"\n')
    told = user.run("profile", "validate", "mine")
    assert told.returncode == 3
    assert "mine.toml:3: env.prologue: bash cannot read it" in told.stderr
