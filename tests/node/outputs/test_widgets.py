"""The state of widgets and the catching of outputs, message by message."""

from __future__ import annotations

import base64
from typing import Any

from jlab_mcp.node.outputs.widgets import STATE_MIME, VIEW_MIME, Widgets


def opened(widgets: Widgets, comm_id: str, name: str = "IntSliderModel", **state: Any) -> None:
    state = {"_model_name": name, "_model_module": "m", "_model_module_version": "2.0.0", **state}
    content = {"comm_id": comm_id, "target_name": "jupyter.widget", "data": {"state": state}}
    assert widgets.feed("comm_open", content)


def changed(
    widgets: Widgets, comm_id: str, state: dict[str, Any], method: str = "update", **data: Any
) -> bool:
    return widgets.feed("comm_msg", {"comm_id": comm_id, "data": {"method": method, "state": state, **data}})


def states(widgets: Widgets, before: dict[str, Any] | None = None, *shown: str) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "data": {VIEW_MIME: {"model_id": key}}} for key in shown]
    saved: dict[str, Any] = widgets.saved(before or {}, outputs)
    return dict(saved.get(STATE_MIME, {}).get("state", {}))


def printed(text: str) -> dict[str, Any]:
    return {"name": "stdout", "text": text}


def test_a_widget_is_saved_as_it_is_now():
    widgets = Widgets()
    opened(widgets, "a", value=1)
    assert changed(widgets, "a", {"value": 2})
    assert widgets.changed
    assert states(widgets) == {
        "a": {
            "model_name": "IntSliderModel",
            "model_module": "m",
            "model_module_version": "2.0.0",
            "state": {
                "_model_name": "IntSliderModel",
                "_model_module": "m",
                "_model_module_version": "2.0.0",
                "value": 2,
            },
        }
    }
    assert not widgets.changed


def test_a_closed_widget_stays_and_other_comms_leave_nothing():
    widgets = Widgets()
    opened(widgets, "a")
    widgets.feed("comm_close", {"comm_id": "a", "data": {}})
    assert not widgets.feed(
        "comm_open", {"comm_id": "b", "target_name": "other", "data": {"state": {"x": 1}}}
    )
    assert not widgets.feed("comm_msg", {"comm_id": "b", "data": {"state": {"x": 2}}})
    assert not widgets.feed("comm_msg", {"comm_id": "a", "data": {"method": "custom", "content": {}}})
    assert list(states(widgets)) == ["a"]


def test_binary_parts_are_kept_by_their_path():
    widgets = Widgets()
    opened(widgets, "a")
    for data in (b"first", b"second"):
        content = {
            "comm_id": "a",
            "data": {"method": "update", "state": {"image": None}, "buffer_paths": [["image"]]},
        }
        widgets.feed("comm_msg", content, [data])
    part = {"data": base64.b64encode(b"second").decode(), "encoding": "base64", "path": ["image"]}
    assert states(widgets)["a"]["buffers"] == [part]
    changed(widgets, "a", {"image": "text now"})
    assert "buffers" not in states(widgets)["a"]


def test_an_output_widget_takes_what_its_request_puts_out():
    widgets = Widgets()
    opened(widgets, "out", "OutputModel", outputs=[], msg_id="")
    assert not widgets.catch("request", "stream", printed("before"))
    changed(widgets, "out", {"msg_id": "request"})
    assert widgets.catch("request", "stream", printed("50%\r"))
    assert widgets.catch("request", "stream", printed("100%\n"))
    assert not widgets.catch("another", "stream", printed("elsewhere"))
    assert not widgets.catch("request", "status", {"execution_state": "idle"})
    changed(widgets, "out", {"msg_id": ""})
    assert not widgets.catch("request", "stream", printed("after"))
    caught = [{"output_type": "stream", "name": "stdout", "text": "100%\n"}]
    assert states(widgets)["out"]["state"]["outputs"] == caught
    assert widgets.take_unsent() == {"out": caught}
    assert widgets.take_unsent() == {}


