"""`jlab-mcp profile use`, `copy` and `path`, and the files that they leave."""

from __future__ import annotations

import json
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.cli.profiles import User
from tests.commands import COMMAND, LIMIT


def test_a_default_is_one_line_in_a_file_that_a_person_wrote(user: User) -> None:
    user.profile("a100", "")
    config = user.config / "config.toml"
    config.write_text("# my notes\n[output]\ntext_chars = 500 # short\n")
    config.chmod(0o640)
    told = user.run("profile", "use", "a100")
    assert (told.returncode, told.stdout, told.stderr) == (
        0,
        "",
        "`~/.config/jlab-mcp/config.toml` chooses the profile a100 now\n",
    )
    assert config.read_text() == '# my notes\nprofile = "a100"\n\n[output]\ntext_chars = 500 # short\n'
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert json.loads(user.run("profile", "list", "--json").stdout)["chosen"] == "a100"
    assert user.run("profile", "use", "none").returncode == 0
    assert config.read_text() == "# my notes\n\n[output]\ntext_chars = 500 # short\n"


def test_a_linked_file_stays_a_link(user: User) -> None:
    real = user.home / "dotfiles.toml"
    real.write_text("# linked\n")
    user.config.mkdir(parents=True)
    (user.config / "config.toml").symlink_to(real)
    assert user.run("profile", "use", "local").returncode == 0
    assert (user.config / "config.toml").is_symlink()
    assert real.read_text() == '# linked\nprofile = "local"\n'


def test_a_projects_choice_beats_the_users_and_says_so(user: User) -> None:
    user.run("profile", "use", "slurm-generic", "--project")
    told = user.run("profile", "use", "local", "--user")
    assert f"{user.project}/.jlab-mcp.toml:1 chooses the profile" in told.stderr
    assert (user.project / ".jlab-mcp.toml").read_text() == 'profile = "slurm-generic"\n'
    listed = json.loads(user.run("profile", "list", "--json").stdout)
    assert listed["chosen"] == "slurm-generic"


def test_an_unknown_name_writes_nothing(user: User) -> None:
    told = user.run("profile", "use", "locl")
    assert told.returncode == 3
    assert "did you mean `local`?" in told.stderr
    assert not user.config.exists()


def test_a_broken_file_is_left_untouched(user: User) -> None:
    (user.project / ".jlab-mcp.toml").write_text("[slurm\n")
    told = user.run("profile", "use", "local", "--project")
    assert (told.returncode, "change it by hand" in told.stderr) == (3, True)
    assert (user.project / ".jlab-mcp.toml").read_text() == "[slurm\n"


def test_choosing_for_a_project_keeps_the_trust_in_its_file(user: User) -> None:
    (user.project / ".jlab-mcp.toml").write_text('[env]\nprologue = "true"\n')
    assert user.run("config", "trust", "--yes").returncode == 0
    told = user.run("profile", "use", "local", "--project")
    assert "still trusted" in told.stderr
    assert "not trusted" not in user.run("profile", "show").stderr


def test_a_copy_keeps_the_comments_and_finds_its_schema(user: User) -> None:
    told = user.run("profile", "copy", "slurm-generic", "mine")
    path = user.config / "profiles/mine.toml"
    assert (told.returncode, told.stdout) == (0, "~/.config/jlab-mcp/profiles/mine.toml\n")
    original = Path(user.run("profile", "path", "slurm-generic").stdout.strip()).read_text()
    copied = path.read_text()
    assert copied.splitlines()[1:] == original.splitlines()[1:]
    assert copied.startswith("#:schema file:///")
    assert user.run("profile", "validate", "mine").returncode == 0


def test_a_copy_that_extends_holds_nothing_but_the_name_of_its_parent(user: User) -> None:
    assert user.run("profile", "copy", "slurm-generic", "slurm-generic", "--extends").returncode == 0
    text = (user.config / "profiles/slurm-generic.toml").read_text()
    assert tomllib.loads(text) == {"version": 1, "extends": "slurm-generic"}
    assert 'time = "4:00:00"' in user.run("profile", "show", "slurm-generic").stdout


