"""The text of a new profile file."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.drafting.draft import fit_name, free_name, profile_text
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import setting_paths, value_at

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_VALUES = st.one_of(_TEXT, st.integers(-(2**40), 2**40), st.booleans(), st.lists(_TEXT, max_size=3))
_PATHS = st.sampled_from([path for path in setting_paths() if path not in ("version", "env.vars")])


def _at(values: dict[str, Any], path: str) -> Any:
    for part in path.split("."):
        values = values[part]
    return values


@given(
    values=st.dictionaries(_PATHS, _VALUES),
    variables=st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), _TEXT),
    words=st.text(max_size=200),
)
def test_whatever_is_written_is_read_again_and_no_comment_leaves_its_line(
    values: dict[str, Any], variables: dict[str, str], words: str
) -> None:
    written = {**values, **{f"env.vars.{name}": text for name, text in variables.items()}}

    text = profile_text(f"file:///x/{words}", [words], written, dict.fromkeys(written, words))
    said = tomllib.loads(text)

    assert said.pop("version") == 1
    for path, value in values.items():
        assert _at(said, path) == value
    assert said.get("env", {}).get("vars", {}) == variables
    assert text.encode()  # no half of a surrogate pair is left


def test_each_value_stands_under_its_reason_in_the_order_of_the_settings() -> None:
    values = {"env.modules": ["cuda"], "slurm.time": "1:00:00", "slurm.partition": "gpu", "extends": "raven"}

    text = profile_text("file:///s", ["Made here."], values, {"slurm.time": "half a working day"})

    assert text == (
        "#:schema file:///s\n# Made here.\n"
        'version = 1\nextends = "raven"\n\n'
        '[slurm]\npartition = "gpu"\n# half a working day\ntime = "1:00:00"\n\n'
        '[env]\nmodules = [\n    "cuda",\n]\n'
    )


@given(st.text())
def test_any_text_makes_a_name_that_a_profile_may_have(text: str) -> None:
    name = fit_name(text)

    assert value_at(Profile(extends=name), "extends") == name


def test_a_taken_name_gets_a_number() -> None:
    assert free_name("a", ["b"]) == "a"
    assert free_name("a", ["a", "a-2"]) == "a-3"
