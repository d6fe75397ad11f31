"""A cluster made to order: a controller on alpha-ctl, with nodes that are there on paper only.

`sbatch --test-only` asks nobody but a controller. The nodes are powered down, as those of a cloud are, and jobs are
planned on such nodes. Accounts are alpha's, and enforced.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template

from tests.cluster.lab import files, lines
from tests.cluster.lab.layout import ACCOUNTANT, CONF, LAB

NODES = "made"
"""How the names of the nodes begin that have what was ordered; there is a plain one beside them."""
OPEN_PARTITION = "batch"
"""The default partition."""
_NAME = "shipped"
_FOLDER = LAB / "var" / _NAME
CONFIGURATION = _FOLDER / "slurm.conf"
"""For SLURM_CONF, on all hosts of alpha's network."""
_PID_FILE = f"/run/{_NAME}.pid"
_KILL = (
    f'if pid=$(cat {_PID_FILE}) && test "$(cat /proc/$pid/comm)" = slurmctld; then'
    " kill -KILL $pid && tail --pid=$pid --sleep-interval=0.02 -f /dev/null; fi"
)


@dataclass(frozen=True)
class Site:
    """What a cluster has. The nodes have just as much as is said here, so that a job that asks for more is refused.

    Attributes:
        partitions: their names; where there are none, the default partition has all nodes, else only the plain one.
        features: of each node.
        gres: generic resources of each node, with their numbers, such as `gpu:a100:2`.
        nodes: how many.
        cpus: CPUs of each.
        memory_mb: memory of each.
        time: longest time limit of a partition.
    """

    partitions: tuple[str, ...]
    features: tuple[str, ...]
    gres: tuple[str, ...]
    nodes: int
    cpus: int
    memory_mb: int
    time: str


@contextmanager
def accounts(qos: Collection[str]) -> Iterator[None]:
    """Let alice use the cluster, by both of her accounts and with some QOS.

    Raises:
        RuntimeError: sacctmgr or the controller failed.
    """
    names = ",".join(sorted(qos))
    _forget()
    _tell(
        f"add cluster {_NAME}",
        f"add qos {names}",
        f"add account physics,physics-gpu cluster={_NAME}",
        f"add user alice account=physics,physics-gpu defaultaccount=physics cluster={_NAME} qos=normal,{names}",
    )
    try:
        yield
    finally:
        lines.must(ACCOUNTANT, _KILL)
        _forget()
        _tell(f"delete qos {names}")
        shutil.rmtree(_FOLDER, ignore_errors=True)


def bring_over(site: Site) -> None:
    """Have the controller start anew as a site's, and return when it answers.

    Raises:
        RuntimeError: it does not answer.
    """
    lines.must(ACCOUNTANT, _KILL)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    files.make_folder(_FOLDER, owner="slurm")
    CONFIGURATION.write_text(_configuration(site))
    end = time.monotonic() + lines.SECONDS
    lines.must(ACCOUNTANT, f"slurmctld -f {CONFIGURATION}")
    while said := lines.failure(ACCOUNTANT, f"SLURM_CONF={CONFIGURATION} scontrol ping | grep -w UP"):
        if time.monotonic() > end:
            log = (_FOLDER / "slurmctld.log").read_text()
            raise RuntimeError(f"the controller does not answer: {said}\n{log[-1000:]}")
        time.sleep(0.02)


def change(*orders: str) -> None:
    """Tell the controller as its administrator, in scontrol's words.

    Raises:
        RuntimeError: it refused.
    """
    told = " && ".join(f"scontrol {order}" for order in orders)
    lines.must(ACCOUNTANT, f"export SLURM_CONF={CONFIGURATION}; {told}")


def _configuration(site: Site) -> str:
    size = f"CPUs={site.cpus} CoresPerSocket={site.cpus} RealMemory={site.memory_mb}"
    gres = f"Gres={','.join(site.gres)}" if site.gres else ""
    features = f"Feature={','.join(site.features)}" if site.features else ""
    kinds = sorted({"gpu", *(each.partition(":")[0] for each in site.gres)})
    made = f"{NODES}-[1-{site.nodes}]"
    open_to = "plain" if site.partitions else "ALL"
    rows = [
        f"GresTypes={','.join(kinds)}",
        "NodeName=plain CPUs=1 RealMemory=100 State=CLOUD",
        f"NodeName={made} {size} {gres} {features} State=CLOUD",
        f"PartitionName={OPEN_PARTITION} Nodes={open_to} Default=YES MaxTime={site.time}",
        *(f"PartitionName={name} Nodes={made} MaxTime={site.time}" for name in site.partitions),
    ]
    common = Template((CONF / "shipped.conf").read_text())
    return common.substitute(folder=_FOLDER, pid_file=_PID_FILE, name=_NAME) + "\n".join(rows) + "\n"


def _tell(*orders: str) -> None:
    lines.must(ACCOUNTANT, " && ".join(f"sacctmgr --immediate {order}" for order in orders))


def _forget() -> None:
    """Remove the cluster from the accounts, if an earlier run or this one left it there."""
    known = f"sacctmgr --noheader show cluster {_NAME} format=Cluster"
    lines.must(ACCOUNTANT, f'test -z "$({known})" || sacctmgr --immediate delete cluster {_NAME}')
