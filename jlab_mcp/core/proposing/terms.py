"""On whose account, for how long, and with which modules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jlab_mcp.core.proposing.partitions import chosen_partitions, is_for_tests, seconds
from jlab_mcp.core.proposing.question import (
    ACCOUNT,
    CONSTRAINT,
    GPUS,
    MODULES,
    QOS,
    TIME,
    Option,
    Question,
    count_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jlab_mcp.core.cluster import Account, Cluster, Partition
    from jlab_mcp.core.proposing.question import Value

_TIMES = ("4:00:00", "1:00:00", "8:00:00", "1-00:00:00")
"""What is offered, the proposal first."""
_GPU_ACCOUNT = re.compile(r"(?:[_-]g|[_-]gpu)$", re.IGNORECASE)
"""Sites that keep a project's GPU hours apart call that account `m1234_g` or `abc123-gpu`."""
_USEFUL_MODULE = re.compile(
    r"(?:^|/)(?:python|anaconda|miniconda|miniforge|mambaforge|micromamba|mamba|conda|jupyter|pytorch|torch|tensorflow"
    r"|cuda|cudatoolkit|cudnn|nccl|nvhpc|rocm)[^/]*(?:/|$)",
    re.IGNORECASE,
)


def ask_time(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask for the time limit; not more than the partition allows."""
    limits = [partition.max_time for partition in chosen_partitions(cluster, answers)]
    limit = max(limits, key=seconds, default=None)
    times = [time for time in _TIMES if seconds(time) < seconds(limit)]
    if limit and seconds(limit) != float("inf"):
        times.insert(0 if seconds(limit) <= seconds(_TIMES[0]) else len(times), limit)
    proposed = times[0]
    why = "the longest that the partition allows" if proposed == limit else "half a working day"
    options = tuple(
        Option(time, time, "the longest that the partition allows" if time == limit else "") for time in times
    )
    return Question(TIME, "How long may a server run?", options, proposed, why, typed=True)


def ask_account(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask which account to charge; left out where the user has none, settled where there is no choice."""
    chosen = chosen_partitions(cluster, answers)
    own = {account.name: account for account in reversed(cluster.accounts)}
    fitting = {account.name: account for account in reversed(cluster.accounts) if _admitted(account, chosen)}
    accounts = list(reversed((fitting or own).values()))
    if not accounts:
        return None
    text = "Which account?"
    usual = next((account for account in accounts if account.default), None)
    options = [Option(account.name, account.name, _about(account)) for account in accounts]
    if len(accounts) == 1:
        only = accounts[0]
        is_plain = only.default or len(own) == 1
        why = "your only account" if len(own) == 1 else "your only account that the partition lets in"
        return Question(ACCOUNT, text, tuple(options), None if is_plain else only.name, why, is_open=False)
    if usual:
        options.append(Option(None, "none: leave it to the site", f"your default account is {usual.name}"))
    for_gpus = bool(count_of(answers, GPUS) or text_of(answers, CONSTRAINT))
    alike = [account for account in accounts if bool(_GPU_ACCOUNT.search(account.name)) == for_gpus]
    if usual and (usual in alike or not alike or not any(_GPU_ACCOUNT.search(a.name) for a in accounts)):
        return Question(ACCOUNT, text, tuple(options), None, f"your default account is {usual.name}")
    proposed = (alike or accounts)[0]
    is_gpus_own = for_gpus and proposed in alike
    why = (
        "by its name, it is for GPUs" if is_gpus_own else "the first of your accounts; SLURM names no default"
    )
    if usual and not is_gpus_own:
        why = "by their names, the others are for GPUs"
    options.sort(key=lambda option: option.value != proposed.name)
    return Question(ACCOUNT, text, tuple(options), proposed.name, why)


def _admitted(account: Account, partitions: Sequence[Partition]) -> bool:
    return not partitions or any(
        partition.admits_account(account.name) and account.partition in (None, partition.name)
        for partition in partitions
    )


def _about(account: Account) -> str:
    return "your default" if account.default else ""


def ask_qos(cluster: Cluster, answers: Mapping[str, Value]) -> Question | None:
    """Ask for the QOS; left out where none is known, settled where there is no choice."""
    chosen = chosen_partitions(cluster, answers)
    names, usual = _qos_names(cluster, answers, chosen)
    if not names:
        return None
    limits = {qos.name: qos.max_wall for qos in cluster.qos}
    wanted = seconds(text_of(answers, TIME))
    wanted = 0.0 if wanted == float("inf") else wanted
    short = {name for name in names if seconds(limits.get(name)) < wanted}
    text = "Which QOS?"
    options = [
        Option(name, name, f"at most {limits[name]}" if limits.get(name) else "")
        for name in sorted(names, key=lambda name: (name in short, name != usual))
    ]
    leave = Option(None, "none: leave it to the site", f"SLURM takes {usual}" if usual else "")
    if usual in names and usual not in short and not is_for_tests(usual):
        why = f"SLURM takes {usual} by default"
        return Question(QOS, text, (leave, *options), None, why, is_open=len(names) > 1)
    if usual is None:
        why = "SLURM chooses one"
        return Question(QOS, text, (leave, *options), None, why, is_open=len(names) > 1)
    better = _better(names, short)
    if better is None:
        why = f"no other QOS allows {text_of(answers, TIME)}"
        return Question(QOS, text, (leave, *options), None, why, is_open=len(names) > 1)
    objection = _objection(usual, names, short)
    options.sort(key=lambda option: option.value != better)
    return Question(QOS, text, (*options, leave), better, objection, is_open=len(names) > 1)


def _qos_names(
    cluster: Cluster, answers: Mapping[str, Value], partitions: Sequence[Partition]
) -> tuple[list[str], str | None]:
    """Return the QOS that account and partition both allow, and the one that SLURM takes by default."""
    account = text_of(answers, ACCOUNT)
    rows = [row for row in cluster.accounts if row.name == account] if account else []
    rows = rows or [row for row in cluster.accounts if row.default] or list(cluster.accounts)
    names = list(dict.fromkeys(name for row in rows for name in row.qos))
    if not names:
        names = list(dict.fromkeys(name for partition in partitions for name in partition.allow_qos or ()))
    allowed = [
        name
        for name in names
        if not partitions or any(partition.admits_qos(name) for partition in partitions)
    ]
    usual = next((row.default_qos for row in rows if row.default_qos), None)
    return allowed, usual or ("normal" if "normal" in names else None)


def _better(names: Sequence[str], short: set[str]) -> str | None:
    """Return the QOS that is, by its name and its limit, for ordinary work."""
    fitting = [name for name in names if name not in short and not is_for_tests(name)]
    return min(fitting, key=lambda name: name not in ("regular", "normal"), default=None)


def _objection(usual: str, names: Sequence[str], short: set[str]) -> str:
    if usual not in names:
        return f"the partition does not allow {usual}, which SLURM takes by default"
    if usual in short:
        return f"{usual}, which SLURM takes by default, allows less time"
    return f"{usual}, which SLURM takes by default, is by its name for short trials"


def ask_modules(cluster: Cluster, _answers: Mapping[str, Value]) -> Question | None:
    """Ask which modules to load; those with Python or for GPUs are listed first, and none is proposed."""
    if not cluster.modules:
        return None
    ordered = sorted(cluster.modules, key=lambda name: not _USEFUL_MODULE.search(name))
    why = "JupyterLab comes from the project's own environment, which most often needs none"
    options = tuple(Option(name, name) for name in ordered)
    return Question(MODULES, "Which modules?", options, (), why, typed=True, several=True)
