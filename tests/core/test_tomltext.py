"""Values as TOML."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.editing.tomltext import toml_key, toml_value

TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.one_of(TEXT, st.booleans(), st.integers(-(2**62), 2**62), st.lists(TEXT), st.floats(-1e9, 1e9))


@given(TEXT, VALUES)
def test_every_value_is_read_back_as_it_was(key: str, value: object) -> None:
    assert tomllib.loads(f"{toml_key(key)} = {toml_value(value)}  # comment\n") == {key: value}


def test_text_of_several_lines_stays_readable() -> None:
    assert toml_value("a\n'b'\n") == "'''\na\n'b'\n'''"
