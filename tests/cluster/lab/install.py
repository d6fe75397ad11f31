"""The packages, and what a machine must allow for the lab to run on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.lab.files import make_folder
from tests.cluster.lab.layout import LMOD

PACKAGES = (
    "slurmctld",
    "slurmd",
    "slurmdbd",
    "slurm-client",
    "munge",
    "mariadb-server",
    "environment-modules",
    "iproute2",
    *("lua5.3", "lua-posix", "lua-filesystem", "lua-json", "lua-term"),  # for Lmod
)
_NEEDED = (
    *("slurmctld", "slurmd", "slurmdbd", "sbatch", "sacctmgr"),
    *("munged", "mariadbd", "mariadb-install-db"),
    *("ip", "nsenter", "unshare", "setpriv"),
)
_MODULES = Path("/etc/environment-modules/modulespath")
_POLICY = Path("/usr/sbin/policy-rc.d")
_NAMESPACES = ("unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork")


def missing() -> list[str]:
    """Name the programs that are not installed yet."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # daemons may be outside a user's PATH
    programs = [name for name in _NEEDED if shutil.which(name, path=path) is None]
    needed = {"environment-modules": _MODULES, "Lmod": LMOD}
    return programs + [name for name, place in needed.items() if not place.exists()]


def hindrance() -> str | None:
    """Say in a sentence why the lab cannot run on this machine even with the packages; None if it can."""
    if sys.platform != "linux":
        return "the lab needs Linux namespaces"
    if os.geteuid() != 0:
        return "the lab needs root: each of its hosts has a network of its own"
    if shutil.which("unshare") is None:
        return "the lab needs `unshare` (package util-linux)"
    tried = subprocess.run([*_NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"this machine does not allow namespaces: {tried.stderr.strip()}"
    if missing() and shutil.which("apt-get") is None:
        return f"the lab is installed by apt-get, which is not here; missing are {', '.join(missing())}"
    return None


def install() -> None:
    """Install what is missing; quick if nothing is.

    Raises:
        RuntimeError: apt-get failed.
    """
    if not missing():
        return
    install_packages(*PACKAGES)
    _unpack_lmod()
    if still := missing():
        raise RuntimeError(f"apt-get installed the packages, but not {', '.join(still)}")


def install_packages(*names: str) -> None:
    """Install Debian packages, and start no daemons of theirs.

    Raises:
        RuntimeError: apt-get failed.
    """
    with _no_daemons_started():
        _apt_get("update", "--quiet")
        _apt_get("install", "--quiet", "--yes", "--no-install-recommends", *names)


def _unpack_lmod() -> None:
    """Unpack Lmod, and let its files find each other where they are."""
    make_folder(LMOD.parent)
    with tempfile.TemporaryDirectory(dir=LMOD.parent) as scratch:
        _apt_get("download", "lmod", folder=scratch)
        (package,) = Path(scratch).glob("lmod_*.deb")
        unpacked = Path(scratch) / "unpacked"
        subprocess.run(["dpkg", "--extract", package, unpacked], check=True)
        for file in unpacked.rglob("*"):
            text = file.read_bytes() if file.is_file() and not file.is_symlink() else b""
            moved = re.sub(rb"(?<![\w.])/(usr/share|usr/lib|etc)/lmod\b", bytes(LMOD) + rb"\g<0>", text)
            if moved != text:
                file.write_bytes(moved)
        shutil.rmtree(LMOD, ignore_errors=True)
        unpacked.rename(LMOD)


def _apt_get(*arguments: str, folder: str | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", *arguments],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"`apt-get {arguments[0]}` failed: {done.stdout.strip()[-500:]}")


@contextmanager
def _no_daemons_started() -> Iterator[None]:
    """Keep the packages from starting a munged, slurmd, … of the machine's own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
