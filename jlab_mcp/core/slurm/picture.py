"""Puts the answers of all commands together into one picture of the cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from jlab_mcp.core.cluster import Cluster, Gpu
from jlab_mcp.core.slurm.accounts import (
    mark_default,
    parse_associations,
    parse_default_account,
    parse_qos,
    parse_shares,
)
from jlab_mcp.core.slurm.modules import parse_modules
from jlab_mcp.core.slurm.nodes import parse_sinfo
from jlab_mcp.core.slurm.partitions import (
    Configuration,
    parse_configuration,
    parse_partitions,
    parse_version,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.core.cluster import Account, NodeGroup, Partition


_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Reply:
    """What one command said.

    Attributes:
        text: its output.
        failure: why it said nothing, or not all; None if it went well.
    """

    text: str = ""
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Replies:
    """What every command said, each under the name of its argument list in `commands`."""

    configuration: Reply
    partitions: Reply
    sinfo: Reply
    associations: Reply
    default_account: Reply
    qos: Reply
    shares: Reply
    version: Reply
    modules: Reply | None = None
    """None if they were not asked for."""


def picture(replies: Replies) -> Cluster:
    """Return what the replies say together, with a sentence for everything that they do not say.

    Nothing in it holds a control character: names go to terminals and into comments of files.
    """
    replies = Replies(
        *(reply and _plain(reply) for reply in (getattr(replies, field.name) for field in fields(replies)))
    )
    modules = parse_modules(replies.modules.text) if replies.modules else ()
    version = parse_version(replies.version.text)
    configuration = parse_configuration(replies.configuration.text)
    partitions = _partitions(replies, configuration)
    if version is None and not partitions:
        no_slurm = f"no SLURM was found here: {replies.version.failure or '`sbatch` did not say its version'}"
        sentences = [no_slurm, *_modules_sentence(replies, modules)]
        return Cluster(modules=modules, sentences=tuple(sentences))
    accounts, about_accounts = _accounts(replies, configuration)
    return Cluster(
        name=configuration.name,
        slurm_version=version,
        partitions=partitions,
        accounts=accounts,
        qos=parse_qos(replies.qos.text),
        modules=modules,
        sentences=tuple(
            dict.fromkeys(
                (
                    *_partition_sentences(replies, partitions),
                    *about_accounts,
                    *_modules_sentence(replies, modules),
                )
            )
        ),
        needs_account=configuration.needs_account,
        counts_memory=configuration.counts_memory,
        averaged=not parse_sinfo(replies.sinfo.text),
    )


def _plain(reply: Reply) -> Reply:
    """Drop what is neither printable nor the end of a line, and colours whole."""
    text = _COLOUR.sub("", reply.text).replace("\t", " ")
    return replace(reply, text="".join(char for char in text if char.isprintable() or char == "\n"))


def _partitions(replies: Replies, configuration: Configuration) -> tuple[Partition, ...]:
    """Join the limits that scontrol knows with the nodes that sinfo knows."""
    seen = {partition.name: partition for partition in parse_sinfo(replies.sinfo.text)}
    limits = {partition.name: partition for partition in parse_partitions(replies.partitions.text)}
    joined = []
    for name in seen or limits:  # sinfo leaves out what is hidden from this user
        partition = limits.get(name, seen.get(name))
        if partition is None:
            continue
        if name in seen and name in limits:
            nodes = seen[name]
            partition = replace(
                partition,
                default=partition.default or nodes.default,
                up=partition.up and nodes.up,
                max_time=nodes.max_time or partition.max_time,
                default_time=partition.default_time or nodes.default_time,
                groups=_with_hidden_gpus(nodes.groups, partition),
            )
        joined.append(replace(partition, whole_nodes=partition.whole_nodes or configuration.whole_nodes))
    return tuple(joined)


def _with_hidden_gpus(groups: tuple[NodeGroup, ...], limits: Partition) -> tuple[NodeGroup, ...]:
    """Put GPUs into nodes that show none, where the partition's total says that each has as many."""
    nodes = sum(group.nodes for group in groups)
    if not limits.gpus or not nodes or limits.gpus % nodes or any(group.gpus for group in groups):
        return groups or limits.groups
    return tuple(replace(group, gpus=(Gpu(None, limits.gpus // nodes),)) for group in groups)


def _accounts(replies: Replies, configuration: Configuration) -> tuple[tuple[Account, ...], list[str]]:
    """Return the user's accounts, and what cannot be said of them and of QOS."""
    if configuration.keeps_accounts is False:
        return (), ["this cluster keeps no accounts, so there are none to choose from, and no QOS"]
    sentences = []
    accounts = parse_associations(replies.associations.text, cluster=configuration.name)
    if not accounts:
        accounts = parse_shares(replies.shares.text)
        why = replies.associations.failure or "`sacctmgr` names no account of yours"
        if accounts:
            sentences.append(f"the QOS of your accounts are not known: {why}; the accounts are from `sshare`")
        else:
            also = f", and {replies.shares.failure}" if replies.shares.failure else ""
            sentences.append(f"your accounts are not known: {why}{also}")
    if accounts and replies.default_account.failure:
        sentences.append(f"your default account is not known: {replies.default_account.failure}")
    if replies.qos.failure and not replies.associations.failure:
        sentences.append(f"the time limits of QOS are not known: {replies.qos.failure}")
    return mark_default(accounts, parse_default_account(replies.default_account.text)), sentences


def _partition_sentences(replies: Replies, partitions: tuple[Partition, ...]) -> Iterator[str]:
    if replies.version.failure:
        yield f"SLURM's version is not known: {replies.version.failure}"
    if replies.configuration.failure:
        yield f"the cluster's name and settings are not known: {replies.configuration.failure}"
    if not partitions:
        why = replies.sinfo.failure or replies.partitions.failure or "`sinfo` names none that you may see"
        yield f"the partitions are not known: {why}"
    elif replies.sinfo.failure:
        yield f"the nodes of the partitions and their types of GPU are not known: {replies.sinfo.failure}"
    if partitions and replies.partitions.failure:
        yield f"who may use which partition is not known: {replies.partitions.failure}"


def _modules_sentence(replies: Replies, modules: tuple[str, ...]) -> Iterator[str]:
    if replies.modules and not modules:
        yield f"no modules were found: {replies.modules.failure or '`module avail` lists none'}"
