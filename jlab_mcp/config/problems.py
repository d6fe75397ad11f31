"""What is wrong with a setting, in one sentence that names its origin, its value and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.environment import variable_of
from jlab_mcp.config.profiles import line_of
from jlab_mcp.core.nearest import nearest
from jlab_mcp.core.profile import Allowed, Profile
from jlab_mcp.core.resolver import BUILT_IN, Origin, setting_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def describe(error: ValidationError, origins: Mapping[str, Origin]) -> list[str]:
    """Word every problem of a failed validation, without repeats."""
    return list(dict.fromkeys(_sentence(detail, origins) for detail in error.errors(include_url=False)))


def _sentence(detail: ErrorDetails, origins: Mapping[str, Origin]) -> str:
    path = ".".join(str(part) for part in detail["loc"] if isinstance(part, str))
    if detail["type"] == "contradiction":
        first, second = (f"{path}.{name}" for name in detail["ctx"]["fields"])
        section = detail["input"]
        return f"{_stated(first, section, origins)} {detail['msg']} {_stated(second, section, origins)}"
    origin = origins.get(path, BUILT_IN)
    if detail["type"] == "extra_forbidden":
        return f"{place(origin, path)} is no setting{nearest(path, list(setting_paths()))}"
    value = json.dumps(origin.text or str(detail["input"]), ensure_ascii=False)
    shown = value.encode("utf-8", "backslashreplace").decode("utf-8")  # a variable may hold any bytes
    return f"{place(origin, path)} is {shown}, expected {_allowed(path) or detail['msg']}"


def place(origin: Origin, path: str) -> str:
    """Name the setting by the thing the user can change."""
    if origin.kind == "profile":
        return f"{origin.where}{line_of(Path(origin.where), path)}: {path}"
    return origin.where if origin.kind in ("variable", "flag") else path


def _stated(path: str, section: Any, origins: Mapping[str, Origin]) -> str:
    """Say name and value of one side of a contradiction."""
    origin = origins.get(path, BUILT_IN)
    field = path.rpartition(".")[2]
    if origin.kind == "built-in":
        default = _field(path).default
        return f"{variable_of(path)} ({default}, the default)"
    value = section.get(field) if isinstance(section, dict) else getattr(section, field, "")
    return f"{place(origin, path)} ({origin.text or value})"


def _field(path: str) -> Any:
    """Return the pydantic field of a dotted path, or None."""
    model: Any = Profile
    info: Any = None
    for part in path.split("."):
        info = getattr(model, "model_fields", {}).get(part)
        model = getattr(info, "annotation", None)
    return info


def _allowed(path: str) -> str:
    """Return what a field accepts, as its type states it."""
    info = _field(path)
    return next((text for text in _allowed_texts(info.annotation, info.metadata) if text), "") if info else ""


def _allowed_texts(annotation: Any, metadata: Sequence[Any]) -> list[str]:
    """Look for `Allowed` on a type, and inside `X | None`."""
    texts = [item.text for item in metadata if isinstance(item, Allowed)]
    for inner in getattr(annotation, "__args__", ()):
        texts += _allowed_texts(inner, getattr(inner, "__metadata__", ()))
    return texts
