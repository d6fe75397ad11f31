"""Who sees a folder, by the mounts of a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.core.mounts import mount_of, parse_mounts, reach

MOUNTS = parse_mounts(
    "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n"
    "30 22 0:26 / /tmp rw,nosuid shared:3 - tmpfs tmpfs rw,size=10%\n"
    "41 22 0:40 /vol/home /home rw master:7 propagate_from:2 - nfs4 filer:/vol/home rw,vers=4.2\n"
    "42 22 0:41 / /scr\\040atch rw - lustre 10.0.0.1@o2ib:/s rw\n"
    "43 22 0:42 / /gpfs rw - gpfs gpfs0 rw\n"
    "44 41 0:43 / /home/ann/remote rw - fuse.sshfs ann@far:/ rw\n"
    "a line that is none\n"
)


@pytest.mark.parametrize(
    ("path", "kind", "who"),
    [
        ("/home/ann/.jlab-mcp", "nfs4", "shared"),
        ("/home/ann/remote/logs", "fuse.sshfs", "shared"),
        ("/scr atch/ann", "lustre", "shared"),
        ("/gpfs/ann", "gpfs", "shared"),
        ("/tmp/logs", "tmpfs", "private"),
        ("/var/tmp/logs", "ext4", "private"),
        ("/dev/shm/logs", "ext4", "private"),
        ("/data/ann", "ext4", "unknown"),
        ("/homes/ann", "ext4", "unknown"),
    ],
)
def test_a_folder_is_on_the_innermost_mount(path: str, kind: str, who: str) -> None:
    mount = mount_of(Path(path), MOUNTS)
    assert mount
    assert mount.kind == kind
    assert reach(Path(path), mount) == who


def test_of_two_file_systems_at_one_place_the_later_one_is_seen() -> None:
    over = parse_mounts("1 0 0:1 / /a rw - ext4 x rw\n2 0 0:2 / /a rw - nfs y rw\n")
    found = mount_of(Path("/a/b"), over)
    assert found
    assert found.kind == "nfs"


def test_nothing_is_claimed_where_the_kernel_says_nothing() -> None:
    assert mount_of(Path("/a"), ()) is None
    assert reach(Path("/a"), None) == "unknown"
