"""One entry of a JSON file that a person wrote."""

from __future__ import annotations

import json

import pytest

from jlab_mcp.core.editing.jsonedit import set_entry

ENTRY = {"command": "jlab-mcp", "args": [], "env": {"A": "b"}}


def test_a_new_file_holds_the_entry() -> None:
    assert json.loads(set_entry("", "servers", "ours", ENTRY)) == {"servers": {"ours": ENTRY}}


def test_everything_else_is_kept_in_its_order_and_with_its_indentation() -> None:
    text = (
        '{\n    "über": 1,\n    "servers": {\n        "other": {"command": "x"}\n    },\n    "z": [1.5]\n}\n'
    )
    changed = set_entry(text, "servers", "ours", ENTRY)
    assert list(json.loads(changed)) == ["über", "servers", "z"]
    assert list(json.loads(changed)["servers"]) == ["other", "ours"]
    assert changed.startswith('{\n    "über": 1,\n')


def test_what_an_entry_says_beyond_ours_is_kept() -> None:
    text = '{"servers": {"ours": {"command": "old", "timeout": 5, "env": {"A": "x", "B": "c"}}}}'
    ours = json.loads(set_entry(text, "servers", "ours", ENTRY))["servers"]["ours"]
    assert ours == {"command": "jlab-mcp", "timeout": 5, "args": [], "env": {"A": "b", "B": "c"}}


def test_an_entry_that_is_there_changes_nothing() -> None:
    text = json.dumps({"servers": {"ours": ENTRY}}, indent=7)
    assert set_entry(text, "servers", "ours", ENTRY) == text


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "// a comment\n{}", '{"servers": []}', '{"servers": {"ours": 1}}', '{"a": 1, "a": 2}', '"x"'],
)
def test_a_file_that_cannot_be_changed_safely_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        set_entry(text, "servers", "ours", ENTRY)
