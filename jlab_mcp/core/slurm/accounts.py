"""What `sacctmgr` and `sshare` say: the user's accounts, and the QOS."""

from __future__ import annotations

from dataclasses import replace

from jlab_mcp.core.cluster import Account, Qos
from jlab_mcp.core.slurm.nodes import stated

_ASSOCIATION_FIELDS = 5
_QOS_FIELDS = 2


def parse_associations(text: str, *, cluster: str | None = None) -> tuple[Account, ...]:
    """Read the answer to `associations_arguments`.

    Args:
        text: what was printed.
        cluster: the cluster to keep; one database may serve several. All are kept if None, or if
            it is not among them.
    """
    rows = [_row(line, _ASSOCIATION_FIELDS) for line in text.splitlines()]
    known = [row for row in rows if row and row[0] and row[1]]
    own = [row for row in known if cluster and row[0].lower() == cluster.lower()]
    accounts = [
        Account(account, stated(partition), _list(qos), stated(default_qos))
        for _, account, partition, qos, default_qos in own or known
    ]
    return tuple(dict.fromkeys(accounts))


def parse_default_account(text: str) -> str | None:
    """Read the answer to `default_account_arguments`; the last line is the answer, others are chatter."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return stated(lines[-1]) if lines and not any(char.isspace() for char in lines[-1]) else None


def parse_shares(text: str) -> tuple[Account, ...]:
    """Read the answer to `shares_arguments`."""
    names = [line.strip().removesuffix("|") for line in text.splitlines()]
    return tuple(
        Account(name) for name in dict.fromkeys(names) if name and not any(char.isspace() for char in name)
    )


def parse_qos(text: str) -> tuple[Qos, ...]:
    """Read the answer to `qos_arguments`."""
    rows = [_row(line, _QOS_FIELDS) for line in text.splitlines()]
    return tuple(Qos(row[0], stated(row[1])) for row in rows if row and row[0])


def mark_default(accounts: tuple[Account, ...], name: str | None) -> tuple[Account, ...]:
    """Mark the account that jobs are charged to when they name none."""
    return tuple(replace(account, default=account.name == name) for account in accounts)


def _row(line: str, fields: int) -> list[str]:
    """Split a line of `--parsable` or `--parsable2`; nothing if it has not that many fields."""
    row = [field.strip() for field in line.split("|")]
    if len(row) == fields + 1 and not row[-1]:
        row.pop()
    return row if len(row) == fields else []


def _list(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)
