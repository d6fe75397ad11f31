"""Which machine this is: its names and its cluster's, from files and variables; nothing is asked."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.core.profile import MatchSection

_SLURM_CONF = ("/etc/slurm/slurm.conf", "/run/slurm/conf/slurm.conf", "/etc/slurm-llnl/slurm.conf")
_CLUSTER_NAME = re.compile(r"^\s*ClusterName\s*=\s*([^\s#]+)", re.IGNORECASE | re.MULTILINE)
_RESOLV_CONF = Path("/etc/resolv.conf")


def host_names() -> list[str]:
    """Return this host's names: the one it gives itself, and that one in each domain it searches.

    A look-up of the full name may hang for seconds without a name server.
    """
    name = os.uname().nodename.lower()
    try:
        lines = _RESOLV_CONF.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    domains = [
        domain.lower()
        for line in lines
        if line.startswith(("search", "domain"))
        for domain in line.split()[1:]
    ]
    return [name, *(f"{name}.{domain}" for domain in domains if "." not in name)]


def cluster_name(environ: Mapping[str, str]) -> str | None:
    """Return SLURM's name of the cluster this host belongs to, as its configuration or a job says."""
    if named := environ.get("SLURM_CLUSTER_NAME"):
        return named
    for path in (environ.get("SLURM_CONF", ""), *_SLURM_CONF):
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace") if path else ""
        except OSError:
            continue
        if match := _CLUSTER_NAME.search(text):
            return match[1]
    return None


def fits(match: MatchSection, hosts: list[str], cluster: str | None) -> str | None:
    """Return what makes a profile fit this machine, in words, or None."""
    for pattern in match.hostname or ():
        for host in hosts:
            if fnmatchcase(host, pattern.lower()):
                return f"this host is {host}"
    for pattern in match.cluster or ():
        if cluster and fnmatchcase(cluster.lower(), pattern.lower()):
            return f"this cluster is {cluster}"
    return None
