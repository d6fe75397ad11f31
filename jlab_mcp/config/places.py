"""Where settings files are: the user's, the site's and the shipped ones."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jlab_mcp.core.words import in_utf8
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIG = "JLAB_MCP_CONFIG"
PROJECT_FILE = ".jlab-mcp.toml"
Level = Literal["user", "site", "shipped"]

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a `config.toml` and profiles; neither need exist."""

    level: Level
    folder: Path

    @property
    def config_file(self) -> Path:
        """Settings that hold for every profile."""
        return self.folder / "config.toml"

    @property
    def profiles(self) -> Path:
        """Folder of `NAME.toml` files."""
        return self.folder / "profiles"


@dataclass(frozen=True, slots=True)
class Places:
    """All folders with settings, the most important first."""

    user: Place
    sites: tuple[Place, ...]
    shipped: Place

    def __iter__(self) -> Iterator[Place]:
        return iter((self.user, *self.sites, self.shipped))


def places(environ: Mapping[str, str], home: Path) -> Places:
    """Return the folders of settings, after the XDG base directory specification.

    A site's folder that cannot be looked into is left out.

    Raises:
        ConfigError: the user's folder cannot be looked into.
    """
    user, sites = _user_folder(environ, home), [folder / "jlab-mcp" for folder in _site_folders(environ)]
    if trouble := _trouble(user):
        raise ConfigError([f"cannot use the folder of your settings {in_utf8(str(user))}: {trouble}"])
    return Places(
        Place("user", user),
        tuple(Place("site", folder) for folder in sites if not _trouble(folder)),
        Place("shipped", _shipped_folder()),
    )


def schema_file(kind: str) -> Path:
    """Return the installed file of a JSON Schema, for editors."""
    return _shipped_folder() / "schemas" / f"{kind}.schema.json"


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's home folder.

    Raises:
        ConfigError: there is none, or its name is not UTF-8.
    """
    try:
        home = Path(environ.get("HOME") or Path.home())
        str(home).encode("utf-8")
    except RuntimeError as error:  # no such user: a container that was given any user id
        raise ConfigError(["HOME is not set, and this user has no home folder; set HOME"]) from error
    except UnicodeEncodeError as error:
        raise ConfigError([f"HOME is {str(home)!a}, expected a path in UTF-8"]) from error
    return home


def _trouble(folder: Path) -> str | None:
    """Return what keeps files of a folder from being looked at; none where there is no such folder."""
    try:
        str(folder).encode("utf-8")
        for looked in (folder, folder / "profiles"):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                (looked / "NAME").lstat()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    except OSError as error:
        return error.strerror
    return None


def _user_folder(environ: Mapping[str, str], home: Path) -> Path:
    if named := environ.get(CONFIG):
        return home / named[2:] if named == "~" or named.startswith("~/") else Path(named).absolute()
    configured = Path(environ.get("XDG_CONFIG_HOME", ""))
    return (configured if configured.is_absolute() else home / ".config") / "jlab-mcp"


def _site_folders(environ: Mapping[str, str]) -> list[Path]:
    """Return `$XDG_CONFIG_DIRS`; entries that are not absolute are ignored, as the specification asks."""
    folders = [Path(part) for part in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if part]
    return [folder for folder in folders if folder.is_absolute()]


def _shipped_folder() -> Path:
    data = _PACKAGE / "_data"
    return data if data.is_dir() else _PACKAGE.parent
