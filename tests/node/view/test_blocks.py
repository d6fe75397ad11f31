"""Outputs as the page draws them."""

from __future__ import annotations

from typing import Any

from jlab_mcp.node.view.blocks import block
from jlab_mcp.node.view.widgets import widget


def of(data: dict[str, Any], states: dict[str, Any] | None = None) -> dict[str, Any]:
    return block({"output_type": "display_data", "data": data, "metadata": {}}, (states or {}).get, "")


def test_each_kind_of_output_has_a_drawing():
    assert of({"text/plain": "x"}) == {"kind": "text", "name": "", "text": "x"}
    assert (
        of({"image/png": "AAAA", "text/plain": "<Figure size 640x480 with 1 Axes>"})["alt"]
        == "figure, 640 by 480 pixels"
    )
    assert of({"text/html": "<b>x</b>", "text/plain": "x"})["script"] is False
    assert of({"text/html": "<script>1</script>"})["script"] is True
    assert of({"application/javascript": "1"})["kind"] == "frame"
    assert of({"text/markdown": "*a*"})["kind"] == "tree"
    assert (
        of({"application/json": {"a": 1}, "text/plain": "<IPython.core.display.JSON object>"})["text"]
        == '{\n  "a": 1\n}'
    )
    assert of({"text/latex": "$x$", "text/plain": "<Latex>"})["text"] == "<Latex>"
    assert of({"application/x-unheard-of": "?"})["text"] == "[application/x-unheard-of]"
    # What only a script can show, and a picture shows as well, is the picture.
    assert of({"text/html": "<script>1</script>", "image/png": "AAAA"})["kind"] == "picture"


def test_a_long_text_keeps_its_begin_and_its_end_in_whole_lines():
    text = "".join(f"row {number}\n" for number in range(50_000))
    shown = block({"output_type": "stream", "name": "stdout", "text": text}, lambda _: None, "")
    assert shown["head"].startswith("row 0\n")
    assert shown["head"].endswith("\n")
    assert shown["text"].startswith("row ")
    assert shown["text"].endswith("row 49999\n")
    assert len(shown["head"]) + len(shown["text"]) + shown["cut"] == len(text)
    assert len(shown["head"]) + len(shown["text"]) < 20_000


def test_an_error_has_its_name_and_traceback():
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a", "b"]}
    assert block(error, lambda _: None, "") == {"kind": "error", "name": "E", "text": "a\nb", "value": "v"}


def test_a_progress_bar_of_widgets_is_drawn_and_a_ring_of_them_ends():
    states: dict[str, Any] = {
        "box": {
            "_model_name": "HBoxModel",
            "children": ["IPY_MODEL_l", "IPY_MODEL_p", "IPY_MODEL_box", "IPY_MODEL_?"],
        },
        "l": {"_model_name": "HTMLModel", "value": "<b>50&nbsp;%</b><script>x</script>"},
        "p": {
            "_model_name": "FloatProgressModel",
            "min": 10.0,
            "max": 20.0,
            "value": 15.0,
            "bar_style": "success",
        },
    }
    made = widget("box", states.get)
    assert made is not None
    assert made["children"][0] == {"kind": "text", "text": "50\xa0%"}
    assert made["children"][1] == {
        "kind": "progress",
        "label": "",
        "value": 5.0,
        "max": 10.0,
        "style": "success",
    }
    assert (
        of({"application/vnd.jupyter.widget-view+json": {"model_id": "gone"}, "text/plain": "Bar()"})["text"]
        == "Bar()"
    )
