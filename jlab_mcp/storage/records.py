"""Records and connection files on disk."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

from pydantic import BaseModel, ValidationError

from jlab_mcp.core.record import Connection, EndNote, ServerPaths, ServerRecord, server_key, slug
from jlab_mcp.errors import RecordBroken, Remedy
from jlab_mcp.storage.files import make_private_folder, write_private, writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_Model = TypeVar("_Model", bound=BaseModel)


def read_record(paths: ServerPaths) -> ServerRecord | None:
    """Return the record of a server, or None if there is none.

    Raises:
        RecordBroken: the file cannot be read.
    """
    return _read(paths.record_file, ServerRecord, "record")


def read_connection(paths: ServerPaths) -> Connection | None:
    """Return what the node service wrote about itself, or None if it wrote nothing yet.

    Raises:
        RecordBroken: the file cannot be read.
    """
    return _read(paths.connection_file, Connection, "connection file")


def read_end_note(paths: ServerPaths, server_id: str) -> EndNote | None:
    """Return why the server of that id ended, or None if it left no note that can be read."""
    try:
        note = _read(paths.end_file, EndNote, "note of its end")
    except RecordBroken:
        return None
    return note if note is not None and note.server_id == server_id else None


def project_records(connection_dir: Path, project_dir: Path) -> Iterator[ServerRecord]:
    """Yield the records of a project's servers by the names of their files.

    One that cannot be read is left out: whose it is cannot be told, but by who knows its profile.
    """
    found = _records(connection_dir, f"{slug(project_dir.name)}-*.record.json")
    return (record for record in found if record.project_dir == project_dir)


def all_records(connection_dir: Path) -> Iterator[ServerRecord]:
    """Yield the records of all projects' servers by the names of their files, but those that are broken."""
    return _records(connection_dir, "*.record.json")


def _records(connection_dir: Path, pattern: str) -> Iterator[ServerRecord]:
    for path in sorted(connection_dir.glob(pattern)):
        try:
            record = _read(path, ServerRecord, "record")
        except RecordBroken:
            continue
        if record is None:
            continue
        key = server_key(record.project_dir, record.profile)
        in_place = path.name == f"{key}.record.json" and record.connection_file.parent == path.parent
        if record.key == key and in_place:  # neither copied nor moved here from elsewhere
            yield record


def write_record(paths: ServerPaths, record: ServerRecord) -> None:
    """Write the record of a server.

    Raises:
        CannotWrite: the folder or the disk does not allow it.
    """
    with writing(paths.record_file):
        make_private_folder(paths.record_file.parent)
        write_private(paths.record_file, record.model_dump_json(indent=1) + "\n")


def remove_record(paths: ServerPaths, *, keep_sessions: bool = False) -> None:
    """Remove the record, the connection file and the note of its end.

    Args:
        paths: the server's files.
        keep_sessions: leave the list of its sessions, by which the next server can tell what became of them.
    """
    with writing(paths.record_file):
        paths.connection_file.unlink(missing_ok=True)
        paths.end_file.unlink(missing_ok=True)
        if not keep_sessions:
            paths.sessions_file.unlink(missing_ok=True)
        paths.record_file.unlink(missing_ok=True)


@lru_cache(maxsize=64)
def _parsed(model: type[BaseModel], text: bytes) -> BaseModel:
    """Parse a file, once for each content: every tool call reads the same two, and the models are frozen."""
    return model.model_validate_json(text)


def _read(path: Path, model: type[_Model], what: str) -> _Model | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordBroken(
            f"cannot read the server's {what} `{path}`: {error.strerror}",
            remedy=Remedy.CHOOSE_FOLDER,
            details={"path": str(path)},
        ) from error
    try:
        return cast("_Model", _parsed(model, text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RecordBroken(
            f"the server's {what} `{path}` is broken: {where}: {first['msg']}", details={"path": str(path)}
        ) from None  # the cause may quote the file, which holds a token
