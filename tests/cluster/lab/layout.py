"""Which hosts, users and accounts there are. Everything else in the lab reads this table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
LAB = Path("/var/lib/jlab-mcp-lab") / hashlib.sha256(bytes(CHECKOUT)).hexdigest()[:8]
"""Holds all state of this checkout's lab; it is at the same place inside every host, like a cluster's shared disk."""
CONF = Path(__file__).parent / "conf"
SWITCH = "switch"
"""A host without daemons that holds the bridges, one per network."""


@dataclass(frozen=True)
class Cluster:
    """A SLURM cluster.

    Attributes:
        name: its name in SLURM, and the name of its folder in `conf`.
        login: the host where its users ask it.
        network: what its hosts are wired to; hosts of one network have the same munge key.
    """

    name: str
    login: str
    network: str


@dataclass(frozen=True)
class Host:
    """A machine of the lab.

    Attributes:
        name: host name, and the name of its port at the switch; at most 15 characters.
        cluster: which cluster it belongs to.
        address: its IPv4 address; a network is a /24.
        daemons: what runs there, in the order in which it is started.
        gpus: number of its pretended GPUs.
    """

    name: str
    cluster: str
    address: str
    daemons: tuple[str, ...]
    gpus: int = 0

    @property
    def network(self) -> str:
        """The network it is wired to."""
        return next(cluster.network for cluster in CLUSTERS if cluster.name == self.cluster)


@dataclass(frozen=True)
class User:
    """A person with a home folder on every host. The machine itself does not know them."""

    name: str
    uid: int

    @property
    def home(self) -> Path:
        """Their home, the same on all hosts and outside."""
        return LAB / "home" / self.name


CLUSTERS = (
    Cluster("alpha", login="alpha-login", network="alpha"),
    Cluster("beta", login="beta-login", network="beta"),
    Cluster("gamma", login="gamma-v1", network="alpha"),
)
NETWORKS = ("alpha", "beta")
HOSTS = (
    Host("alpha-ctl", "alpha", "10.71.0.2", ("munged", "mariadbd", "slurmdbd", "slurmctld")),
    Host("alpha-login", "alpha", "10.71.0.10", ("munged",)),
    Host("alpha-a1", "alpha", "10.71.0.21", ("munged", "slurmd"), gpus=2),
    Host("alpha-a2", "alpha", "10.71.0.22", ("munged", "slurmd"), gpus=2),
    Host("alpha-h1", "alpha", "10.71.0.31", ("munged", "slurmd"), gpus=4),
    Host("gamma-v1", "gamma", "10.71.0.41", ("munged", "slurmctld", "slurmd"), gpus=2),
    Host("beta-login", "beta", "10.72.0.10", ("munged", "slurmctld")),
    Host("beta-g1", "beta", "10.72.0.21", ("munged", "slurmd"), gpus=4),
)
USERS = (User("alice", 20001), User("bob", 20002))

_QOS = "normal,maxone,low,scavenge,high"
ACCOUNTANT = "alpha-ctl"
"""The host that keeps the accounts."""
ACCOUNTING = {
    "slurmdbd": (
        "add cluster alpha,gamma",
        "add qos short MaxWall=00:30:00",
        "add qos shortwall MaxWall=00:02:00",
        "add qos maxone MaxJobsPerUser=1",
        "add qos low,scavenge",
        "modify qos scavenge set PreemptMode=cancel",
        "add qos high Priority=100 Preempt=low,scavenge",
        "add account physics Description=physics Organization=science",
        "add account physics-gpu Description=physics-gpu Organization=science",
        f"add user alice Account=physics,physics-gpu DefaultAccount=physics QOS={_QOS},short,shortwall",
        f"add user bob Account=physics DefaultAccount=physics QOS={_QOS}",
    ),
    "slurmctld": (  # only now does slurmdbd know that there are GPUs to count
        "add qos onegpu MaxTRESPerUser=gres/gpu=1",
        "modify user alice,bob set QOS+=onegpu",
    ),
}
"""What the administrator tells sacctmgr there, once a daemon answers for the first time."""

MODULES = ("python/3.11", "python/3.12", "cuda/12.4", "anaconda3/2024.02")
"""What `module avail` shows on alpha. They only set a variable."""


def host_named(name: str) -> Host:
    """Return a host.

    Raises:
        LookupError: there is none of that name.
    """
    for host in HOSTS:
        if host.name == name:
            return host
    raise LookupError(f"no host {name!r} in the lab; there are {', '.join(host.name for host in HOSTS)}")


def user_named(name: str) -> User:
    """Return a user.

    Raises:
        LookupError: there is none of that name.
    """
    for user in USERS:
        if user.name == name:
            return user
    raise LookupError(f"no user {name!r} in the lab; there are {', '.join(user.name for user in USERS)}")
