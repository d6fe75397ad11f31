"""What sbatch is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from jlab_mcp.core.profile import SlurmSection
from jlab_mcp.core.slurm.sbatch import job_name, sbatch_command, submit_environment, unused_variables
from jlab_mcp.errors import ConfigError
from tests.core.golden_scripts import EVERY_OPTION, NASTY, resolved, script

NASTY_TEXTS = (
    *("two words", "  lead", "it's", 'say "hi"', '"', "'", "\\", "end\\", "#hash", "a #b", "$HOME", "$(id)"),
    *(
        "`id`",
        "a;b",
        "--uid=0",
        "a\n#SBATCH --uid=0",
        "a\r#SBATCH --uid=0",
        "a\u2028b",
        "\x85",
        "%j",
        "\\ ",
        "\\\\",
    ),
)
A_TEXT = st.one_of(st.sampled_from(NASTY_TEXTS), st.text(max_size=30), st.text("\\\"' \t#$`ab", max_size=12))
FIELDS = [name for name in SlurmSection.model_fields if name not in ("extra_directives", "job_name")]


def words(line: str) -> list[str]:
    """Split an `#SBATCH` line as sbatch was seen to (22.05): not as a shell would.

    White space ends a word unless it is in quotes; a backslash before it does not help. Elsewhere, also
    in single quotes, a backslash stands for the character after it. `#` outside quotes begins a comment.
    """
    found: list[str] = []
    word: str | None = None
    quote = ""
    escaped = False
    for char in line:
        blank = char in " \t" and not quote
        if escaped and blank:
            return ["a blank behind a backslash ends the word"]
        if escaped:
            word, escaped = (word or "") + char, False
        elif char == "\\":
            escaped = True
        elif char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote, word = char, word or ""
        elif not quote and char == "#":
            break
        elif blank:
            found, word = ([*found, word], None) if word is not None else (found, None)
        else:
            word = (word or "") + char
    assert not quote, f"unmatched {quote} in {line}"
    return found if word is None else [*found, word]


def asked(text: str) -> list[str]:
    """Return the options of a script, as sbatch reads them."""
    lines = text.split("\n")
    body = lines.index("")
    assert not any(line.startswith("#SBATCH") for line in lines[body:])
    options = [words(line.removeprefix("#SBATCH ")) for line in lines[1:body]]
    assert all(len(option) == 1 for option in options), options
    return [option[0] for option in options]


@pytest.mark.parametrize("field", FIELDS)
def test_every_option_that_a_profile_can_set_reaches_sbatch(field: str) -> None:
    plain = {**EVERY_OPTION, "gres": "gpu:1", "cpus_per_task": 4, "mem": "1G", "mem_per_cpu": "1G"}
    value = plain.get(field, 1)
    before = asked(script(resolved()))
    after = asked(script(resolved(slurm={field: value})))
    said = [option for option in after if option not in before]
    option = f"--{field.replace('_', '-')}"
    assert said == ["--no-requeue" if value is False else f"{option}={value}"]


@pytest.mark.parametrize(
    ("field", "value", "option"),
    [
        ("exclusive", True, "--exclusive"),
        ("exclusive", False, None),
        ("exclusive", "user", "--exclusive=user"),
        ("requeue", True, "--requeue"),
        ("requeue", False, "--no-requeue"),
        ("get_user_env", True, "--get-user-env"),
        ("get_user_env", False, None),
        ("get_user_env", "10L", "--get-user-env=10L"),
        ("nice", 0, "--nice=0"),
        ("mem", "0", "--mem=0"),
        ("export", "NONE", "--export=NONE"),
        ("export", "none", None),
    ],
)
def test_switches_are_written_as_sbatch_wants_them(field: str, value: object, option: str | None) -> None:
    more = set(asked(script(resolved(slurm={field: value})))) - set(asked(script(resolved())))
    assert more == ({option} if option else set())


def test_options_come_in_the_order_of_the_model() -> None:
    options = asked(script(resolved(slurm=EVERY_OPTION)))
    names = [option.partition("=")[0].removeprefix("--").replace("-", "_") for option in options]
    known = [name for name in names if name in SlurmSection.model_fields]
    assert known == [name for name in SlurmSection.model_fields if name in known]
    ours = [option.partition("=")[0] for option in options[-3:]]
    assert ours == ["--chdir", "--output", "--open-mode"]


def test_an_empty_value_is_never_rendered() -> None:
    assert [option for option in asked(script(resolved(slurm=EVERY_OPTION))) if option.endswith("=")] == []


@given(field=st.sampled_from(FIELDS), text=A_TEXT, valid_start=st.booleans())
@example(field="comment", text="a\tb \\", valid_start=False)
def test_no_value_of_an_option_leaves_its_quotes(field: str, text: str, valid_start: bool) -> None:
    value: Any = f"{EVERY_OPTION.get(field, '')}{text}" if valid_start else text
    try:
        profile = resolved(slurm={field: value})
        options = asked(script(profile))
    except (ValidationError, ConfigError):
        return  # refused
    stated = getattr(profile.slurm, field)
    if isinstance(stated, str):
        assert f"--{field.replace('_', '-')}={stated}" in options
        assert stated in (value, value.strip(), value.upper())
    silent = stated is None or (stated is False and field != "requeue")
    assert len(options) == len(asked(script(resolved()))) + (not silent)


@given(A_TEXT)
def test_no_directive_of_ones_own_leaves_its_quotes(text: str) -> None:
    directive = f"--wckey={text}"
    try:
        options = asked(script(resolved(slurm={"extra_directives": [directive]})))
    except (ValidationError, ConfigError):
        return
    assert directive in options
    assert len(options) == len(asked(script(resolved()))) + 1


def test_a_folder_of_any_name_is_entered() -> None:
    assert f"--chdir={NASTY}" in asked(script(resolved(NASTY)))


@pytest.mark.parametrize("option", ["--outp=x", "--err=x", "--job-n=x", "--job-name=x", "--wra=x"])
def test_an_option_that_jlab_mcp_sets_cannot_be_set_by_its_beginning(option: str) -> None:
    with pytest.raises(ConfigError, match=r"slurm\.extra_directives: "):
        script(resolved(slurm={"extra_directives": [option]}))


def test_the_name_of_a_job_begins_as_wished_and_is_unique() -> None:
    mine = resolved(slurm={"job_name": "mine"})
    assert job_name(mine) == f"mine-{mine.paths.key}"
    assert job_name(mine, "00ff") == f"mine-{mine.paths.key}-00ff"
    assert job_name(resolved()).startswith("jlab-mcp-p-")


def test_a_name_that_squeue_cannot_look_for_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"slurm.job_name: .* comma, got a,b"):
        script(resolved(slurm={"job_name": "a,b"}))
    with pytest.raises(ConfigError, match=r"slurm\.job_name: SLURM takes 1024 bytes"):
        script(resolved(slurm={"job_name": "x" * 1000}))


def test_sbatch_gets_an_environment_that_asks_for_nothing() -> None:
    environ = {
        "PATH": "/bin",
        "SBATCH_ACCOUNT": "x",
        "SLURM_JOB_ID": "7",
        "SLURM_CLUSTERS": "beta",
        "SALLOC_QOS": "y",
        "SRUN_CPUS_PER_TASK": "2",
        "SLURMD_NODENAME": "n1",
        "SLURM_CONF": "/etc/alpha.conf",
        "SLURM_JWT": "key",
        "JUPYTER_TOKEN": "secret",
        "MY_SLURM_JOB": "kept",
    }
    kept, removed = submit_environment(environ)
    assert kept == {name: environ[name] for name in ("PATH", "SLURM_CONF", "SLURM_JWT", "MY_SLURM_JOB")}
    assert removed == sorted(environ.keys() - kept.keys())
    assert sbatch_command(Path("a job.sh")) == ["sbatch", "--parsable", "a job.sh"]


def test_variables_of_sbatch_that_a_profile_can_say_are_told() -> None:
    profile = resolved(slurm={"qos": "long"})
    environ = {
        "SBATCH_ACCOUNT": "my project",
        "SBATCH_TIMELIMIT": "10",
        "SBATCH_QOS": "long",
        "SLURM_CLUSTERS": "beta",
        "SBATCH_ARRAY_INX": "1",
        "SLURM_JOB_ID": "7",
    }
    assert unused_variables(profile, environ) == [
        "SBATCH_ACCOUNT='my project' in your environment is not used; set slurm.account in the profile",
        "SBATCH_TIMELIMIT=10 in your environment is not used; set slurm.time in the profile",
        "SLURM_CLUSTERS=beta in your environment is not used; set slurm.clusters in the profile",
    ]
