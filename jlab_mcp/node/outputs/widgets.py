"""The state of a kernel's widgets as a notebook keeps it, and what Output widgets catch. Pure.

Rules: every widget that the kernel opened while we listened is saved, closed ones too, as nbclient does
it, so that outputs which show one find it; those of an earlier kernel stay as long as an output shows them.
While an Output widget names a request in `msg_id`, what that request puts out is the widget's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .bundles import mapping
from .folding import Output, OutputFolder

STATE_MIME = "application/vnd.jupyter.widget-state+json"
VIEW_MIME = "application/vnd.jupyter.widget-view+json"
LIMIT_CHARS = 16_000_000
_CAUGHT_CHARS = 200_000  # of stream text that one Output widget keeps
_REFERENCE = "IPY_MODEL_"
_CAUGHT_TYPES = frozenset({"stream", "display_data", "execute_result", "error", "clear_output"})


class _Model:
    """One widget: its state, its binary parts by their path, and how many characters each of them has."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.buffers: dict[str, dict[str, Any]] = {}
        self.sizes: dict[str, int] = {}
        self.closed = False
        self.caught: OutputFolder | None = None  # of an Output widget
        self.catches = ""  # id of the request whose outputs it takes
        self.unsent = False

    @property
    def size(self) -> int:
        return sum(self.sizes.values())

    def update(self, state: Mapping[str, Any], buffers: Iterable[tuple[list[Any], bytes]]) -> None:
        for key, value in state.items():
            self.state[key] = value
            for stale in [name for name, part in self.buffers.items() if part["path"][:1] == [key]]:
                del self.buffers[stale]
                self.sizes.pop(stale, None)
            self.sizes[key] = _size(value)
        for path, data in buffers:
            encoded = base64.b64encode(data).decode("ascii")
            name = json.dumps(path)
            self.buffers[name] = {"data": encoded, "encoding": "base64", "path": path}
            self.sizes[name] = len(encoded)

    def saved(self) -> dict[str, Any]:
        state = self.state if self.caught is None else {**self.state, "outputs": self.caught.outputs()}
        body = {
            "model_name": state.get("_model_name"),
            "model_module": state.get("_model_module"),
            "model_module_version": state.get("_model_module_version"),
            "state": state,
        }
        return {**body, "buffers": list(self.buffers.values())} if self.buffers else body


