from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.validator import validate

from jlab_mcp.node.outputs.folding import OutputFolder

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "messages.json").read_text(encoding="utf-8")
)["cells"]


def folded(name: str, folder: OutputFolder | None = None) -> list[dict[str, Any]]:
    folder = folder or OutputFolder()
    for message in RECORDED[name]:
        folder.feed(message["msg_type"], message["content"])
    return folder.outputs()


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def fold_text(chunks: list[str], **options: Any) -> OutputFolder:
    folder = OutputFolder(**options)
    for chunk in chunks:
        folder.feed("stream", {"name": "stdout", "text": chunk})
    return folder


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_every_recorded_cell_folds_to_valid_outputs(name: str) -> None:
    for output in folded(name):
        validate(output, ref="output", version=4, version_minor=5)
        json.dumps(output, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("unicode", [stream("naïve café 東京 🎉 — ½\n")]),
        ("lone_surrogate", [stream("a�b\n")]),
        ("ansi", [stream("\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[0m\n")]),
        ("clear_output", [stream("stays\n")]),
        ("clear_output_wait", [stream("frame 2\n")]),
        ("clear_output_wait_last", [stream("stays\n")]),
        ("progress", [stream("100%|#####|\n", "stderr")]),
        ("backspaces", [stream("done\n")]),
        ("crlf", [stream("one\ntwo\n")]),
        (
            "interleaved",
            [stream("out 0\n"), stream("err 0\n", "stderr"), stream("out 1\n"), stream("err 1\n", "stderr")],
        ),
    ],
)
def test_streams_read_as_a_terminal_shows_them(name: str, outputs: list[dict[str, Any]]) -> None:
    assert folded(name) == outputs


def test_a_result_carries_its_count_and_no_transient_data() -> None:
    folder = OutputFolder()
    (output,) = folded("result", folder)
    assert output["data"] == {"text/plain": "2"}
    assert folder.execution_count == output["execution_count"] == 1
    assert set(output) == {"output_type", "data", "metadata", "execution_count"}


def test_pictures_markup_and_json_stay_whole() -> None:
    assert folded("html")[0]["data"]["text/html"] == "<b>bold</b>"
    assert folded("svg")[0]["data"]["image/svg+xml"].startswith("<svg")
    assert folded("png")[0]["data"]["image/png"].startswith("iVBOR")
    assert folded("json")[0]["data"]["application/json"] == {"a": [1, 2.5, None], "b": "é"}


def test_an_update_changes_every_display_of_its_id_also_from_a_later_cell() -> None:
    folder = OutputFolder()
    texts = [output["data"]["text/plain"] for output in folded("update_display", folder)]
    assert texts == ["'second'", "'between'", "'second'"]
    assert set(folder.display_places()) == {"one"}
    (later,) = [m for m in RECORDED["update_from_next_cell"] if m["msg_type"] == "update_display_data"]
    other = OutputFolder()
    assert not other.feed(later["msg_type"], later["content"])
    assert other.outputs() == []
    assert folder.update("one", later["content"])
    assert folder.outputs()[0]["data"]["text/plain"] == "'third'"


def test_a_cleared_display_is_not_updated() -> None:
    folder = OutputFolder()
    folded("update_display", folder)
    assert folder.feed("clear_output", {"wait": False})
    assert folder.display_places() == {}
    assert not folder.update("one", {"data": {"text/plain": "late"}})


@pytest.mark.parametrize(
    ("name", "ename"),
    [
        ("error", "ValueError"),
        ("input", "StdinNotImplementedError"),
        ("exit", "SystemExit"),
        ("syntax_error", "SyntaxError"),
    ],
)
def test_an_error_is_an_output_and_an_attribute(name: str, ename: str) -> None:
    folder = OutputFolder()
    (output,) = [output for output in folded(name, folder) if output["output_type"] == "error"]
    assert output["ename"] == ename
    assert folder.error == {"ename": ename, "evalue": output["evalue"]}
    assert output["traceback"]


def test_outputs_that_were_given_out_do_not_change_any_more() -> None:
    folder = OutputFolder()
    first = folded("update_display", folder)
    kept = copy.deepcopy(first)
    assert folder.update("one", {"data": {"text/plain": "later"}})
    folder.feed("stream", {"name": "stdout", "text": "more"})
    assert first == kept
    assert folder.outputs() != kept


