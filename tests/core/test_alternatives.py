"""What is proposed in place of a setting that the cluster cannot meet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.cluster import Account, Cluster, Gpu, NodeGroup, Partition, Qos
from jlab_mcp.core.profile import SlurmSection
from jlab_mcp.core.slurm.alternatives import alternatives

_A100 = NodeGroup(2, 16, 64_000, (Gpu("a100", 2),), ("a100", "ib"))
_H100 = NodeGroup(1, 32, 128_000, (Gpu("h100", 4),), ("h100", "ib"))
CLUSTER = Cluster(
    name="alpha",
    partitions=(
        Partition("gpu", default=True, max_time="1-00:00:00", groups=(_A100,)),
        Partition("hopper", max_time="12:00:00", allow_accounts=("physics-gpu",), groups=(_H100,)),
        Partition("short", max_time="30:00", deny_qos=("high",), groups=(_A100, _H100)),
        Partition("cpu", groups=(NodeGroup(4, 64, 256_000),), max_mem_per_node_mb=200_000),
        Partition("closed", up=False, groups=(_A100,)),
        Partition("vip", allow_accounts=("vip",), groups=(_H100,)),
    ),
    accounts=(
        Account("physics", qos=("normal", "short", "high"), default_qos="normal", default=True),
        Account("physics-gpu", qos=("normal",)),
        Account("bound", partition="cpu"),
    ),
    qos=(Qos("normal", "2-00:00:00"), Qos("short", "00:30:00"), Qos("high"), Qos("gold")),
)
_ALL = "gpu, hopper, short, cpu, closed (down) and vip (closed to your accounts)"
_OPEN = "open to you: gpu, hopper, short and cpu"


@pytest.mark.parametrize(
    ("field", "asked", "said"),
    [
        ("partition", {"partition": "gpuu"}, f"there is no such partition for you; did you mean `gpu`? there are {_ALL}"),
        ("partition", {"partition": "zzz"}, f"there is no such partition for you; there are {_ALL}"),
        ("partition", {"partition": "gpu,zzz"}, f"there is no partition for you: zzz; there are {_ALL}"),
        ("partition", {"partition": "closed"},
         f"no jobs start in closed now; {_OPEN}"),
        ("partition", {"partition": "hopper"},
         "it does not let your default account physics in; of yours it lets in physics-gpu"),
        ("partition", {"partition": "vip"},
         f"it does not let your default account physics in; it lets in none of yours; {_OPEN}"),
        ("account", {"account": "physic"},
         "there is no such account of yours; did you mean `physics`? you have physics, physics-gpu and bound"),
        ("account", {}, "you may use physics, physics-gpu and bound"),
        ("account", {"account": "physics", "partition": "hopper"},
         "the partition hopper does not let it in; of yours it lets in physics-gpu"),
        ("account", {"account": "bound", "partition": "gpu"}, "it holds only for the partition cpu"),
        ("qos", {"qos": "hihg"},
         "there is no such QOS; did you mean `high`? you may use normal, short and high"),
        ("qos", {"qos": "gold"}, "your account may not use it; you may use normal, short and high"),
        ("qos", {"qos": "high", "account": "physics-gpu"}, "your account may not use it; you may use normal"),
        ("qos", {"qos": "high", "partition": "short"},
         "the partition does not let it in; you may use normal and short"),
        ("constraint", {"constraint": "a10&ib"},
         "no node of gpu has a10; did you mean `a100`? features there are a100 and ib"),
        ("constraint", {"constraint": "[a100*1|h100*2]"},
         "no node of gpu has h100; features there are a100 and ib; such nodes are in hopper and short"),
        ("constraint", {"constraint": "x", "partition": "cpu"}, "no node of cpu has x; its nodes have no features"),
        ("gres", {"gres": "gpu:a10:1"}, "gpu has no a10; did you mean `a100`? a node of gpu has 2 a100"),
        ("gres", {"gres": "gpu:a100:3"}, "no node of gpu has 3 a100; a node of gpu has 2 a100"),
        ("gres", {"gres": "gpu:4"}, "no node of gpu has 4 GPUs; a node of gpu has 2 a100; such nodes are in hopper and short"),
        ("gres", {"gres": "gpux:1"}, "did you mean `gpu`? a node of gpu has 2 a100"),
        ("gres", {"gres": "gpu:h100", "partition": "gpu"},
         "gpu has no h100; a node of gpu has 2 a100; such nodes are in hopper and short"),
        ("gpus", {"gpus": "5"}, "gpu has 4 GPUs in all; a node of gpu has 2 a100"),
        ("gpus", {"gpus": "3", "nodes": "1"},
         "no node of gpu has 3 GPUs; a node of gpu has 2 a100; such nodes are in hopper and short"),
        ("gpus_per_node", {"gpus_per_node": "h100:5", "partition": "short"},
         "no node of short has 5 h100; a node of short has 2 a100 or 4 h100"),
        ("gpus_per_task", {"gpus_per_task": "1", "partition": "cpu"},
         "cpu has no GPUs; no node of it has any; such nodes are in gpu, hopper and short"),
        ("cpus_per_task", {"cpus_per_task": 17}, "no node of gpu has more than 16 CPUs"),
        ("ntasks", {"ntasks": 17, "cpus_per_task": 2}, "gpu has 32 CPUs in all"),
        ("nodes", {"nodes": "3-4"}, "gpu has 2 nodes"),
        ("mem", {"mem": "70G"}, "no node of gpu has more than 64000M"),
        ("mem", {"mem": "64001"}, "no node of gpu has more than 64000M"),
        ("mem", {"mem": "230G", "partition": "cpu"}, "cpu allows 200000M on a node"),
        ("mem_per_cpu", {"mem_per_cpu": "8gb", "cpus_per_task": 10},
         "for 10 CPUs that is 81920M; no node of gpu has more than 64000M"),
        ("mem_per_gpu", {"mem_per_gpu": "1T"}, "no node of gpu has more than 64000M"),
        ("time", {"time": "9-0"},
         ("gpu allows 1-00:00:00 at most and the QOS normal allows 2-00:00:00 at most;"
          " long enough: cpu (unlimited)")),
        ("time", {"time": "1:00:00", "qos": "short"}, "the QOS short allows 00:30:00 at most"),
        ("time", {"time": "13:00:00", "partition": "hopper"},
         "hopper allows 12:00:00 at most; long enough: gpu (1-00:00:00) and cpu (unlimited)"),
        ("time", {"partition": "short"}, "short allows 30:00 at most and the QOS normal allows 2-00:00:00 at most"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_met_comes_with_what_can(
    field: str, asked: dict[str, object], said: str
) -> None:
    assert alternatives(field, SlurmSection.model_validate(asked), CLUSTER) == said


_FITTING: tuple[dict[str, object], ...] = (
    {},
    {"partition": "gpu", "account": "physics", "qos": "high", "constraint": "a100&ib", "gres": "gpu:a100:2"},
    {"partition": "short,gpu", "gpus": "h100:4", "time": "30", "mem": "125G", "cpus_per_task": 32},
    {"partition": "cpu", "account": "bound", "nodes": "1-9", "ntasks": 256, "mem": "0"},
    {"partition": "hopper", "account": "physics-gpu", "gpus_per_node": "4", "mem_per_gpu": "32000M"},
    {"gres": "craynetwork:1"},
)


@pytest.mark.parametrize("asked", _FITTING)
def test_nothing_is_said_against_what_fits(asked: dict[str, object]) -> None:
    slurm = SlurmSection.model_validate(asked)
    for field in asked:
        assert not alternatives(field, slurm, CLUSTER)


@pytest.mark.parametrize(
    "asked",
    [
        {"partition": "gpuu"},
        {"account": "physic"},
        {"qos": "hihg"},
        {"constraint": "a10"},
        {"gres": "gpu:9"},
        {"gpus": "x:1"},
        {"mem": "9T"},
        {"cpus_per_task": 999},
        {"time": "99-0"},
        {"nodes": "99"},
        {"reservation": "nope"},
    ],
)
def test_nothing_is_said_of_a_cluster_that_is_not_known(asked: dict[str, object]) -> None:
    (field,) = asked
    assert not alternatives(field, SlurmSection.model_validate(asked), Cluster())


def test_gpus_without_known_types_are_only_counted() -> None:
    untyped = replace(_A100, gpus=(Gpu(None, 2),))
    cluster = Cluster(partitions=(Partition("gpu", default=True, groups=(untyped,)),))
    assert not alternatives("gpus_per_node", SlurmSection(gpus_per_node="a100:2"), cluster)
    assert alternatives("gpus_per_node", SlurmSection(gpus_per_node="3"), cluster) == (
        "no node of gpu has 3 GPUs; a node of gpu has 2 GPUs"
    )


@pytest.mark.parametrize(
    "asked", [{"gres": "gpu:3"}, {"mem": "70G"}, {"cpus_per_task": 99}, {"constraint": "x"}]
)
def test_averages_prove_nothing(asked: dict[str, object]) -> None:
    (field,) = asked
    assert not alternatives(field, SlurmSection.model_validate(asked), replace(CLUSTER, averaged=True))


def test_very_many_partitions_are_not_all_listed() -> None:
    cluster = Cluster(partitions=tuple(Partition(f"p{number}") for number in range(80)))
    said = alternatives("partition", SlurmSection(partition="nope"), cluster)
    assert said.endswith("p10, p11 and 68 more")


@given(
    st.sampled_from(["constraint", "partition", "account", "qos", "gres", "gpus", "mem", "time", "nodes"]),
    st.from_regex(r"[A-Za-z0-9:*&|\[\],.\-]{1,20}", fullmatch=True),
)
def test_any_value_is_answered_with_text(field: str, value: str) -> None:
    said = alternatives(field, SlurmSection().model_copy(update={field: value}), CLUSTER)
    assert isinstance(said, str)
    assert said == said.strip()
