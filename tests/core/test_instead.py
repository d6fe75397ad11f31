"""The value that a cluster would take in place of one that it cannot meet."""

from __future__ import annotations

import pytest

from jlab_mcp.core.cluster import Account, Cluster, Gpu, NodeGroup, Partition, Qos
from jlab_mcp.core.profile import SlurmSection
from jlab_mcp.core.slurm.facts import parse_architecture, parse_clock
from jlab_mcp.core.slurm.instead import instead

A100 = NodeGroup(2, 64, 500_000, (Gpu("a100", 4),))
H100 = NodeGroup(1, 64, 500_000, (Gpu("h100", 8),))
CLUSTER = Cluster(
    partitions=(
        Partition("gpu", default=True, max_time="1-00:00:00", groups=(A100,), deny_qos=("long",)),
        Partition("hopper", max_time="12:00:00", groups=(H100,), allow_accounts=("rich",)),
        Partition("cpu", groups=(NodeGroup(9, 64, 500_000),)),
        Partition("down", up=False, groups=(A100,)),
    ),
    accounts=(
        Account("physics", qos=("normal", "long"), default_qos="normal", default=True),
        Account("rich", qos=("normal",), default_qos="normal"),
    ),
    qos=(Qos("normal"), Qos("long", "7-00:00:00"), Qos("short", "30:00")),
)


@pytest.mark.parametrize(
    ("field", "settings", "value"),
    [
        ("partition", {"partition": "hoper"}, "hopper"),
        ("partition", {"partition": "v100"}, "gpu"),
        ("partition", {"partition": "zzz", "gres": "gpu:h100:1"}, "hopper"),
        ("account", {"account": "fysics"}, "physics"),
        ("account", {"account": "zzz", "partition": "hopper"}, "rich"),
        ("qos", {"qos": "log", "partition": "cpu"}, "long"),
        ("qos", {"qos": "long", "partition": "gpu"}, "normal"),
        ("time", {"time": "99-0"}, "1-00:00:00"),
        ("time", {"time": "99-0", "qos": "short"}, "30:00"),
        ("time", {"time": "99-0", "partition": "cpu"}, None),
        ("gres", {"gres": "gpu:a10:1"}, "gpu:a100:1"),
        ("gres", {"gres": "gpu:9"}, "gpu:4"),
        ("gres", {"gres": "gpu:v:9", "partition": "hopper"}, "gpu:h100:8"),
        ("gpus", {"gpus": "a10:2"}, "a100:2"),
        ("gres", {"gres": "gpu:1", "partition": "cpu"}, None),
        ("mem", {"mem": "1T"}, None),
    ],
)
def test_the_likeliest_value_is_proposed(field: str, settings: dict[str, str], value: str | None) -> None:
    assert instead(field, SlurmSection(**settings), CLUSTER) == value  # type: ignore[arg-type]


def test_nothing_is_proposed_for_a_cluster_that_nobody_knows() -> None:
    for field in ("partition", "account", "qos", "time", "gres"):
        assert instead(field, SlurmSection(gres="gpu:1", time="1"), Cluster()) is None


def test_the_controllers_clock_and_a_nodes_kind_are_read() -> None:
    said = (
        "*" * 20
        + "\nsdiag output at Fri Nov 27 22:50:00 2026 (1795819800)\nData since      Fri (1795800000)\n"
    )
    assert parse_clock(said) == 1_795_819_800
    assert parse_clock("sdiag: error") is None
    assert parse_architecture("NodeName=gpu1 Arch=aarch64 CoresPerSocket=4") == "aarch64"
    assert parse_architecture("NodeName=gpu1 Arch=(null) CoresPerSocket=4") is None
