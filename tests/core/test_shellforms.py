"""What a shell is shown of an output."""

from __future__ import annotations

from typing import Any

import pytest

from jlab_mcp.core.shellforms import error_words, picture_in, words_in


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"text/plain": "42"}, "42"),
        ({"text/plain": ["a\n", "b"], "text/html": "<b>a</b>"}, "a\nb"),
        ({"text/plain": "<IPython.core.display.Markdown object>", "text/markdown": "# hi"}, "# hi"),
        (
            {"text/plain": "<IPython.core.display.HTML object>", "text/html": "<p>one</p><p>two</p>"},
            "one\ntwo",
        ),
        ({"text/plain": "<IPython.core.display.Latex object>", "text/latex": "$x$"}, "$x$"),
        (
            {"text/plain": "<Figure size 640x480 with 1 Axes>", "image/png": "AAAA"},
            "<Figure size 640x480 with 1 Axes>",
        ),
        ({"text/html": "<td>a</td><td>b</td>"}, "a | b"),
        ({"text/latex": "$x$"}, "$x$"),
        ({"application/json": {"a": [1]}}, '{\n "a": [\n  1\n ]\n}'),
        ({"application/pdf": "A" * 2048}, "[application/pdf, 2.0 kB]"),
        ({"image/png": "AAAA"}, ""),
        ({}, ""),
    ],
)
def test_the_words_are_those_that_say_most(data: dict[str, Any], shown: str) -> None:
    assert words_in(data) == shown


def test_a_picture_is_found_in_whatever_form_it_is() -> None:
    png = picture_in({"text/plain": "x", "image/png": "aGVs\nbG8=\n"})
    assert png is not None
    assert (png.data, png.suffix, png.is_svg) == (b"hello", ".png", False)
    svg = picture_in({"image/svg+xml": ["<svg>", "</svg>"]})
    assert svg is not None
    assert (svg.data, svg.suffix, svg.is_svg) == (b"<svg></svg>", ".svg", True)
    assert picture_in({"image/png": "a"}) is None
    assert picture_in({"text/plain": "x"}) is None


def test_an_error_without_a_traceback_has_its_own_words() -> None:
    assert error_words({"ename": "E", "evalue": "v", "traceback": []}) == "E: v"
    assert error_words({"ename": "E", "evalue": "v", "traceback": ["a", "b"]}) == "a\nb"
