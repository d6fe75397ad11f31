"""What a project's own settings file may say before its user has read it.

A cloned repository brings the file along. Until `jlab-mcp config trust` has recorded its hash, it may choose
the profile and say what to ask SLURM for; whatever runs commands or moves files and ports is left out.
"""

from __future__ import annotations

import hashlib
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SAFE = ("version", "profile", "mode", "slurm", "env.modules", "env.module_purge", "notebook", "output")
_UNSAFE = ("slurm.export", "slurm.extra_directives")
"""These can bring in variables such as LD_PRELOAD, or options nobody here knows."""


def safe(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what may be used of an untrusted file, and the dotted paths of what may not."""
    kept: dict[str, Any] = {}
    withheld: list[str] = []
    _sift(values, "", kept, withheld)
    return kept, withheld


def _sift(values: Mapping[str, Any], prefix: str, kept: dict[str, Any], withheld: list[str]) -> None:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if path in _UNSAFE or (path == "env.modules" and _names_files(value)):
            withheld.append(path)
        elif _covered(path):
            kept[key] = value
            if path == "slurm" and isinstance(value, dict):
                kept[key] = {}
                _sift(value, "slurm.", kept[key], withheld)
        elif isinstance(value, dict) and any(known.startswith(f"{path}.") for known in _SAFE):
            kept[key] = {}
            _sift(value, f"{path}.", kept[key], withheld)
        else:
            withheld.append(path)


def _covered(path: str) -> bool:
    return any(path == known or path.startswith(f"{known}.") for known in _SAFE)


def _names_files(modules: object) -> bool:
    """Say whether a list of modules names files, which `module load` would run."""
    texts = modules.split() if isinstance(modules, str) else modules if isinstance(modules, list) else []
    return any(str(text).startswith((".", "/", "~")) for text in texts)


def digest(path: Path, content: bytes) -> str:
    """Return the SHA-256, in hex, of a project's file and of the template that it names.

    Raises:
        OSError: the template cannot be read.
    """
    template = _template_of(content)
    more = b"" if template is None else (path.parent / template).read_bytes()
    return hashlib.sha256(content + more).hexdigest()


def _template_of(content: bytes) -> str | None:
    """Return what a file names as its template; of a file that is not TOML nothing counts anyway."""
    try:
        named = tomllib.loads(content.decode("utf-8-sig")).get("template")
    except ValueError:
        return None
    return named if isinstance(named, str) and named.lower() != "none" else None


def is_trusted(path: Path, store: Path) -> bool:
    """Say whether `store` has the hash that the file has now."""
    recorded = trusted_files(store).get(str(path))
    try:
        return recorded is not None and recorded == digest(path, path.read_bytes())
    except OSError:
        return False


def trusted_files(store: Path) -> dict[str, str]:
    """Return path -> hash of what was trusted; a store that cannot be read trusts nothing."""
    try:
        files = tomllib.loads(store.read_text(encoding="utf-8")).get("files", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    if not isinstance(files, dict):
        return {}
    return {path: hash_ for path, hash_ in files.items() if isinstance(hash_, str)}