def test_a_message_without_effect_says_so() -> None:
    folder = OutputFolder()
    assert not folder.feed("stream", {"name": "stdout", "text": ""})
    assert not folder.feed("status", {"execution_state": "busy"})
    assert not folder.feed("clear_output", {"wait": False})
    assert folder.feed("stream", {"name": "stdout", "text": "x"})


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"data": None, "metadata": None, "transient": None},
        {
            "data": {"text/plain": 3, "text/html": ["a", "b"], "image/png": None},
            "metadata": {"x": float("nan")},
        },
        {"data": {"text/plain": "\ud800", "application/json": float("inf")}, "transient": {"display_id": 7}},
    ],
)
def test_what_a_careless_kernel_sends_still_makes_valid_outputs(content: dict[str, Any]) -> None:
    folder = OutputFolder()
    for msg_type in ("display_data", "execute_result", "error", "stream", "update_display_data"):
        folder.feed(msg_type, content)
    for output in folder.outputs():
        validate(output, ref="output", version=4, version_minor=5)
        json.dumps(output, allow_nan=False).encode()


@given(st.lists(st.text(max_size=20), max_size=20))
def test_bytes_are_counted_as_utf8(chunks: list[str]) -> None:
    assert fold_text(chunks).text_bytes == len("".join(chunks).encode())


CHUNKS = st.lists(st.text(alphabet="ab\n\r\b", max_size=30), max_size=30)


@given(CHUNKS, st.integers(10, 200))
def test_past_the_limit_all_text_goes_to_the_spill_and_head_and_tail_stay(
    chunks: list[str], limit: int
) -> None:
    spilled: list[str] = []
    folder = fold_text(chunks, limit_chars=limit, spill=spilled.append, spill_name="out.txt")
    raw = "".join(chunks)
    assert folder.spilled == (len(raw) > limit)
    assert "".join(spilled) == (raw if folder.spilled else "")
    shown = "".join(output["text"] for output in folder.outputs())
    whole = "".join(output["text"] for output in fold_text([raw]).outputs())
    marker = re.search(r"\n?\[… ([\d,]+) characters left out; the full text is in out\.txt …\]\n", shown)
    if len(whole) <= limit // 2 * 2:
        assert shown == whole
    else:
        assert marker
        assert int(marker.group(1).replace(",", "")) == len(whole) - limit // 2 * 2
        assert whole.startswith(shown[: limit // 2])
        assert whole.endswith(shown[-(limit // 2) :])


def test_without_a_spill_long_text_is_still_cut() -> None:
    folder = fold_text(["x" * 99 + "\n"] * 100, limit_chars=1000)
    (output,) = folder.outputs()
    assert "[… 9,000 characters left out …]" in output["text"]
    assert not folder.spilled


def test_two_alternating_streams_do_not_grow_without_end() -> None:
    folder = OutputFolder(limit_chars=10_000)
    for number in range(5_000):
        folder.feed("stream", {"name": "stdout", "text": f"out {number}\n"})
        folder.feed("stream", {"name": "stderr", "text": f"err {number}\n"})
        if number == 1:
            folder.feed("display_data", {"data": {"text/plain": "kept"}, "metadata": {}})
    outputs = folder.outputs()
    assert outputs[0]["text"] == "out 0\n"
    assert outputs[-1]["text"] == "err 4999\n"
    assert len(outputs) < 1_000
    assert [output["data"] for output in outputs if output["output_type"] == "display_data"] == [
        {"text/plain": "kept"}
    ]
    said = [output["text"] for output in outputs if "left out" in output.get("text", "")]
    missing = sum(int(re.findall(r"[\d,]+", text)[0].replace(",", "")) for text in said)
    shown = sum(len(output["text"]) for output in outputs if output["output_type"] == "stream") - len(
        "".join(said)
    )
    assert shown + missing == sum(2 * len(f"out {number}\n") for number in range(5_000))


@pytest.mark.parametrize(
    ("fed", "outputs"),
    [
        ([], [stream("over\n", "stderr")]),
        (["stdout:out"], [stream("out"), stream("over\n", "stderr")]),
        (["stderr:50%|##"], [stream("50%|##\nover\n", "stderr")]),
        (
            ["stderr:a\n", "stdout:x", "stderr:y\n"],
            [stream("a\n", "stderr"), stream("x"), stream("y\nover\n", "stderr")],
        ),
    ],
)
def test_a_last_line_comes_last_whatever_is_still_fed(fed: list[str], outputs: list[dict[str, Any]]) -> None:
    folder = OutputFolder()
    folder.last_line = "over"
    for each in fed:
        name, _, text = each.partition(":")
        folder.feed("stream", {"name": name, "text": text})
    assert folder.outputs() == outputs
    folder.feed("clear_output", {"wait": False})
    assert folder.outputs() == [stream("over\n", "stderr")]
