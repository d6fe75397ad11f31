"""What a cell has no room for: in the cell a note, in the files all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.validator import validate

from jlab_mcp.node.outputs.folding import OutputFolder
from jlab_mcp.node.outputs.plaintext import text_of
from jlab_mcp.node.outputs.spool import Spool
from jlab_mcp.node.sessions.executor import Execution


class Files:
    """Takes what a folder hands on."""

    def __init__(self, limit_chars: int = 1_000, limit_rich: int = 5_000) -> None:
        self.text: list[str] = []
        self.lines: list[str] = []
        self.folder = OutputFolder(
            limit_chars,
            limit_rich,
            spill=self.text.append,
            spill_output=self.lines.append,
            spill_name="/x/cell-1.txt",
        )

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in "".join(self.lines).split("\n")[:-1]]

    def display(self, data: dict[str, Any], display_id: str | None = None) -> dict[str, Any]:
        transient = {"display_id": display_id} if display_id else {}
        self.folder.feed("display_data", {"data": data, "metadata": {}, "transient": transient})
        return self.folder.outputs()[-1]


def test_a_long_result_keeps_head_and_tail_and_the_file_has_all_text_in_order() -> None:
    files = Files()
    files.folder.feed("stream", {"name": "stdout", "text": "before\n"})
    files.display({"text/plain": "short", "text/html": "<b>short</b>"})
    files.folder.feed(
        "execute_result", {"data": {"text/plain": "r" * 99_999 + "!"}, "metadata": {}, "execution_count": 1}
    )
    files.folder.feed("stream", {"name": "stderr", "text": "after\n"})
    whole = "before\n" + "[text/html, 12 characters]\nshort\n" + "r" * 99_999 + "!\n" + "after\n"
    assert "".join(files.text) == whole
    assert files.folder.text_bytes == len(whole)
    shown = files.folder.outputs()[2]["data"]["text/plain"]
    note = "\n[… 99,000 characters left out; the full text is in /x/cell-1.txt …]\n"
    assert shown == "r" * 500 + note + "r" * 499 + "!"


def test_a_long_traceback_keeps_head_and_tail_and_the_file_has_it() -> None:
    files = Files()
    lines = [f"line {number}" for number in range(1_000)]
    files.folder.feed("error", {"ename": "ValueError", "evalue": "é" * 5_000, "traceback": lines})
    (output,) = files.folder.outputs()
    assert "".join(files.text) == "\n".join(lines) + "\n"
    assert output["traceback"][0] == "line 0"
    assert output["traceback"][-1] == "line 999"
    assert [line for line in output["traceback"] if "left out" in line]
    assert files.folder.error == {"ename": "ValueError", "evalue": output["evalue"]}
    assert len(output["evalue"]) < 300


def test_outputs_beyond_the_limit_of_a_cell_go_whole_to_a_file_and_the_cell_says_so() -> None:
    files = Files()
    assert files.display({"text/html": "h" * 3_000, "text/plain": "one"})["data"]["text/html"] == "h" * 3_000
    second = files.display({"text/html": "h" * 3_000, "text/plain": "two"})
    line = "[… text/html, {} characters, left out; whole in /x/cell-1.outputs.jsonl …]\n"
    (kept,) = files.outputs
    assert kept["data"] == {"text/html": "h" * 3_000, "text/plain": "two"}
    assert second["data"] == {"text/plain": "two\n" + line.format(f"{len(files.lines[0]):,}")}
    assert files.display({"text/plain": "small ones still have room"})["data"]["text/plain"].startswith(
        "small"
    )


def test_of_very_many_outputs_only_the_number_is_left_in_the_cell() -> None:
    files = Files()
    for number in range(5_000):
        files.display({"image/png": f"{number:099d}"})
    outputs = files.folder.outputs()
    assert len(outputs) < 60
    shown = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert shown == [f"{number:099d}" for number in range(len(shown))]
    assert [int(output["data"]["image/png"]) for output in files.outputs] == list(range(len(shown), 5_000))
    assert "outputs, " in outputs[-1]["text"]
    assert "left out; whole in /x/cell-1.outputs.jsonl" in outputs[-1]["text"]


def test_thousands_of_ordinary_displays_all_stay_in_the_cell() -> None:
    folder = OutputFolder()
    for number in range(5_000):
        folder.feed("display_data", {"data": {"text/plain": str(number), "text/html": "<b>" * 1_000}})
    assert len(folder.outputs()) == 5_000


def test_an_update_that_is_too_large_goes_to_the_files_once_and_all_its_places_say_so() -> None:
    files = Files()
    for _ in range(3):
        files.display({"text/plain": "small"}, display_id="one")
    update = {"data": {"text/html": "h" * 3_000, "text/plain": "p" * 2_000}}
    assert files.folder.update("one", update)
    assert [output["data"] for output in files.outputs] == [update["data"]]
    assert "p" * 2_000 in "".join(files.text)
    assert files.folder.text_bytes == len("".join(files.text))
    shown = [output["data"]["text/plain"] for output in files.folder.outputs()]
    assert len(set(shown)) == 1
    assert "left out" in shown[0]
    assert files.folder.update("one", {"data": {"text/plain": "small again"}})
    assert files.folder.outputs()[2]["data"] == {"text/plain": "small again"}


def test_the_files_stop_at_their_limit_and_the_answer_says_how_much_is_missing(tmp_path: Path) -> None:
    execution = Execution("abcd", None, "", "1", Spool(str(tmp_path / "cell-1.txt"), limit_bytes=2_000_001))
    for _ in range(300):
        message = {
            "header": {"msg_type": "stream"},
            "content": {"name": "stdout", "text": "é" * 4_999 + "\n"},
        }
        execution.feed(message)
    shown = execution.as_json()
    execution.close_files()
    text = Path(shown["output_file"]).read_text()
    assert text == ("é" * 4_999 + "\n") * 200 + "é" * 100
    assert shown["output_bytes"] == 300 * 9_999
    assert f"the {300 * 9_999 - len(text.encode()):,} bytes after them" in shown["notice"]
    assert "has the first 2,000,001 bytes, the most that is kept" in shown["notice"]
    cell = shown["outputs"][0]["text"]
    assert f"; the first 2,000,001 bytes of the full text are in {shown['output_file']} …]" in cell
    assert cell.endswith("é" * 4_999 + "\n")


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["\x00", "\ud800", "\x1b[31m" * 50, "x" * 2_500, 10**4_000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MIMES = st.sampled_from(
    ["text/plain", "text/html", "image/png", "application/json", "application/x+json", "", "nonsense"]
)
RICH = st.fixed_dictionaries(
    {},
    optional={
        "data": st.dictionaries(MIMES, ANY, max_size=4) | ANY,
        "metadata": ANY,
        "transient": st.just({"display_id": "one"}) | ANY,
        "execution_count": ANY,
        "wait": ANY,
        "name": st.sampled_from(["stdout", "stderr"]) | ANY,
        "text": st.text(alphabet="ab\r\n\b\x1b", max_size=300) | ANY,
        "ename": ANY,
        "evalue": ANY,
        "traceback": st.lists(st.text(max_size=20), max_size=3) | ANY,
    },
)
PUT_OUT = ("stream", "display_data", "execute_result", "error")
MESSAGES = st.lists(
    st.tuples(st.sampled_from([*PUT_OUT, "update_display_data", "clear_output", "execute_input"]), RICH),
    max_size=15,
)


@settings(max_examples=40, deadline=None)
@given(MESSAGES)
def test_whatever_is_fed_the_outputs_are_valid_bounded_and_all_text_is_kept(
    messages: list[tuple[str, dict[str, Any]]],
) -> None:
    files = Files()
    for msg_type, content in messages * 4:
        files.folder.feed(msg_type, content)
    outputs = files.folder.outputs()
    for output in [*outputs, *files.outputs]:
        validate(output, ref="output", version=4, version_minor=5)
        json.dumps(output, allow_nan=False).encode()
    assert sum(len(json.dumps(output, ensure_ascii=False)) for output in outputs) < 50_000
    if files.folder.spilled:
        assert len("".join(files.text).encode()) == files.folder.text_bytes


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PUT_OUT), RICH), max_size=15))
def test_between_cell_and_files_nothing_is_lost(messages: list[tuple[str, dict[str, Any]]]) -> None:
    files, roomy = Files(), OutputFolder(10**9, 10**9)
    for msg_type, content in messages:
        files.folder.feed(msg_type, content)
        roomy.feed(msg_type, content)
    shown, whole = files.folder.outputs(), roomy.outputs()
    text = "".join(files.text)
    for output in whole:
        rich = {key: data for key, data in output.get("data", {}).items() if key != "text/plain"}
        found = [each for each in [*shown, *files.outputs] if rich.items() <= each.get("data", {}).items()]
        assert output in shown or output in files.outputs or (found and files.folder.spilled)
        assert output in shown or output["output_type"] == "stream" or text_of(output) in text or not text


@pytest.mark.parametrize("depth", [90, 150, 900])
def test_json_nested_too_deep_becomes_text_where_it_does(depth: int) -> None:
    value: Any = "end"
    for _ in range(depth):
        value = {"a": value}
    folder = OutputFolder()
    folder.feed("display_data", {"data": {"application/json": value}, "metadata": {}})
    text = json.dumps(folder.outputs(), indent=1)
    assert text.count('"a"') + text.count('\\"a\\"') == depth
    json.loads(text)
