"""Profile files: where they are, and what one of them says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jlab_mcp.core.resolver import Layer, Origin
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PACKAGE = Path(__file__).resolve().parent.parent


def profile_folders(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return the folders that hold profiles, the user's own before the shipped ones."""
    configured = Path(environ.get("XDG_CONFIG_HOME", ""))
    config = configured if configured.is_absolute() else home / ".config"
    shipped = _PACKAGE / "_data" / "profiles"
    return [config / "jlab-mcp" / "profiles", shipped if shipped.is_dir() else _PACKAGE.parent / "profiles"]


def find_profile(name: str, folders: list[Path], *, said_by: str) -> Path:
    """Return the file of the profile called `name`.

    Raises:
        ConfigError: the name is no name, or no folder has such a file; names those there are.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            [f'{said_by} is "{name}", expected a name of letters, digits, dots, dashes and underscores']
        )
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            return path
    known = sorted({path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.toml")})
    raise ConfigError(
        [f'{said_by} is "{name}", expected one of: {", ".join(known) or "(there are no profiles)"}']
    )


def profile_layer(path: Path) -> Layer:
    """Read a profile file; every value's origin is the file.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    import tomllib  # noqa: PLC0415 - only a chosen profile pays for it

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"cannot read the profile {path}: {error}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path} is not TOML: {error}"]) from error
    return Layer(values, {dotted: Origin("profile", str(path), text) for dotted, text in _leaves(values)})


def line_of(path: Path, dotted: str) -> str:
    """Return ":LINE" of a setting in a profile file, or nothing where it cannot be found.

    tomllib gives no line numbers, so ever longer beginnings of the file are parsed until the key is there.
    """
    import tomllib  # noqa: PLC0415 - only a problem pays for it

    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        return ""
    for number in range(1, len(lines) + 1):
        try:
            seen = dict(_leaves(tomllib.loads("".join(lines[:number]))))
        except tomllib.TOMLDecodeError:
            continue
        if dotted in seen:
            return f":{number}"
    return ""


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """List dotted paths and their values as text."""
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, dict):
            found += _leaves(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, str(value)))
    return found
