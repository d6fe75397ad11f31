"""What is wrong with a setting, in one sentence that names its origin, what is allowed and what was found."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.layers import shown
from jlab_mcp.core.fields import Allowed
from jlab_mcp.core.nearest import nearest
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.resolver import BUILT_IN, Origin, section_of, setting_paths
from jlab_mcp.core.secrets import MASK, is_secret
from jlab_mcp.core.words import in_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

    from jlab_mcp.core.contradictions import Contradiction

_VARS = "env.vars"
_SECTIONS = sorted({path.rpartition(".")[0] for path in setting_paths() if "." in path})
_PLACE = re.compile(r"(?P<file>.*?):(?P<line>\d+): ")


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


def in_order(problems: Sequence[str]) -> list[str]:
    """Sort what is wrong within each file by line; the rest stays where it is."""

    def key(item: tuple[int, str]) -> tuple[int, int]:
        match = _PLACE.match(item[1])
        return (first[match["file"]], int(match["line"])) if match else (item[0], 0)

    first: dict[str, int] = {}
    for index, problem in enumerate(problems):
        if match := _PLACE.match(problem):
            first.setdefault(match["file"], index)
    return [problem for _, problem in sorted(enumerate(problems), key=key)]


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
        section = path.rpartition(".")[0]
        return f"{place(_origin(section, origins), section, home)} needs {path.rpartition('.')[2]} as well"
    if detail["loc"][-1] == "[key]":
        return f"{where}: expected a name of letters, digits and underscores that does not begin with a digit"
    if section_of_path(path):
        return f"{where}: expected a section, `[{path}]` on a line of its own{_got(detail, origin, path)}"
    said = _own_words(detail)
    return f"{where}: {said or f'expected {_allowed(path) or _plain(detail)}'}{_got(detail, origin, path)}"


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
    inner = (origin for known, origin in origins.items() if known.startswith(f"{path}."))
    return next((origin for origin in inner if origin != BUILT_IN), BUILT_IN)


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
    known = [*setting_paths(), *_SECTIONS]
    close = nearest(path, known)
    if close:
        return close
    field = path.rpartition(".")[2]
    return next((f", did you mean `{name}`?" for name in known if name.rpartition(".")[2] == field), "")


def _got(detail: ErrorDetails, origin: Origin, path: str) -> str:
    """Say what was found, unless it may be a secret, and how TOML wants it written if that is the mistake."""
    value = detail["input"]
    if is_secret(path):
        return f", got {MASK}"
    if isinstance(value, (dt.time, dt.date)):
        return f', got a time of day: a duration must be quoted, "{value}"'
    if isinstance(value, bool):
        return f", got {str(value).lower()}"
    if isinstance(value, (int, float)):
        hint = f': text must be quoted, "{value}"' if detail["type"] == "string_type" else ""
        return f", got the number {value}{hint}"
    if isinstance(value, (dict, list, tuple)):
        return f", got {origin.text}" if origin.text else ""
    as_it_is = origin.text.startswith("[") or in_utf8(str(value)) == origin.text
    text = str(value) if as_it_is else origin.text or str(value)
    quoted = in_utf8(json.dumps(text, ensure_ascii=False))
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
