"""JSON Schemas of settings files, for editors and for checking shipped profiles.

They say what the loader takes, which is more than the models' own schemas: the word `none` for
everything, and text for a number or for true and false. The dialect is draft-07 without references,
which every language server for TOML or JSON reads.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from jlab_mcp.core.profile import ConfigFile, Profile
from jlab_mcp.core.resolver import section_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

DIALECT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]

_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_ONE_LINE = rf"^[^{_CONTROL}]*$"
_ONE_FULL_LINE = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
_CHECKED_BY_CODE = {
    "time": r"^\s*(?:[0-9]+(?::[0-5]?[0-9]){0,2}|[0-9]+-[0-9]+(?::[0-5]?[0-9]){0,2})\s*$",
    "mail_type": r"^[A-Za-z_]+(?:_[0-9]+)?(?:,[A-Za-z_]+(?:_[0-9]+)?)*$",
    "extra_directives": r"^\s*(?:--[a-z].*)?$",
    "bind_ip": r"^[0-9A-Fa-f:.]*[:.][0-9A-Fa-f:.]*(?:%\S+)?$",
}
"""What a text must look like whose check no pattern can do in full, by the name of its field.

No pattern looks ahead or back, which Rust's regular expressions, and so some editors, do not know.
"""
_NUMBER = r"^\s*[+-]?[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?\s*$"
_TRUTH_WORDS = ("true", "false", "t", "f", "yes", "no", "y", "n", "on", "off", "1", "0")


def profile_schema() -> str:
    """Return the schema of a profile file, as the text of its own file."""
    return as_text({"$schema": DIALECT, "title": "jlab-mcp profile", **_section(Profile)})


def config_schema() -> str:
    """Return the schema of a `config.toml`, and of a project's `.jlab-mcp.toml`."""
    return as_text({"$schema": DIALECT, "title": "jlab-mcp settings", **_section(ConfigFile)})


def output_schema(model: type[BaseModel], title: str) -> str:
    """Return the schema of what a command prints with `--json`."""
    schema = model.model_json_schema(mode="serialization")
    definitions = schema.pop("$defs", {})
    return as_text({"$schema": DIALECT, "title": title, **_inlined(schema, definitions)})


def as_text(schema: Schema) -> str:
    """Write a schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _section(model: type[BaseModel]) -> Schema:
    """Describe a section; nothing is required, since a parent or a lower layer may say it."""
    properties = {name: _property(name, info) for name, info in model.model_fields.items()}
    doc = (model.__doc__ or "").strip().partition("\n")[0]
    return {"description": doc, "type": "object", "additionalProperties": False, "properties": properties}


def _property(name: str, info: FieldInfo) -> Schema:
    section = section_of(info)
    forms = [_section(section)] if section else list(_forms(name, info))
    told: Schema = {"description": info.description} if info.description else {}
    told |= {"default": info.default} if isinstance(info.default, (bool, int, float, str)) else {}
    return {**told, **_union([*forms, {"type": "string", "pattern": _any_case(("none",))}])}


def _union(forms: Sequence[Schema]) -> Schema:
    """Join forms into one of several types, so that editors can say what is wrong with a value.

    Every keyword is about one type, so they do not disturb each other; only lists of values stay apart.
    """
    values = [form for form in forms if "enum" in form or "const" in form]
    others = [form for form in forms if form not in values]
    joined: Schema = {}
    for form in others:
        joined |= form
    joined["type"] = list(dict.fromkeys(form["type"] for form in others))
    texts = [form for form in others if form["type"] == "string"]
    if all("pattern" in form for form in texts):
        joined["pattern"] = "|".join(dict.fromkeys(form["pattern"] for form in texts))
    else:
        joined.pop("pattern", None)
    return {"anyOf": [*values, joined]} if values else joined


def _forms(name: str, info: FieldInfo) -> Iterator[Schema]:
    """Yield what a field may be, one form after the other: the model's own, then what is read as it."""
    adapter: TypeAdapter[Any] = TypeAdapter(_annotated(info))
    own = adapter.json_schema()
    forms = [_plain(form) for form in own.get("anyOf", [own]) if form.get("type") != "null"]
    for form in forms:
        if form["type"] == "string":
            yield form | _pattern(name, form, adapter)
        elif form["type"] == "object":
            yield _mapping(form)
        else:
            yield form
    kinds = {form["type"] for form in forms}
    if "boolean" in kinds:
        yield {"type": "integer", "minimum": 0, "maximum": 1}
        yield {"type": "string", "pattern": _any_case(_TRUTH_WORDS)}
    elif kinds <= {"integer", "number"} and _takes(adapter, "1"):
        yield {"type": "string", "pattern": _NUMBER}


def _annotated(info: FieldInfo) -> Any:
    """Return a field's type with what pydantic took off it."""
    return Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation


def _pattern(name: str, form: Schema, adapter: TypeAdapter[Any]) -> Schema:
    """Return a pattern for a text whose own check is code."""
    if form.keys() & {"enum", "const", "pattern"}:
        return {}
    if name in _CHECKED_BY_CODE:
        return {"pattern": _CHECKED_BY_CODE[name]}
    if _takes(adapter, "a\nb"):
        return {}
    return {"pattern": _ONE_LINE if _takes(adapter, "") else _ONE_FULL_LINE}


def _mapping(form: Schema) -> Schema:
    """Describe names with texts: environment variables."""
    ((names, _),) = form["patternProperties"].items()
    values = {"type": ["string", "integer"], "pattern": _ONE_LINE}
    return {"type": "object", "patternProperties": {names: values}, "additionalProperties": False}


def _plain(form: Schema) -> Schema:
    return {
        key: value for key, value in form.items() if key not in ("title", "default", "description", "format")
    }


def _any_case(words: Iterable[str]) -> str:
    """Return a pattern for words in upper, lower and mixed case; not every dialect has a flag for it."""
    spelt = (
        "".join(f"[{char.upper()}{char}]" if char.isalpha() else char for char in word) for word in words
    )
    return rf"^\s*(?:{'|'.join(spelt)})\s*$"


def _takes(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _inlined(schema: Any, definitions: Schema) -> Any:
    """Put each definition where it is referred to; titles, which only repeat names, go."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return _inlined(
            {**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions
        )
    return {
        key: {name: _inlined(item, definitions) for name, item in value.items()}
        if key in ("properties", "patternProperties")
        else _inlined(value, definitions)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