def test_the_last_of_nested_output_widgets_takes_them():
    widgets = Widgets()
    for name in ("outer", "inner"):
        opened(widgets, name, "OutputModel")
        changed(widgets, name, {"msg_id": "request"})
    widgets.catch("request", "stream", printed("in"))
    changed(widgets, "inner", {"msg_id": ""})
    widgets.catch("request", "stream", printed("out"))
    assert [states(widgets)[name]["state"]["outputs"][0]["text"] for name in ("outer", "inner")] == [
        "out",
        "in",
    ]


def test_the_one_that_was_entered_last_takes_them_and_not_the_one_that_was_made_last():
    widgets = Widgets()
    opened(widgets, "first", "OutputModel")
    opened(widgets, "second", "OutputModel")
    changed(widgets, "second", {"msg_id": "request"})
    changed(widgets, "first", {"msg_id": "request"})
    widgets.catch("request", "stream", printed("x"))
    assert widgets.take_unsent().keys() == {"first"}


def test_an_output_widget_is_cleared_and_its_displays_are_updated():
    widgets = Widgets()
    opened(widgets, "out", "OutputModel")
    changed(widgets, "out", {"msg_id": "r"})
    widgets.catch("r", "stream", printed("old"))
    widgets.catch("r", "clear_output", {"wait": True})
    assert states(widgets)["out"]["state"]["outputs"][0]["text"] == "old"
    widgets.catch(
        "r", "display_data", {"data": {"text/plain": "1"}, "metadata": {}, "transient": {"display_id": "d"}}
    )
    assert widgets.update_display("d", {"data": {"text/plain": "2"}, "metadata": {}})
    assert states(widgets)["out"]["state"]["outputs"] == [
        {"output_type": "display_data", "data": {"text/plain": "2"}, "metadata": {}}
    ]


def test_outputs_that_the_code_sets_replace_what_was_caught_and_a_late_echo_does_not():
    widgets = Widgets()
    opened(widgets, "out", "OutputModel")
    changed(widgets, "out", {"msg_id": "r"})
    widgets.catch("r", "stream", printed("caught"))
    changed(widgets, "out", {"outputs": []}, method="echo_update")
    assert states(widgets)["out"]["state"]["outputs"][0]["text"] == "caught"
    set_to = [{"output_type": "stream", "name": "stdout", "text": "set"}]
    changed(widgets, "out", {"outputs": set_to})
    assert states(widgets)["out"]["state"]["outputs"] == set_to


def test_what_a_shown_container_holds_was_caught_in_it():
    widgets = Widgets()
    opened(widgets, "out", "OutputModel")
    opened(widgets, "box", "HBoxModel", children=["IPY_MODEL_out"])
    changed(widgets, "out", {"msg_id": "r"})
    widgets.catch("r", "stream", printed("inside"))
    output = {"output_type": "display_data", "data": {VIEW_MIME: {"model_id": "box"}}}
    assert [each["text"] for each in widgets.caught_in(output)] == ["inside"]
    assert widgets.caught_in({"output_type": "stream"}) == []


def test_widgets_of_an_earlier_kernel_stay_while_an_output_shows_them():
    widgets = Widgets()
    opened(widgets, "box", "HBoxModel", children=["IPY_MODEL_child"])
    opened(widgets, "child")
    opened(widgets, "lost")
    before = widgets.saved({"foreign": 1}, [])
    widgets.forget()
    assert widgets.saved(before, []) == before
    opened(widgets, "new")
    assert set(states(widgets, before, "box")) == {"box", "child", "new"}
    assert widgets.saved(before, [])["foreign"] == 1


def test_memory_is_bounded_and_closed_widgets_go_first():
    widgets = Widgets(limit_chars=10_000)
    opened(widgets, "closed", text="x" * 4_000)
    opened(widgets, "open", text="y" * 4_000)
    widgets.feed("comm_close", {"comm_id": "closed", "data": {}})
    opened(widgets, "third", text="z" * 4_000)
    assert set(states(widgets)) == {"open", "third"}
    opened(widgets, "huge", text="h" * 20_000)
    assert set(states(widgets)) == {"open", "third"}
    assert widgets.left_out == 2
    for number in range(1000):
        changed(widgets, "open", {"value": "v" * (number % 100)})
    assert set(states(widgets)) == {"open", "third"}
