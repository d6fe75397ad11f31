"""Folders that begin with another user's home, as a shell writes it: `~ann/data`."""

from __future__ import annotations

import os.path
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.problems import place
from jlab_mcp.core.resolver import BUILT_IN

if TYPE_CHECKING:
    from pathlib import Path

    from jlab_mcp.core.resolver import Layer

_FOLDERS = ("paths.dir", "paths.log_dir", "paths.connection_dir", "notebook.dir", "env.venv")


def expand_users(layer: Layer, problems: list[str], *, home: Path) -> Layer:
    """Put users' homes in; `~` alone is left to the resolver. A user that is not there is a problem."""
    values: dict[str, Any] = dict(layer.values)
    for path in _FOLDERS:
        section, _, field = path.partition(".")
        fields = values.get(section)
        text = fields.get(field) if isinstance(fields, dict) else None
        if not isinstance(fields, dict) or not isinstance(text, str) or not text.startswith("~"):
            continue
        user = text.partition("/")[0].removeprefix("~")
        if not user or "\0" in user:  # the latter is refused with all other values
            continue
        expanded = os.path.expanduser(text)  # noqa: PTH111 - pathlib raises where the user is unknown
        if expanded == text:
            where = place(layer.origins.get(path, BUILT_IN), path, home)
            problems.append(f"{where}: there is no user {user}; for a folder of that name write ./{text}")
        values[section] = {**fields, field: expanded}
    return replace(layer, values=values)
