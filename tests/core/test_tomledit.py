"""One line of a file that a person wrote."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.editing.tomledit import set_key


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'profile = "a"\n'),
        ("# mine\n", '# mine\nprofile = "a"\n'),
        ("mode = 'local'", "mode = 'local'\nprofile = \"a\"\n"),
        ('profile = "b"  # why\nmode = "local"\n', 'profile = "a"  # why\nmode = "local"\n'),
        ("profile='#b'#why\n", 'profile = "a"#why\n'),
        ('"profile" = "b"\n', 'profile = "a"\n'),
        ("# top\n\n[slurm]\ntime = 90 # short\n", '# top\nprofile = "a"\n\n[slurm]\ntime = 90 # short\n'),
        ("[slurm]\ntime = 90\n", 'profile = "a"\n\n[slurm]\ntime = 90\n'),
        ("version = 1\r\n[slurm]\r\n", 'version = 1\r\nprofile = "a"\r\n\r\n[slurm]\r\n'),
        ('\ufeffprofile = "b"\n', '\ufeffprofile = "a"\n'),
        (
            '[output]\nx = """\nprofile = "b"\n"""\n',
            'profile = "a"\n\n[output]\nx = """\nprofile = "b"\n"""\n',
        ),
        (
            'x = """\n[a]\nprofile = 1\n"""\nprofile = "b"\n',
            'x = """\n[a]\nprofile = 1\n"""\nprofile = "a"\n',
        ),
        ("x = [\n  1,\n]\n", 'x = [\n  1,\n]\nprofile = "a"\n'),
        ('profile = "a"\n', 'profile = "a"\n'),
    ],
)
def test_only_the_line_of_the_key_is_changed_or_added(before: str, after: str) -> None:
    assert set_key(before, "profile", "a") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("# mine\nmode = 'local'\n", "# mine\nmode = 'local'\n"),
        ('# mine\nprofile = "b"\nmode = "local"\n', '# mine\nmode = "local"\n'),
    ],
)
def test_a_key_is_taken_out_with_its_line(before: str, after: str) -> None:
    assert set_key(before, "profile", None) == after


@pytest.mark.parametrize("text", ["profile = \n", 'profile = """\nb"""\n', "[profile]\nx = 1\n", "x"])
def test_what_one_line_cannot_change_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        set_key(text, "profile", "a")


LINES = st.lists(
    st.sampled_from(
        ["# c", "", "mode = 'local' # x", "version = 1", "[slurm]", "time = 90", "text = '''", "'''", "list = [", "]", "  "]
    ),
    max_size=12,
)  # fmt: skip


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.text(min_size=1, max_size=5))
def test_nothing_but_the_key_ever_changes(lines: list[str], end: str, name: str) -> None:
    text = end.join(lines)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    try:
        changed = set_key(text, "profile", name)
    except (ValueError, UnicodeEncodeError):
        return
    assert tomllib.loads(changed) == {**before, "profile": name}
    for line in lines:
        assert changed.count(line) >= text.count(line)
    assert tomllib.loads(set_key(changed, "profile", None)) == before
