"""The node service as files, so that any interpreter can load it."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from pathlib import Path

from jlab_mcp.storage.files import make_private_folder

_SOURCE = Path(__file__).resolve().parent.parent / "node"
_PACKAGE = "jlab_mcp_node"
_HASH_LENGTH = 16


def copy_node_files(state_dir: Path, source: Path = _SOURCE) -> Path:
    """Copy the node service below `state_dir`, unless this very version is there, and return its launcher.

    Versions lie side by side, named by their content, so that a newer jlab-mcp never changes files under
    a running server.
    """
    files = _contents(source)
    version = _version(state_dir, files)
    if not _is_whole(version / _PACKAGE, files):
        _write(version, files)
    return version / _PACKAGE / "launch.py"


def launcher_path(state_dir: Path, source: Path = _SOURCE) -> Path:
    """Return where `copy_node_files` puts the launcher, without writing anything."""
    return _version(state_dir, _contents(source)) / _PACKAGE / "launch.py"


def _contents(source: Path) -> dict[Path, bytes]:
    found = [path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(source): path.read_bytes() for path in sorted(found)}


def _version(state_dir: Path, files: dict[Path, bytes]) -> Path:
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return state_dir / "node" / digest.hexdigest()[:_HASH_LENGTH]


def _is_whole(package: Path, files: dict[Path, bytes]) -> bool:
    """Say whether every file is there with its size; somebody may have tidied up."""
    try:
        return all((package / name).stat().st_size == len(content) for name, content in files.items())
    except OSError:
        return False


def _write(version: Path, files: dict[Path, bytes]) -> None:
    """Write a version aside and move it into place as a whole."""
    make_private_folder(version.parent)
    aside = version.with_name(f".{version.name}.{secrets.token_hex(4)}")
    for name, content in files.items():
        target = aside / _PACKAGE / name
        make_private_folder(target.parent)
        target.write_bytes(content)
    if version.exists():  # damaged: put the files back one by one, a server may be running from them
        for name in files:
            make_private_folder((version / _PACKAGE / name).parent)
            (aside / _PACKAGE / name).replace(version / _PACKAGE / name)
    else:
        try:
            aside.rename(version)
        except OSError:
            if not version.is_dir():  # else another process was faster, with the same content
                raise
    shutil.rmtree(aside, ignore_errors=True)