def test_a_copy_never_replaces_a_file_unasked(user: User) -> None:
    path = user.profile("mine", "# precious\n")
    told = user.run("profile", "copy", "local", "mine")
    assert (told.returncode, "is there already" in told.stderr) == (3, True)
    assert path.read_text() == "# precious\n"
    assert user.run("profile", "copy", "local", "mine", "--force").returncode == 0
    assert "This machine" in path.read_text()
    assert user.run("profile", "copy", "mine", "mine", "--force").returncode == 3


@pytest.mark.parametrize("new", ["../evil", "none", "", ".hidden", "a b"])
def test_a_name_that_no_profile_can_have_is_refused(user: User, new: str) -> None:
    told = user.run("profile", "copy", "local", new)
    assert told.returncode == 3
    assert "NEW: expected a name" in told.stderr
    assert not user.config.exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(user: User) -> None:
    (user.home / ".config").write_text("a file")
    told = user.run("profile", "copy", "local", "mine")
    assert told.returncode == 13
    assert "cannot write" in told.stderr
    assert "Traceback" not in told.stderr
    assert told.stderr.endswith("hint: name a folder you can write to in `JLAB_MCP_CONFIG`\n")


def test_no_other_folder_is_proposed_for_a_projects_file(user: User) -> None:
    link = user.project / ".jlab-mcp.toml"
    link.symlink_to("/proc/none/of/ours.toml")
    told = user.run("profile", "use", "local", "--project")
    assert told.returncode == 13
    assert "hint" not in told.stderr


def test_a_tilde_alone_names_the_home_folder(user: User) -> None:
    assert f"{user.home}/config.toml" in user.run("profile", "path", JLAB_MCP_CONFIG="~").stdout


def test_paths_are_listed_in_the_order_in_which_they_count(user: User) -> None:
    user.profile("mine", "")
    told = json.loads(user.run("profile", "path", "--json").stdout)
    assert [place["level"] for place in told] == ["project", "user", "site", "shipped", "user", "site"]
    assert (told[1]["profiles"], told[2]["there"]) == (["mine"], False)
    assert "local" in told[3]["profiles"]
    assert "(mine)" in user.run("profile", "path").stdout
    assert user.run("profile", "path", "mine").stdout == f"{user.config}/profiles/mine.toml\n"
    assert user.run("profile", "path", "gone").returncode == 3
    files = user.run("config", "path").stdout.splitlines()
    assert files[1] == f"user     {user.config}/config.toml  (not there)"


def test_schemas_are_printed_by_name(user: User) -> None:
    assert json.loads(user.run("profile", "schema").stdout)["title"] == "jlab-mcp profile"
    assert json.loads(user.run("profile", "schema", "config").stdout)["title"] == "jlab-mcp settings"
    told = user.run("profile", "schema", "confg")
    assert (told.returncode, "did you mean `config`?" in told.stderr) == (3, True)


def test_the_shell_completes_names_of_profiles(user: User) -> None:
    user.profile("local-mine", "")
    for words in ("jlab-mcp profile show loc", "jlab-mcp start --profile loc", "jlab-mcp profile use loc"):
        count = str(len(words.split()) - 1)
        done = user.run(_JLAB_MCP_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count)
        assert done.stdout.split() == ["local", "local-mine"], done.stderr


def test_a_choice_that_something_else_makes_alike_is_no_warning(user: User) -> None:
    alike = user.run("profile", "use", "local", JLAB_MCP_PROFILE="local")
    assert "no effect" not in alike.stderr
    other = user.run("profile", "use", "local", JLAB_MCP_PROFILE="slurm-generic")
    assert "warning: here it has no effect: JLAB_MCP_PROFILE chooses the profile" in other.stderr


@pytest.mark.parametrize(
    "command",
    [
        *(["profile", "list"], ["profile", "show"], ["profile", "validate"], ["profile", "path"]),
        *(["profile", "use", "local", "--project"], ["profile", "mcp-config"], ["config", "trust"]),
    ],
    ids=" ".join,
)
def test_a_project_folder_that_is_gone_is_one_sentence(user: User, command: list[str]) -> None:
    line = 'rmdir "$PWD" && exec "$@"'
    told = subprocess.run(
        ["bash", "-c", line, "gone", *COMMAND, *command],
        cwd=user.project,
        env=user.env,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (told.returncode, told.stdout) == (3, "")
    assert told.stderr == "error[JLM-CONFIG]: the project folder you are in does not exist\n"
