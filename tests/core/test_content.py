"""Outputs as a model sees them."""

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from jlab_mcp.core.content import Limits, render, summary
from jlab_mcp.core.markup import TIMES, html_text, svg_size, svg_text


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: Any) -> dict[str, Any]:
    mimes = {key.replace("_", "/", 1).replace("__", "+"): value for key, value in data.items()}
    return {"output_type": "display_data", "data": mimes, "metadata": {}}


def png(width: int = 64, height: int = 48) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "PNG")
    return base64.encodebytes(buffer.getvalue()).decode()


def text_of(*outputs: dict[str, Any], limits: Limits | None = None) -> str:
    return render(outputs, limits or Limits()).text


def test_outputs_come_in_order_and_stderr_is_marked():
    outputs = [stream("one\n"), stream("two\n", "stderr"), stream("three\n"), shown(text_plain="42")]
    assert text_of(*outputs) == "one\n[stderr]\ntwo\n[stdout]\nthree\n42"


def test_a_text_that_is_a_list_of_lines_is_joined():
    assert text_of({"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]}) == "a\nb"


def test_a_table_is_shown_as_its_plain_text():
    assert (
        text_of(shown(text_html="<table><tr><td>1</td></tr></table>", text_plain="   a\n0  1"))
        == "   a\n0  1"
    )


def test_html_without_a_plain_form_is_shown_as_its_text():
    html = (
        "<style>td {}</style><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2 &lt; 3</td></tr></table>"
    )
    seen = text_of(shown(text_html=html, text_plain="<IPython.core.display.HTML object>"))
    assert seen == "a | b\n1 | 2 < 3"


PANDAS = """<table border="1" class="dataframe"><thead><tr style="text-align: right;">
<th></th><th>a</th><th>b</th><th>c</th></tr></thead>
<tbody><tr><th>0</th><td>1</td><td>2</td><td>3</td></tr></tbody></table>"""


@pytest.mark.parametrize(
    "plain", ["   a  ...  c\n0  1  ...  3\n\n[1 rows x 3 columns]", "   a  b  \\\n0  1  2   \n\n   c\n0  3"]
)
def test_a_table_whose_plain_form_leaves_columns_out_or_wraps_is_shown_by_its_html(plain):
    assert text_of(shown(text_html=PANDAS, text_plain=plain)) == "| a | b | c\n0 | 1 | 2 | 3"


def test_dots_in_the_cells_of_a_table_or_a_table_beyond_the_budget_leave_its_plain_form():
    plain = "      a\n0  ... x"
    assert text_of(shown(text_html=PANDAS, text_plain=plain)) == plain
    cut = "   a  ...  c\n0  1  ...  3"
    assert (
        text_of(shown(text_html=PANDAS.replace("1", "10000"), text_plain=cut), limits=Limits(chars=26)) == cut
    )


def test_markdown_is_shown_as_it_is_written():
    assert text_of(shown(text_markdown="**bold**", text_plain="<Markdown object>")) == "**bold**"


def test_latex_is_shown_where_there_is_nothing_plainer():
    assert text_of(shown(text_latex="$x^2$", text_plain="<IPython.core.display.Math object>")) == "$x^2$"


def test_json_is_shown_indented():
    assert text_of(shown(application_json={"a": [1]})) == '{\n "a": [\n  1\n ]\n}'


def test_what_has_no_words_is_named_with_its_size():
    assert text_of(shown(video_mp4="A" * 5000)) == "[video/mp4, 5.0 kB, in the notebook only]"


def test_a_picture_has_a_line_in_its_place():
    content = render(
        [stream("before\n"), shown(image_png=png(), text_plain="<Figure>"), stream("after")], Limits()
    )
    before, line, after = content.text.split("\n")
    assert (before, after) == ("before", "after")
    assert line.startswith(f"[picture 1: PNG 64{TIMES}48, ")
    assert [picture.mime_type for picture in content.pictures] == ["image/png"]


def test_a_picture_that_was_shrunk_says_from_what():
    content = render([shown(image_png=png(4000, 2000))], Limits())
    assert f"1568{TIMES}784, from 4000{TIMES}2000" in content.text


def test_more_pictures_than_an_answer_holds_are_named():
    content = render([shown(image_png=png())] * 10, Limits(pictures=8))
    assert len(content.pictures) == 8
    last = "[pictures 9 to 10: not shown because an answer holds at most 8; they are in the notebook]"
    assert content.text.splitlines()[8:] == [last]
    one = render([shown(image_png=png())] * 9, Limits(pictures=8)).text.splitlines()[-1]
    assert one.startswith("[picture 9: not shown")


@pytest.mark.parametrize("data", ["", "!!!", base64.b64encode(b"nonsense").decode()])
def test_a_broken_picture_is_a_line_of_words(data):
    content = render([shown(image_png=data)], Limits())
    assert "not shown" in content.text
    assert content.pictures == ()


def test_svg_that_is_not_drawn_is_a_note_with_its_words():
    svg = '<svg width="10pt" height="20pt"><title>t</title><text>a &amp; b</text><style>x</style></svg>'
    seen = text_of(shown(image_svg__xml=svg), limits=Limits(pictures=0))
    assert seen.endswith("in the notebook only; text in it: t · a & b]")
    assert f"SVG picture 10pt{TIMES}20pt" in seen


def test_svg_is_drawn_and_its_words_are_told():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40"><circle r="9"/><text y="20">label</text></svg>'
    content = render([shown(image_svg__xml=svg)], Limits())
    (picture,) = content.pictures
    assert (picture.mime_type, picture.width, picture.height) == ("image/png", 80, 40)
    assert content.text.startswith(f"[picture 1: PNG 80{TIMES}40, ")
    assert content.text.endswith(", drawn from SVG; text in it: label]")


def test_a_large_svg_is_drawn_within_the_edge():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="3000pt" height="1000pt"><circle r="9"/></svg>'
    (picture,) = render([shown(image_svg__xml=svg)], Limits(edge=300)).pictures
    assert (picture.width, picture.height) == (300, 100)


def test_what_a_widget_looks_like_is_no_matter_of_words():
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    assert (
        text_of({"output_type": "display_data", "data": {"text/plain": "IntSlider(value=3)", **view}})
        == "IntSlider(value=3)"
    )


def test_an_error_is_its_traceback_without_colours():
    traceback = [
        "\x1b[31m----\x1b[0m",
        "ZeroDivisionError  Traceback",
        "1 1/0",
        "ZeroDivisionError: division by zero",
    ]
    output = {
        "output_type": "error",
        "ename": "ZeroDivisionError",
        "evalue": "division by zero",
        "traceback": traceback,
    }
    assert text_of(output) == "----\nZeroDivisionError  Traceback\n1 1/0\nZeroDivisionError: division by zero"


def test_a_long_traceback_loses_its_middle():
    lines = [f"frame {number}" for number in range(1000)] + ["RecursionError: too deep"]
    output = {"output_type": "error", "ename": "RecursionError", "evalue": "too deep", "traceback": lines}
    seen = text_of(output).split("\n")
    assert len(seen) < 50
    assert seen[0] == "frame 0"
    assert seen[-1] == "RecursionError: too deep"


def test_an_error_without_a_traceback_is_its_name_and_text():
    assert text_of({"output_type": "error", "ename": "E", "evalue": "v", "traceback": []}) == "E: v"
    assert text_of({"output_type": "error", "ename": "", "evalue": "2", "traceback": []}) == "error: 2"


def test_long_output_keeps_head_and_tail_and_names_the_file():
    seen = render(
        [stream("".join(f"{number}\n" for number in range(100_000)))],
        Limits(),
        full_text="the full text is in /x",
        full_chars=10**8,
    ).text
    assert len(seen) < 12_200
    assert seen.startswith("0\n1\n")
    assert seen.endswith("99999")
    assert "characters left out; the full text is in /x …]" in seen


def test_words_hold_no_base64():
    assert png()[:20] not in json.dumps(text_of(shown(image_png=png())))


def test_a_summary_names_pictures_and_shortens_errors():
    error = {"output_type": "error", "ename": "E", "evalue": "v" * 1000, "traceback": ["long"] * 100}
    seen = summary([stream("hello\n"), shown(image_png=png()), error], 300)
    assert seen.startswith("hello\n[picture: PNG, ")
    assert "E: vvv" in seen
    assert len(seen) < 400


@pytest.mark.parametrize(
    "output", [{}, {"output_type": "display_data"}, {"output_type": "stream"}, {"data": 3}]
)
def test_odd_outputs_do_no_harm(output):
    assert text_of(output) == ""


def test_html_text_of_unclosed_markup():
    assert html_text("<p>one<p>two<br>three<script>x") == "one\ntwo\nthree"


def test_svg_without_size_and_words():
    assert svg_size("<svg><path d='M0'/></svg>") == ""
    assert svg_size("no svg") == ""
    assert svg_text("<svg><path d='M0'/></svg>") == ""
