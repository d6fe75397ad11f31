"""What a server remembers of its settings, and what they say otherwise by now.

Only what a server takes in when it starts counts: how long an answer may be is no part of it. Lines of
bash, templates and variables for kernels may hold a secret, so of these a fingerprint is kept: enough to
see a change, too short to find the text by trying.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.core.record import Setting, StartedWith
from jlab_mcp.core.resolver import setting_paths, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.core.resolver import ResolvedProfile

_PART_OF_IT = ("slurm.", "env.", "notebook.")
_LISTENS = ("server.port_min", "server.port_max", "server.bind_ip", "server.interface")
_KEEPS = ("server.idle_timeout", "server.spare_kernels")
_SECRET = ("env.prologue", "env.epilogue", "template")
_VARIABLES = "env.vars"
_FINGERPRINT = 4
"""Hex digits: one change in 65,000 goes unseen, and countless texts have the same fingerprint."""


class Change(BaseModel):
    """A setting that is not what it was when the server started."""

    model_config = ConfigDict(frozen=True)

    setting: str = Field(description="Dotted path, such as slurm.time.")
    then: Setting = Field(description="When the server started; null if it was not set, or is not shown.")
    now: Setting = Field(description="Now; null if it is not set, or is not shown.")

    @property
    def sentence(self) -> str:
        """Say it, without a full stop."""
        if self.then is None and self.now is None:
            return f"{self.setting} has changed since the server started; restart it to apply"
        then, now = _words(self.then), _words(self.now)
        return f"{self.setting} was {then} when the server started and is {now} now; restart it to apply"


def remember(resolved: ResolvedProfile) -> StartedWith:
    """Return what a server that is started now has to remember."""
    return StartedWith(
        mode=resolved.mode,
        chosen_by=resolved.chosen_by.where,
        settings=dict(_shown(resolved)),
        hidden={path: _fingerprint(text) for path, text in _secrets(resolved)},
        by_flag=sorted(path for path, origin in resolved.origins.items() if origin.kind == "flag"),
    )


def changes(then: StartedWith, now: StartedWith) -> list[Change]:
    """Name the settings that differ, so that only a restart makes the server follow them.

    What was said for that one start is no difference, nor is what a local server does not heed.
    """
    if then.mode != now.mode:
        return [Change(setting="mode", then=then.mode, now=now.mode)]
    said = {*then.by_flag, *now.by_flag}
    paths = [path for path in _ordered(then, now) if path not in said]
    if then.mode == "local":
        paths = [path for path in paths if path != "template" and not path.startswith("slurm.")]
    return [
        Change(setting=path, then=then.settings.get(path), now=now.settings.get(path))
        for path in paths
        if (then.settings.get(path), then.hidden.get(path)) != (now.settings.get(path), now.hidden.get(path))
    ]


def _ordered(then: StartedWith, now: StartedWith) -> list[str]:
    return sorted({*then.settings, *now.settings, *then.hidden, *now.hidden})


def _shown(resolved: ResolvedProfile) -> Iterator[tuple[str, Setting]]:
    for path in setting_paths():
        if not path.startswith(_PART_OF_IT) and path not in (*_LISTENS, *_KEEPS):
            continue
        value = value_at(resolved.profile, path)
        if path not in (*_SECRET, _VARIABLES) and value not in (None, ()):
            yield path, _json(value)
    # These are where they are, whatever the working directory and `~` are elsewhere.
    yield "notebook.dir", str(resolved.notebook_dir)
    if resolved.venv is not None:
        yield "env.venv", str(resolved.venv)


def _secrets(resolved: ResolvedProfile) -> Iterator[tuple[str, str]]:
    yield from ((f"{_VARIABLES}.{name}", value) for name, value in resolved.env.vars.items())
    texts = (resolved.env.prologue, resolved.env.epilogue, resolved.template)
    yield from ((path, text) for path, text in zip(_SECRET, texts, strict=True) if text is not None)


def _json(value: object) -> Setting:
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [str(each) for each in value]
    return str(value) if isinstance(value, Path) else repr(value)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_FINGERPRINT]


def _words(value: Setting) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)
