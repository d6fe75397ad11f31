"""Whether the clusters are well, in their own words, and how to make them so."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.cluster.lab import lines
from tests.cluster.lab.layout import CLUSTERS, HOSTS, USERS, Cluster

_SECONDS = 90.0  # a node that was down is asked again every few seconds
_ASK_SECONDS = 10.0
_AT_WORK = frozenset({"idle", "mixed", "allocated"})


def wait_until_well() -> None:
    """Return when every controller answers and every node can run jobs.

    Raises:
        RuntimeError: they are not well in time.
    """
    _wait(_ailment)


def cancel_all_jobs() -> None:
    """Cancel all jobs of all users, and return when they are gone and the nodes idle.

    Raises:
        RuntimeError: they do not end in time.
    """
    cancel = " && ".join(f"scancel --user={user}" for user in ("root", *(user.name for user in USERS)))
    for cluster in CLUSTERS:
        lines.must(cluster.login, cancel)
    _wait(_occupation)


def _wait(complaint_of: Callable[[Cluster], str | None]) -> None:
    end = time.monotonic() + _SECONDS
    for cluster in CLUSTERS:
        while complaint := complaint_of(cluster):
            if time.monotonic() > end:
                raise RuntimeError(
                    f"{cluster.name} is not as it should be after {_SECONDS:.0f} s: {complaint}"
                )
            time.sleep(0.1)


def _ailment(cluster: Cluster) -> str | None:
    code, said = lines.run(cluster.login, "sinfo --noheader --Node --format='%N %T'", _ASK_SECONDS)
    wanted = {host.name for host in HOSTS if host.cluster == cluster.name and "slurmd" in host.daemons}
    states = dict(line.split(maxsplit=1) for line in said.splitlines()) if code == 0 else {}
    return None if states.keys() == wanted and _AT_WORK.issuperset(states.values()) else said.strip()


def _occupation(cluster: Cluster) -> str | None:
    code, said = lines.run(
        cluster.login,
        "squeue --noheader && sinfo --noheader --format='%N %T' | grep -v 'idle$'",
        _ASK_SECONDS,
    )
    return None if code == 1 and not said else said.strip() or f"squeue exited {code}"
