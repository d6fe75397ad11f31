"""The page of settings, made of the models that check them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from docs.generate.markdown import NOTICE, code, table
from jlab_mcp.config.environment import PROFILE, variables
from jlab_mcp.config.places import CONFIG
from jlab_mcp.core.fields import Allowed
from jlab_mcp.core.profile import ConfigFile, Profile, Section, Settings
from jlab_mcp.core.resolver import section_of

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_INTRODUCTION = """\
All that a profile can say. Each setting is a key of a TOML file and a variable; `start --set KEY=VALUE`
changes one for one start. The word `none` takes back what a lower layer set. Relative paths start at the
project folder. Which layer goes before which is in [Profiles](../profiles.md#where-settings-come-from);
`jlab-mcp profile show --origin` says where each value comes from.

The same as JSON Schema, for editors and programs: `jlab-mcp profile schema`."""

_UNSET = """\
An empty variable counts as unset. One that begins with `JLAB_MCP_` and is none of these is warned about. The
published variables `JLAB_MCP_SLURM_*` have defaults (`gpu`, `gpu:1`, 4 cores, `32000`, `4:00:00`, no modules)
that hold only where no profile is chosen."""

_ONLY_FILES = """\
These stand at the top of a profile's file and are no settings: they say what the profile is and for
which machines."""


def page() -> str:
    """Return the page."""
    top = {name: info for name, info in Settings.model_fields.items() if section_of(info) is None}
    lines = [NOTICE, "# Settings", "", _INTRODUCTION, ""]
    lines += ["## At the top", "", *_table(top, "")]
    for name, info in Settings.model_fields.items():
        section = section_of(info)
        if section is not None:
            lines += _section(name, section)
    own = {name: info for name, info in Profile.model_fields.items() if name not in Settings.model_fields}
    lines += ["## In profiles only", "", _ONLY_FILES, "", *_table(own, "", variable=False)]
    lines += _section("match", _model(Profile.model_fields["match"]), variable=False)
    chosen = {
        name: info for name, info in ConfigFile.model_fields.items() if name not in Settings.model_fields
    }
    lines += ["## In config.toml and .jlab-mcp.toml only", "", *_table(chosen, "", variable=False)]
    return "\n".join([*lines, *_variables()])


def _model(info: FieldInfo) -> type[Section]:
    section = section_of(info)
    if section is None:
        raise TypeError(info)
    return section


def _section(path: str, section: type[Section], *, variable: bool = True) -> list[str]:
    fields = {name: info for name, info in section.model_fields.items() if section_of(info) is None}
    lines = [
        f"## [{path}]",
        "",
        (section.__doc__ or "").strip(),
        "",
        *_table(fields, f"{path}.", variable=variable),
    ]
    for name, info in section.model_fields.items():
        inner = section_of(info)
        if inner is not None:
            lines += _section(f"{path}.{name}", inner, variable=variable)
    return lines


def _table(fields: dict[str, FieldInfo], prefix: str, *, variable: bool = True) -> list[str]:
    shown = {name: info for name, info in fields.items() if section_of(info) is None}
    rows = [(code(key), _meaning(info), _variable(prefix + key)) for key, info in shown.items()]
    if variable:
        return table(("Key", "Meaning", "Variable"), rows)
    return table(("Key", "Meaning"), (row[:2] for row in rows))


def _meaning(info: FieldInfo) -> str:
    """Return what a setting means, what it accepts, and its default."""
    accepts, default = _accepts(info), _default(info)
    told = [info.description or ""]
    told += [f"Accepts {accepts}."] if accepts else []
    told += [f"Default: {default}."] if default else []
    return " ".join(told)


def _variable(path: str) -> str:
    """Return the variable of a setting: the published one, where there are two."""
    names = [name for name, meant in variables().items() if meant == path]
    return code(names[-1] if names else "JLAB_MCP_ENV_VARS_NAME" if path == "env.vars" else "")


def _accepts(info: FieldInfo) -> str:
    own = (each.text for each in info.metadata if isinstance(each, Allowed))
    return _allowed(info.annotation) or next(own, "")


def _allowed(annotation: Any) -> str:
    """Return what a type accepts, in the words of its error message."""
    for part in getattr(annotation, "__metadata__", ()):
        if isinstance(part, Allowed):
            return part.text
    return next((text for each in get_args(annotation) if (text := _allowed(each))), "")


def _default(info: FieldInfo) -> str:
    value = info.get_default()
    if info.is_required() or value is None or value == {}:
        return ""
    return code(f"{value:g}" if isinstance(value, float) else str(value))


def _variables() -> list[str]:
    lines = ["## Variables that are no settings", ""]
    lines += table(
        ("Variable", "Meaning"),
        (
            (code(PROFILE), "Profile to use; `none` for none."),
            (code(CONFIG), "Folder of your settings and profiles, in place of `~/.config/jlab-mcp`."),
        ),
    )
    lines += [_UNSET, ""]
    return lines
