"""Text within a budget."""

import json

import pytest

from jlab_mcp.core.words import bytes_in_words, clean, fold_repeats, head_and_tail, middle_out, shorten


def test_escape_codes_and_control_characters_are_dropped():
    text = "\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 a\x00b\x08\tc\r\nd"
    assert clean(text) == "red link ab\tc\nd"


def test_runs_of_identical_lines_are_folded():
    assert fold_repeats("a\n" + "same\n" * 1000 + "b") == "a\nsame\n[the line above 999 more times]\nb"


def test_a_few_lines_that_are_repeated_together_are_folded():
    warning = "x.py:3: UserWarning: old\n  warnings.warn('old')\n"
    folded = "x.py:3: UserWarning: old\n  warnings.warn('old')\n[the 2 lines above 499 more times]\nend"
    assert fold_repeats(warning * 500 + "end") == folded
    assert fold_repeats("a\n\n" * 9 + "b") == "a\n\n[the 2 lines above 8 more times]\nb"


def test_a_few_identical_lines_and_blank_ones_stay():
    text = "x\nx\nx\n\n\n\n\n\ny"
    assert fold_repeats(text) == text


def test_short_text_is_not_cut():
    assert head_and_tail("short", 100) == "short"


def test_head_and_tail_stay_and_the_note_says_what_is_missing_and_where():
    text = "".join(f"line {number}\n" for number in range(100_000))
    cut = head_and_tail(text, 1_000, where="the full text is in /tmp/x")
    head, note, tail = (
        cut.partition("[…")[0],
        cut.partition("[…")[2].partition("…]")[0],
        cut.partition("…]")[2],
    )
    assert head.startswith("line 0\nline 1\n")
    assert tail.endswith("line 99999\n")
    left_out = len(text) - len(head.removesuffix("\n")) - len(tail.removeprefix("\n"))
    assert note.strip() == f"{left_out:,} characters left out; the full text is in /tmp/x"
    assert len(cut) <= 1_000 + 100


def test_the_note_counts_what_was_cut_before():
    assert "999,9" in head_and_tail("x" * 5_000, 100, total=1_000_000)


@pytest.mark.parametrize("character", ["a", "é", "漢", "😀", '"', "\n", "\ud83d"])
def test_the_budget_holds_in_bytes_of_json_too(character):
    cut = head_and_tail(character * 1_000_000, 12_000)
    assert len(json.dumps(cut, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= 13_500
    assert len(cut) >= 3_000


def test_a_budget_of_nothing_leaves_the_note():
    assert head_and_tail("text", 0) == "[… 4 characters left out …]"
    assert head_and_tail("", 0) == ""


def test_shorten_ends_in_an_ellipsis():
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"


def test_the_middle_of_many_lines_is_dropped():
    lines = [str(number) for number in range(10)]
    assert middle_out(lines, 2, 3) == ["0", "1", "[… 5 lines left out …]", "7", "8", "9"]
    assert middle_out(lines, 5, 4) == lines


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (5, "5 bytes"),
        (1000, "1.0 kB"),
        (23_456, "23 kB"),
        (999_600, "1.0 MB"),
        (12e9, "12 GB"),
        (2e12, "2.0 TB"),
    ],
)
def test_sizes_are_said_in_words(count, said):
    assert bytes_in_words(count) == said
