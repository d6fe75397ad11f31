"""Use case: trust a project's own settings file, once its user has seen what it would do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, RootModel

from jlab_mcp.app.blame import naming_the_users_folder
from jlab_mcp.app.context import project_folder
from jlab_mcp.config.layers import shown
from jlab_mcp.config.load import TRUSTED
from jlab_mcp.config.places import PROJECT_FILE, home_folder, places
from jlab_mcp.config.tomlfile import leaves, read_toml
from jlab_mcp.config.tomllimits import parse
from jlab_mcp.config.trust import digest as hash_of
from jlab_mcp.config.trust import is_trusted, safe, trusted_files
from jlab_mcp.errors import ConfigError
from jlab_mcp.storage.files import make_private_folder, write_private, writing
from jlab_mcp.storage.locks import held_briefly

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["trusted", "changed", "missing"]


@dataclass(frozen=True, slots=True)
class Trusting:
    """A project's file, as it was read.

    Attributes:
        path: the file, in the project folder's real place, as the loader names it.
        shown: how messages call it.
        digest: SHA-256 of what was read, and of the template that it names, in hex.
        risky: dotted path and value of everything that counts only once the file is trusted.
        trusted: whether it is trusted already.
    """

    path: Path
    shown: str
    digest: str
    risky: tuple[tuple[str, str], ...]
    trusted: bool


class Trusted(BaseModel):
    """One file that was trusted."""

    model_config = ConfigDict(frozen=True)

    path: Path = Field(description="The project's file.")
    state: State = Field(
        description="`changed`: it was written since, so it counts no more; `missing`: gone."
    )


class TrustedFiles(RootModel[tuple[Trusted, ...]]):
    """All files that were trusted, by their paths."""


def look(project_dir: Path | None = None, environ: Mapping[str, str] | None = None) -> Trusting:
    """Read a project's file, to be shown before it is trusted.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    environ = os.environ if environ is None else environ
    path, home = project_file(project_dir), home_folder(environ)
    short = shown(path, home)
    if not path.is_file():
        raise ConfigError([f"there is no {PROJECT_FILE} in `{path.parent}`"])
    try:
        content = path.read_bytes()
        values = parse(content.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"{short}: cannot be read: {error.strerror}"]) from error
    except ValueError as error:  # what is wrong with it is told line by line
        raise ConfigError(read_toml(path, short).problems or [f"{short}: is not TOML: {error}"]) from error
    try:
        digest = hash_of(path, content, home)
    except OSError as error:
        raise ConfigError([f"{short}: template: cannot read `{error.filename}`: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigError([f"{short}: template: no file has such a name: {error}"]) from error
    texts = dict(leaves(values))
    risky = {key: text for key in safe(values)[1] for key, text in _under(key, texts)}
    return Trusting(
        path=path,
        shown=short,
        digest=digest,
        risky=tuple(risky.items()),
        trusted=is_trusted(path, _store(environ), home),
    )


def trust(seen: Trusting, environ: Mapping[str, str] | None = None) -> None:
    """Record the hash of a file as it was seen; a later change of the file is not trusted.

    Raises:
        CannotWrite: the record cannot be written.
        ConfigError: the record is broken.
    """
    _record(seen.path, seen.digest, os.environ if environ is None else environ)


def trust_edit(path: Path, before: bytes, after: bytes, environ: Mapping[str, str] | None = None) -> bool:
    """Trust what jlab-mcp made of a project's file, if it was trusted before; say whether it was.

    What the file holds by now is not looked at: somebody else may have written it meanwhile.

    Raises:
        CannotWrite: the record cannot be written.
    """
    environ = os.environ if environ is None else environ
    home, recorded = home_folder(environ), trusted_files(_store(environ)).get(str(path))
    try:
        if recorded is None or recorded != hash_of(path, before, home):
            return False
        digest = hash_of(path, after, home)
    except (OSError, ValueError):  # the template is gone
        return False
    _record(path, digest, environ)
    return True


def distrust(project_dir: Path | None = None, environ: Mapping[str, str] | None = None) -> bool:
    """Forget a project's file; say whether it was known.

    Raises:
        CannotWrite: the record cannot be written.
        ConfigError: the record is broken.
    """
    environ = os.environ if environ is None else environ
    path = str(project_file(project_dir))
    if not trusted_files(_store(environ)):
        _read(environ)
        return False
    with held_briefly(_lock(environ)):
        files = _read(environ)
        known = files.pop(path, None) is not None
        if known:
            _write(files, environ)
    return known


def all_trusted(environ: Mapping[str, str] | None = None) -> list[Trusted]:
    """List what was trusted, and how it stands with each file now."""
    environ = os.environ if environ is None else environ
    store, home = _store(environ), home_folder(environ)
    return [
        Trusted(path=Path(path), state=_state(Path(path), store, home))
        for path in sorted(trusted_files(store))
    ]


def project_file(project_dir: Path | None = None) -> Path:
    """Return where a project's own settings file is, there or not.

    Raises:
        ConfigError: there is no project folder.
    """
    return project_folder(project_dir) / PROJECT_FILE


def withheld(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Return what of a project's file does not count, as long as it is not trusted."""
    if is_trusted(path.parent.resolve() / path.name, _store(environ), home_folder(environ)):
        return []
    return safe(read_toml(path, str(path)).values)[1]


def _under(key: str, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    found = [(path, text) for path, text in texts.items() if path == key or path.startswith(f"{key}.")]
    return found or [(key, "")]


def _state(path: Path, store: Path, home: Path) -> State:
    if not path.is_file():
        return "missing"
    return "trusted" if is_trusted(path, store, home) else "changed"


def _store(environ: Mapping[str, str]) -> Path:
    return places(environ, home_folder(environ)).user.folder / TRUSTED


def _lock(environ: Mapping[str, str]) -> Path:
    """Return the lock under which the record is changed: projects may be trusted at the same time."""
    return _store(environ).with_suffix(".lock")


def _record(path: Path, digest: str, environ: Mapping[str, str]) -> None:
    with held_briefly(_lock(environ)):
        _write({**_read(environ), str(path): digest}, environ)


def _read(environ: Mapping[str, str]) -> dict[str, str]:
    """Read the record, in order to write it anew: one that is broken must not be lost."""
    store = _store(environ)
    files = trusted_files(store)
    if not files and store.exists():
        try:
            parse(store.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not TOML"
            raise ConfigError([f"{store} cannot be read: {why}; remove it and trust files anew"]) from error
    return files


def _write(files: Mapping[str, str], environ: Mapping[str, str]) -> None:
    store = _store(environ)
    with naming_the_users_folder(store.parent), writing(store):
        make_private_folder(store.parent)
        write_private(store, tomli_w.dumps({"files": dict(files)}))
