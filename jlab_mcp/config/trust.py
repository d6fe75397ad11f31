"""What a project's own settings file may say before its user has read it.

A cloned repository brings the file along. Until `jlab-mcp config trust` has recorded its hash, it may choose
the profile and say what to ask SLURM for; whatever runs commands, moves files and ports or writes to
strangers is left out.
"""

from __future__ import annotations

import errno
import hashlib
import os.path
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.tomllimits import parse
from jlab_mcp.core.fields import split_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SAFE = ("version", "profile", "mode", "slurm", "env.modules", "env.module_purge", "notebook", "output")
_UNSAFE = ("slurm.export", "slurm.extra_directives", "slurm.mail_user")
"""These can bring in variables such as LD_PRELOAD, options nobody here knows, or letters to strangers."""


def safe(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what may be used of an untrusted file, and the dotted paths of what may not."""
    kept: dict[str, Any] = {}
    withheld: list[str] = []
    _sift(values, "", kept, withheld)
    return kept, withheld


def _sift(values: Mapping[str, Any], prefix: str, kept: dict[str, Any], withheld: list[str]) -> None:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and any(known.startswith(f"{path}.") for known in (*_SAFE, *_REFUSED)):
            kept[key] = {}
            _sift(value, f"{path}.", kept[key], withheld)
        elif _covered(path) and not _REFUSED.get(path, _never)(value):
            kept[key] = value
        else:
            withheld.append(path)


def _covered(path: str) -> bool:
    return any(path == known or path.startswith(f"{known}.") for known in _SAFE)


def _names_files(modules: object) -> bool:
    """Say whether a list of modules names files, which `module load` would run."""
    texts = split_names(modules)
    names = texts if isinstance(texts, (list, tuple)) else []
    return any(str(name).startswith((".", "/", "~")) or ".." in str(name).split("/") for name in names)


def _leads_outside(folder: object) -> bool:
    """Say whether a path leads out of the project folder, such as to where others may write, too."""
    return str(folder).startswith(("/", "~")) or os.path.normpath(str(folder)).split("/")[0] == ".."


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


_REFUSED: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(_UNSAFE, _always),
    "env.modules": _names_files,
    "notebook.dir": _leads_outside,
}
"""What is harmless no longer, and for which values."""


def digest(path: Path, content: bytes, home: Path) -> str:
    """Return the SHA-256, in hex, of a project's file and of the template that it names.

    Raises:
        OSError: the template cannot be read.
    """
    template = _template_of(content)
    # No settings file holds a null byte, so nothing can be moved from the one into the other.
    more = b"" if template is None else b"\0" + template_file(Path(template), path.parent, home).read_bytes()
    return hashlib.sha256(content + more).hexdigest()


def template_file(named: Path, folder: Path, home: Path) -> Path:
    """Return where a template is: relative to the folder of the file that names it, or to the user's home.

    Raises:
        OSError: it is no file, such as a device that never ends.
    """
    path = home.joinpath(*named.parts[1:]) if named.parts[:1] == ("~",) else folder / named
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file", str(path))
    return path


def _template_of(content: bytes) -> str | None:
    """Return what a file names as its template; of a file that is not TOML nothing counts anyway."""
    try:
        named = parse(content.decode("utf-8-sig")).get("template")
    except ValueError:
        return None
    return named if isinstance(named, str) and named.strip().lower() != "none" else None


def is_trusted(path: Path, store: Path, home: Path) -> bool:
    """Say whether `store` has the hash that the file has now."""
    recorded = trusted_files(store).get(str(path))
    try:
        return recorded is not None and recorded == digest(path, path.read_bytes(), home)
    except (OSError, ValueError):  # the latter where a name holds a null byte
        return False


def trusted_files(store: Path) -> dict[str, str]:
    """Return path -> hash of what was trusted; a store that cannot be read trusts nothing."""
    try:
        files = parse(store.read_text(encoding="utf-8")).get("files", {})
    except (OSError, ValueError):
        return {}
    if not isinstance(files, dict):
        return {}
    return {path: hash_ for path, hash_ in files.items() if isinstance(hash_, str)}
