"""What is wrong with a setting, in one sentence that names its origin, what is allowed and what was found."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.layers import shown
from jlab_mcp.core.fields import Allowed
from jlab_mcp.core.nearest import nearest
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import BUILT_IN, Origin, section_of, setting_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

    from jlab_mcp.core.contradictions import Contradiction

_VARS = "env.vars"


def describe(
    details: Sequence[ErrorDetails],
    found: Sequence[Contradiction],
    origins: Mapping[str, Origin],
    *,
    home: Path,
) -> list[str]:
    """Word every problem of a failed validation and every contradiction, without repeats."""
    sentences = [_sentence(detail, origins, home) for detail in details]
    sentences += [_contradiction(contradiction, origins, home) for contradiction in found]
    return list(dict.fromkeys(sentences))


def place(origin: Origin, path: str, home: Path) -> str:
    """Name a setting by the thing its user can change."""
    if origin.in_file:
        return f"{shown(Path(origin.where), home, path)}: {path}"
    return origin.where if origin.kind in ("variable", "flag") else path


def _sentence(detail: ErrorDetails, origins: Mapping[str, Origin], home: Path) -> str:
    if detail["type"] == "extra_forbidden":
        path = ".".join(str(part) for part in detail["loc"])
        return f"{place(_origin(path, origins), path, home)}: there is no such setting{_nearest(path)}"
    path = _path(detail["loc"])
    origin = _origin(path, origins)
    where = place(origin, path, home)
    if detail["type"] == "missing":
        return f"{where}: is missing"
    if section_of_path(path):
        return f"{where}: expected a section, `[{path}]` on a line of its own{_got(detail['input'], origin)}"
    said = _own_words(detail)
    return f"{where}: {said or f'expected {_allowed(path) or _plain(detail)}'}{_got(detail['input'], origin)}"


def _contradiction(found: Contradiction, origins: Mapping[str, Origin], home: Path) -> str:
    first, second = origins.get(found.first, BUILT_IN), origins.get(found.second, BUILT_IN)
    where = place(first, found.first, home)
    subject = f'"{first.text}"' if where.endswith(found.first) else f'{found.first} "{first.text}"'
    head = f"{where}: {subject} {found.words} {found.second}"
    if second.kind == "built-in":
        return f"{head}{found.default}"
    other = place(second, found.second, home).removesuffix(f": {found.second}")
    advice = "" if found.default else '; take one of them back with "none"'
    return f'{head} "{second.text}" ({other}){advice}'


def _origin(path: str, origins: Mapping[str, Origin]) -> Origin:
    """Return where a setting, or the first of what a section holds, was set."""
    if found := origins.get(path):
        return found
    return next((origin for known, origin in origins.items() if known.startswith(f"{path}.")), BUILT_IN)


def _path(loc: Sequence[int | str]) -> str:
    """Return the dotted path of a setting; what pydantic adds for members of unions and lists is left out."""
    known = set(setting_paths())
    path = ""
    for part in loc:
        longer = f"{path}.{part}" if path else str(part)
        if path in known and path != _VARS:
            break
        path = longer
        if path.startswith(f"{_VARS}."):
            break
    return path


def section_of_path(path: str) -> bool:
    """Say whether a dotted path is that of a section."""
    info = _field(path)
    return info is not None and section_of(info) is not None


def _nearest(path: str) -> str:
    known = list(setting_paths())
    close = nearest(path, known)
    if close:
        return close
    field = path.rpartition(".")[2]
    return next((f", did you mean `{name}`?" for name in known if name.rpartition(".")[2] == field), "")


def _got(value: object, origin: Origin) -> str:
    """Say what was found, and how TOML wants it written where that is the mistake."""
    if isinstance(value, (dt.time, dt.date)):
        return f', got a time of day: a duration must be quoted, "{value}"'
    if isinstance(value, bool):
        return f", got {str(value).lower()}"
    if isinstance(value, (int, float)):
        hint = f': text must be quoted, "{value}"' if origin.in_file else ""
        return f", got the number {value}{hint if isinstance(value, int) else ''}"
    text = origin.text or ("" if isinstance(value, (dict, list, tuple)) else str(value))
    quoted = json.dumps(text, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
    return f", got {quoted}" if text else ", got nothing"


def _own_words(detail: ErrorDetails) -> str:
    """Return the sentence that a check of ours gave, if it gave one."""
    return detail["msg"] if detail["type"] == "own_words" else ""


def _plain(detail: ErrorDetails) -> str:
    message = detail["msg"]
    return message[:1].lower() + message[1:]


def _field(path: str) -> Any:
    """Return the pydantic field of a dotted path, or None."""
    model: Any = Profile
    info: Any = None
    for part in path.split("."):
        info = getattr(model, "model_fields", {}).get(part)
        model = section_of(info) if info is not None else None
    return info


def _allowed(path: str) -> str:
    """Return what a field accepts, as its type states it."""
    info = _field(_VARS if path.startswith(f"{_VARS}.") else path)
    return next((text for text in _allowed_texts(info.annotation, info.metadata) if text), "") if info else ""


def _allowed_texts(annotation: Any, metadata: Sequence[Any]) -> list[str]:
    """Look for `Allowed` on a type, and inside `X | None`."""
    texts = [item.text for item in metadata if isinstance(item, Allowed)]
    for inner in getattr(annotation, "__args__", ()):
        texts += _allowed_texts(inner, getattr(inner, "__metadata__", ()))
    return texts
