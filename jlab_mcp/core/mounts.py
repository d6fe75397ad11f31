"""Whether the nodes of a cluster see a folder, as far as the mounts of this host tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Reach = Literal["shared", "private", "unknown"]
"""`shared`: a network file system. `private`: this host's alone. `unknown`: a disk, which may be exported."""

_OF_THE_NETWORK = (
    *("nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb3", "9p", "virtiofs", "panfs", "wekafs"),
    *("afs", "orangefs", "pvfs2", "glusterfs", "ocfs2", "gfs2", "mmfs", "quobyte", "vastnfs", "dvs", "daos"),
)
_IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
_HOSTS_OWN = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"), Path("/local"))  # noqa: S108
"""Folders that every host of a cluster has for itself."""
_ESCAPE = re.compile(r"\\([0-7]{3})")
_AFTER_FIELDS = 6


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system.

    Attributes:
        point: where it is mounted.
        kind: its type, such as `nfs4`.
    """

    point: Path
    kind: str


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read `/proc/self/mountinfo`; lines in another form are left out."""
    found = []
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if dash and len(fields) >= _AFTER_FIELDS:
            found.append(Mount(Path(_plain(fields[4])), after.split(" ")[0]))
    return tuple(found)


def mount_of(path: Path, mounts: tuple[Mount, ...]) -> Mount | None:
    """Return what a path, with its symlinks resolved, lies on; of several at one place the last one."""
    over = [mount for mount in mounts if path == mount.point or path.is_relative_to(mount.point)]
    depth = max((len(mount.point.parts) for mount in over), default=0)
    return next((mount for mount in reversed(over) if len(mount.point.parts) == depth), None)


def reach(path: Path, mount: Mount | None) -> Reach:
    """Say who sees a folder.

    Args:
        path: the folder, with its symlinks resolved.
        mount: what it lies on.
    """
    kind = mount.kind if mount else ""
    if kind in _OF_THE_NETWORK or kind.startswith("fuse."):
        return "shared"
    if kind in _IN_MEMORY or any(path.is_relative_to(folder) for folder in _HOSTS_OWN):
        return "private"
    return "unknown"


def _plain(text: str) -> str:
    """Take back how the kernel writes blanks in a path."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
