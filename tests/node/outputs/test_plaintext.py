"""The plain text of outputs."""

from jlab_mcp.node.outputs.plaintext import text_of


def test_a_stream_is_its_text() -> None:
    assert text_of({"output_type": "stream", "name": "stdout", "text": "a\nb"}) == "a\nb"


def test_text_split_into_lines_is_joined() -> None:
    assert text_of({"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]}) == "a\nb"


def test_a_result_is_its_plain_form_after_a_note_of_what_else_there_is() -> None:
    output = {"output_type": "execute_result", "data": {"text/plain": "  a\n0 1", "text/html": "<table>"}}
    assert text_of(output) == "[text/html, 7 characters]\n  a\n0 1\n"


def test_a_picture_is_named_with_its_size() -> None:
    assert (
        text_of({"output_type": "display_data", "data": {"image/png": "AAAA"}})
        == "[image/png, 4 characters]\n"
    )


def test_data_that_is_no_text_is_named_with_its_size() -> None:
    data = {"application/json": {"a": 1}}
    assert text_of({"output_type": "display_data", "data": data}) == "[application/json, 8 characters]\n"


def test_markdown_stands_for_a_display_without_a_plain_form() -> None:
    assert text_of({"output_type": "display_data", "data": {"text/markdown": "**a**"}}) == "**a**\n"


def test_an_error_is_its_traceback() -> None:
    output = {"output_type": "error", "ename": "E", "evalue": "x", "traceback": ["line 1", "E: x"]}
    assert text_of(output) == "line 1\nE: x\n"


def test_an_error_without_a_traceback_is_its_own_words() -> None:
    assert text_of({"output_type": "error", "ename": "E", "evalue": "x", "traceback": []}) == "E: x\n"


def test_an_output_with_nothing_in_it_is_an_empty_line() -> None:
    assert text_of({"output_type": "display_data", "data": {}}) == "\n"
