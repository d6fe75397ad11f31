from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from jlab_mcp.node.outputs import terminal
from jlab_mcp.node.outputs.terminal import TerminalText, uncoloured

COLOURED = st.lists(
    st.sampled_from(
        [
            "a",
            "bc",
            "é",
            "\n",
            "\r",
            "\b",
            "\r\n",
            "\x1b[31m",
            "\x1b[0m",
            "\x1b[K",
            "\x1b[2K",
            "\x1b",
            "[",
            "0",
            "m",
        ]
    ),
    max_size=60,
).map("".join)


def fold(*chunks: str, limit: int = 10_000_000) -> str:
    text = TerminalText(limit)
    for chunk in chunks:
        text.feed(chunk)
    head, left_out, tail = text.cut()
    assert left_out == 0
    return head + tail


def naive(text: str) -> str:
    """Character by character, without colours and without a limit."""
    lines: list[list[str]] = [[]]
    at = 0
    for char in text:
        if char == "\n":
            lines.append([])
            at = 0
        elif char == "\r":
            at = 0
        elif char == "\b":
            at = max(0, at - 1)
        else:
            lines[-1][at : at + 1] = [char]
            at += 1
    return "\n".join("".join(line) for line in lines)


@given(st.text(alphabet="abcé\n\r\b", max_size=200))
def test_folding_equals_a_naive_terminal(text: str) -> None:
    assert fold(text) == naive(text)


@given(COLOURED, st.lists(st.integers(0, 200), max_size=8))
@example("ab\rc\x1b[31md\x1b[Ke", [5])
@example("a\r\n", [2])
def test_folding_does_not_depend_on_the_chunks(text: str, cuts: list[int]) -> None:
    edges = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    chunks = [text[low:high] for low, high in zip(edges, edges[1:])]  # noqa: B905, RUF007 - Python 3.9
    assert fold(*chunks) == fold(text) == fold(*text)


@given(st.text(alphabet="ab\n\x1b[m31", max_size=100))
def test_text_without_movement_passes_untouched(text: str) -> None:
    assert fold(text) == text


def test_an_overwritten_line_keeps_its_colours() -> None:
    bar = "\r\x1b[32m{}%\x1b[0m done"
    assert fold(*(bar.format(number) for number in (10, 20, 30))) == "\x1b[0m\x1b[32m30%\x1b[0m done"


def test_colours_take_no_width() -> None:
    assert fold("\x1b[31mred\x1b[0m\rgre\n") == "\x1b[0mgre\n"


def test_erasing_to_the_end_of_the_line() -> None:
    assert fold("a long line\r\x1b[Kshort\n") == "short\n"


def test_a_line_without_end_is_settled_in_pieces() -> None:
    long = "x" * (terminal.LINE_CHARS + 10)
    assert fold(long, "\rback\n") == "x" * terminal.LINE_CHARS + "backxxxxxx\n"
    assert fold(*[long[start : start + 1000] for start in range(0, len(long), 1000)], "\rback\n") == fold(
        long + "\rback\n"
    )


@given(st.lists(st.text(alphabet="ab\n", max_size=50), max_size=40), st.integers(2, 100))
def test_head_and_tail_are_exact(chunks: list[str], limit: int) -> None:
    text = TerminalText(limit)
    for chunk in chunks:
        text.feed(chunk)
    whole, half = "".join(chunks), limit // 2
    head, left_out, tail = text.cut()
    assert head == whole[:half]
    assert head + whole[len(head) : len(head) + left_out] + tail == whole
    assert len(tail) == min(half, len(whole) - len(head))


def test_what_is_held_stays_small() -> None:
    text = TerminalText(10_000)
    for _ in range(2_000):
        text.feed("x" * 999 + "\n")
    assert text.kept < 60_000
    assert text.shown == 2_000_000


def test_a_line_without_its_escapes_is_its_characters():
    assert uncoloured("loss \x1b[33m0.1\x1b[0m é\x1b[K \x1b") == "loss 0.1 é "
