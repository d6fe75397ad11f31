"""The questions to SLURM, as argument lists. They read; none of them changes anything."""

from __future__ import annotations

SINFO_FIELDS = ("%P", "%a", "%l", "%L", "%D", "%c", "%m", "%G", "%f", "%T")
"""Partition (a `*` marks the default), availability, longest and default time, nodes, CPUs, memory, GRES,
features, state."""


def configuration_arguments() -> tuple[str, ...]:
    """Ask for the cluster's name and its settings."""
    return ("scontrol", "show", "config")


def partitions_arguments() -> tuple[str, ...]:
    """Ask for the limits of all partitions and for who may use them."""
    return ("scontrol", "show", "partition", "--oneliner")


def sinfo_arguments() -> tuple[str, ...]:
    """Ask for the nodes of all partitions: exact figures, nothing rounded to gigabytes.

    `--format` pads nothing and cuts nothing where a field has no width, other than `--Format`.
    """
    return ("sinfo", "--noheader", "--noconvert", "--exact", f"--format={'|'.join(SINFO_FIELDS)}")


def associations_arguments(user: str) -> tuple[str, ...]:
    """Ask which accounts and QOS a user has."""
    fields = "format=Cluster,Account,Partition,QOS,DefaultQOS"
    return ("sacctmgr", "--noheader", "--parsable2", "show", "associations", f"user={user}", fields)


def default_account_arguments(user: str) -> tuple[str, ...]:
    """Ask which account a user's jobs are charged to when they name none."""
    return ("sacctmgr", "--noheader", "--parsable2", "show", "user", user, "format=DefaultAccount")


def qos_arguments() -> tuple[str, ...]:
    """Ask for the limits of all QOS."""
    return ("sacctmgr", "--noheader", "--parsable2", "show", "qos", "format=Name,MaxWall")


def shares_arguments() -> tuple[str, ...]:
    """Ask for the user's accounts where `sacctmgr` is not to be had: `sshare` asks the controller alone."""
    return ("sshare", "-U", "--noheader", "--parsable2", "--format=Account")


def modules_arguments() -> tuple[str, ...]:
    """Ask for the environment modules; `module` is a function that only a login shell is sure to have."""
    return ("bash", "-lc", "module -t avail 2>&1")


def module_arguments(module: str) -> tuple[str, ...]:
    """Ask whether a module is there: status 0 if so, 3 if not, anything else where that cannot be told.

    Lmod has `is-avail`, and Environment Modules since 4.1.
    """
    asked = 'type module >/dev/null 2>&1 || exit 9; module is-avail "$0" >/dev/null 2>&1 && exit 0'
    # An older `module` knows no `is-avail`, and fails at everything.
    doubt = 'module is-avail "$0" 2>&1 | grep -qiE "unrecognized|invalid command|usage" && exit 9; exit 3'
    return ("bash", "-lc", f"{asked}; {doubt}", module)


def version_arguments() -> tuple[str, ...]:
    """Ask for SLURM's version; needs no controller."""
    return ("sbatch", "--version")


def clock_arguments() -> tuple[str, ...]:
    """Ask for the controller's figures, of which the first line has its clock."""
    return ("sdiag",)


def node_arguments(name: str) -> tuple[str, ...]:
    """Ask about one node."""
    return ("scontrol", "show", "node", name, "--oneliner")


def hosts_arguments(names: str) -> tuple[str, ...]:
    """Ask for the single names behind `gpu[01-04]`; needs no controller."""
    return ("scontrol", "show", "hostnames", names)
