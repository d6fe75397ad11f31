"""The lab's folder: configuration, keys, homes and logs, made anew each time it comes up."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from string import Template

from tests.cluster.lab.layout import CLUSTERS, CONF, HOSTS, LAB, LMOD, MODULES, NETWORKS, USERS


def write_all() -> None:
    """Make everything that the hosts find on disk."""
    for folder in ("etc", "home", "log", "modulefiles", "run"):
        make_folder(LAB / folder)
    _write_machine_files()
    for user in USERS:
        make_folder(user.home, owner=user.uid, mode=0o700)
    for module in MODULES:
        _write(
            LAB / "modulefiles" / module,
            f"#%Module1.0\nsetenv LAB_MODULE_{Path(module).parts[0].upper()} {module}\n",
        )
    for cluster in CLUSTERS:
        _write_cluster(cluster.name)
    for network in NETWORKS:
        munge = LAB / "etc" / network / "munge"
        make_folder(munge, owner="munge", mode=0o700)
        _write(munge / "munge.key", secrets.token_hex(64), owner="munge", mode=0o400)


def _write_machine_files() -> None:
    """Write what is the same on all hosts in /etc."""
    ours = {user.name for user in USERS}
    passwd = _lines_of_others("passwd", ours)
    passwd += [f"{user.name}:*:{user.uid}:{user.uid}::{user.home}:/bin/bash" for user in USERS]
    group = _lines_of_others("group", ours) + [f"{user.name}:*:{user.uid}:" for user in USERS]
    hosts = ["127.0.0.1 localhost", *(f"{host.address} {host.name}" for host in HOSTS)]
    for name, lines in (("passwd", passwd), ("group", group), ("hosts", hosts)):
        _write(LAB / "etc" / name, "\n".join(lines) + "\n")
    machines = Path("/etc/environment-modules/modulespath").read_text()
    _write(LAB / "etc/modulespath", f"{LAB}/modulefiles\n{machines}")
    lmod = (LMOD / "etc/profile.d/lmod.sh").read_text()
    _write(LAB / "etc/lmod-profile.d/lmod.sh", f"LMOD_SITE_MODULEPATH={LAB}/modulefiles\n{lmod}")


def _lines_of_others(name: str, ours: set[str]) -> list[str]:
    lines = Path("/etc", name).read_text().splitlines()
    return [line for line in lines if line.partition(":")[0] not in ours]


def _write_cluster(cluster: str) -> None:
    """Write a cluster's configuration, and make the folders its daemons want."""
    slurm = LAB / "etc" / cluster / "slurm"
    for source in sorted((CONF / cluster).iterdir()):
        text = Template(source.read_text()).substitute(lab=LAB)
        secret = source.name == "slurmdbd.conf"  # slurmdbd refuses a file that others can read
        _write(
            slurm / source.name, text, owner="slurm" if secret else "root", mode=0o600 if secret else 0o644
        )
    make_folder(LAB / "log" / cluster, owner="slurm")
    make_folder(LAB / "var" / cluster / "state", owner="slurm", mode=0o700)
    for host in HOSTS:
        if host.cluster == cluster and "slurmd" in host.daemons:
            make_folder(LAB / "var" / cluster / "spool" / host.name)


def make_folder(path: Path, owner: str | int = "root", mode: int = 0o755) -> None:
    """Make a folder whose parents everybody may enter, whatever the umask."""
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir()
            parent.chmod(0o755)
    path.mkdir(exist_ok=True)
    _own(path, owner, mode)


def _write(path: Path, text: str, owner: str = "root", mode: int = 0o644) -> None:
    if not path.parent.exists():
        make_folder(path.parent)
    path.write_text(text)
    _own(path, owner, mode)


def _own(path: Path, owner: str | int, mode: int) -> None:
    if isinstance(owner, int):
        os.chown(path, owner, owner)
    else:
        shutil.chown(path, owner, owner)
    path.chmod(mode)