class Widgets:
    """The widgets of one kernel.

    Args:
        limit_chars: what all states together may have; beyond it closed widgets are let go first, and what
            then does not fit is not kept.

    Attributes:
        changed: whether `saved` would say something new since it was last asked.
        left_out: how many widgets are not kept because there was no room.
    """

    def __init__(self, limit_chars: int = LIMIT_CHARS) -> None:
        self.changed = False
        self.left_out = 0
        self._limit = limit_chars
        self._total = 0
        self._models: dict[str, _Model] = {}
        self._catching: dict[str, list[_Model]] = {}  # Output widgets by the request they name, last one last

    def feed(self, msg_type: str, content: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> bool:
        """Take a comm message of the kernel.

        Returns:
            Whether a widget's state changed.
        """
        comm_id = str(content.get("comm_id"))
        data: Any = content.get("data")
        data = data if isinstance(data, dict) else {}
        if msg_type == "comm_open" and content.get("target_name") == "jupyter.widget":
            self._models[comm_id] = _Model()
        model = self._models.get(comm_id)
        if model is None:
            return False
        if msg_type == "comm_close":
            model.closed = True
            return False
        if not isinstance(data.get("state"), dict):
            return False  # a custom message, as canvases draw with
        state = mapping(data["state"])
        if data.get("method") == "echo_update":
            state = {
                key: value for key, value in state.items() if key != "outputs"
            }  # an echo of ours, maybe late
        paths = data.get("buffer_paths") or []
        self._total -= model.size
        model.update(state, zip(paths, buffers))
        self._total += model.size
        if state.get("_model_name") == "OutputModel":
            model.caught = OutputFolder(_CAUGHT_CHARS)
        self._follow(model, state)
        self._make_room(comm_id)
        self.changed = True
        return True

    def catch(self, msg_id: str, msg_type: str, content: dict[str, Any]) -> bool:
        """Give an output message of this request to the Output widget that takes it; False without one."""
        if msg_type not in _CAUGHT_TYPES:
            return False
        model = self._catching.get(msg_id, [None])[-1]
        if model is None or model.caught is None:
            return False
        if model.caught.feed(msg_type, content):
            model.unsent = self.changed = True
        return True

    def update_display(self, display_id: str, content: dict[str, Any]) -> bool:
        """Change the displays of this id that Output widgets have caught; whether there were any."""
        found = False
        for model in self._models.values():
            if model.caught is not None and model.caught.update(display_id, content):
                model.unsent = self.changed = found = True
        return found

    def take_unsent(self) -> dict[str, list[Output]]:
        """Return what the kernel does not know yet: the outputs of Output widgets by their ids."""
        unsent = {key: model for key, model in self._models.items() if model.unsent}
        for model in unsent.values():
            model.unsent = False
        return {key: model.caught.outputs() for key, model in unsent.items() if model.caught is not None}

    def caught_in(self, output: Mapping[str, Any]) -> list[Output]:
        """Return what the Output widgets caught that a cell's output shows, in the order of the widgets."""
        seen = _references(_shown_by([output]), self.state_of)
        models = (self._models[key] for key in seen if key in self._models)
        return [each for model in models if model.caught is not None for each in model.caught.outputs()]

    def saved(self, before: Mapping[str, Any], outputs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the notebook's metadata `widgets` as it is to be now.

        Args:
            before: what it was.
            outputs: all outputs of the notebook.
        """
        self.changed = False
        state = {key: model.saved() for key, model in self._models.items() if "_model_name" in model.state}
        if not state:
            return dict(before)
        block = before.get(STATE_MIME)
        earlier = block.get("state") if isinstance(block, dict) else None
        if isinstance(earlier, dict) and earlier.keys() - state.keys():
            shown = _references(_shown_by(outputs), lambda key: state.get(key) or earlier.get(key))
            state = {**{key: earlier[key] for key in earlier if key in shown and key not in state}, **state}
        return {**before, STATE_MIME: {"state": state, "version_major": 2, "version_minor": 0}}

    def forget(self) -> None:
        """Let go of all widgets: their kernel is gone. What was saved of them stays in the notebook."""
        self._models.clear()
        self._catching.clear()
        self._total = 0

    def state_of(self, key: str) -> dict[str, Any] | None:
        """Return the state of a widget by its id, to read; None if it is not known."""
        model = self._models.get(key)
        return model.state if model is not None else None

    def _follow(self, model: _Model, state: Mapping[str, Any]) -> None:
        if model.caught is None:
            return
        if "msg_id" in state:
            self._redirect(model, str(state["msg_id"] or ""))
        if isinstance(state.get("outputs"), (list, tuple)):
            model.caught.clear()
            for output in state["outputs"]:
                model.caught.feed(str(output.get("output_type")), output)
            model.state["outputs"] = []  # those that count are the caught ones
            model.sizes["outputs"] = 0

    def _redirect(self, model: _Model, msg_id: str) -> None:
        """Have an Output widget take the outputs of this request, or of none."""
        before = self._catching.get(model.catches, [])
        if model in before:
            before.remove(model)
            if not before:
                del self._catching[model.catches]
        model.catches = msg_id
        if msg_id:
            self._catching.setdefault(msg_id, []).append(model)

    def _make_room(self, newest: str) -> None:
        closed = [key for key, model in self._models.items() if model.closed]
        for key in [*closed, newest]:
            if self._total <= self._limit:
                return
            model = self._models.pop(key)
            self._redirect(model, "")
            self._total -= model.size
            self.left_out += 1


def _size(value: object) -> int:
    """About how many characters a value takes in the file."""
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, dict):
        return sum(len(str(key)) + 4 + _size(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return sum(2 + _size(item) for item in value)
    return 8


def _shown_by(outputs: Iterable[Mapping[str, Any]]) -> list[str]:
    views = [(output.get("data") or {}).get(VIEW_MIME) for output in outputs]
    return [str(view["model_id"]) for view in views if isinstance(view, dict) and "model_id" in view]


def _references(ids: list[str], state_of: Any) -> dict[str, None]:
    """Return these ids and those that the states under them refer to, in order."""
    seen: dict[str, None] = {}
    waiting = list(ids)
    while waiting:
        key = waiting.pop(0)
        if key not in seen:
            seen[key] = None
            waiting += _named(state_of(key))
    return seen


def _named(value: object) -> list[str]:
    if isinstance(value, str):
        return [value[len(_REFERENCE) :]] if value.startswith(_REFERENCE) else []
    if isinstance(value, dict):
        return [name for item in value.values() for name in _named(item)]
    if isinstance(value, (list, tuple)):
        return [name for item in value for name in _named(item)]
    return []
