"""What is proposed to the users of differing sites, and why."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.cluster import Account, Cluster, Gpu, NodeGroup, Partition, Qos
from jlab_mcp.core.profile import Profile
from jlab_mcp.core.proposal import KEYS, Question, propose, questions, settings
from jlab_mcp.core.slurm.picture import Replies, Reply, picture
from tests.sites import recorded

MISSING = "`it` is not on PATH"


def site(name: str) -> Cluster:
    """Return what a site's recordings say together."""

    def reply(command: str) -> Reply:
        text = recorded(name, command)
        return Reply(failure=MISSING) if text is None else Reply(text)

    return picture(
        Replies(
            configuration=reply("scontrol_show_config"),
            partitions=reply("scontrol_show_partition"),
            sinfo=reply("sinfo"),
            associations=reply("sacctmgr_associations"),
            default_account=reply("sacctmgr_user"),
            qos=reply("sacctmgr_qos"),
            shares=reply("sshare"),
            modules=reply("module_avail"),
            version=reply("sbatch_version"),
        )
    )


def proposed(cluster: Cluster, **answers: object) -> dict[str, object]:
    """Return the settings, under the last part of their keys."""
    choices = {key: value for key in KEYS for name, value in answers.items() if key.endswith(name)}
    return {setting.key.rpartition(".")[2]: setting.value for setting in settings(cluster, choices)}


def question(cluster: Cluster, key: str, **answers: object) -> Question:
    """Return the question of a key, asked or settled."""
    choices = {known: value for known in KEYS for name, value in answers.items() if known.endswith(name)}
    return next(found for found in propose(cluster, choices=choices).questions if found.key.endswith(key))


def is_asked(cluster: Cluster, key: str) -> bool:
    return any(found.key.endswith(key) and found.is_open for found in propose(cluster).questions)


def node(**values: Any) -> NodeGroup:
    return replace(NodeGroup(2, 64, 512_000, (Gpu("a100", 4),)), **values)


def partition(name: str = "gpu", **values: Any) -> Partition:
    return replace(Partition(name, groups=(node(),)), **values)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "alpha",
            {
                "partition": "gpu",
                "gres": "gpu:a100:1",
                "cpus_per_task": 8,
                "mem": "31000M",
                "time": "4:00:00",
            },
        ),
        (
            "beta",
            {
                "partition": "main",
                "gres": "gpu:a100:1",
                "cpus_per_task": 2,
                "mem": "7000M",
                "time": "2:00:00",
            },
        ),
        (
            "puhti",
            {
                "partition": "gpu",
                "gres": "gpu:v100:1",
                "cpus_per_task": 10,
                "mem": "92000M",
                "time": "4:00:00",
                "account": "ood_installation",
            },
        ),
        (
            "sdf",
            {
                "partition": "shared",
                "gres": "gpu:geforce_rtx_2080_ti:1",
                "cpus_per_task": 4,
                "mem": "18000M",
                "time": "4:00:00",
            },
        ),
        ("setonix", {"partition": "gpu", "gres": "gpu:1", "cpus_per_task": 16, "time": "4:00:00"}),
        (
            "manylines",
            {"partition": "gpu", "gres": "gpu:1", "cpus_per_task": 32, "mem": "246000M", "time": "4:00:00"},
        ),
    ],
)
def test_each_recorded_site_gets_what_fits_it(name: str, expected: dict[str, object]) -> None:
    assert proposed(site(name)) == expected


@pytest.mark.parametrize("name", ["alpha", "beta", "puhti", "sdf", "setonix", "manylines", "lmod"])
def test_every_setting_has_a_reason_and_is_one_the_profile_takes(name: str) -> None:
    found = propose(site(name)).settings
    assert all(setting.why for setting in found)
    sections: dict[str, dict[str, object]] = {}
    for setting in found:
        section, _, key = setting.key.partition(".")
        sections.setdefault(section, {})[key] = setting.value
    Profile.model_validate({"mode": "slurm", **sections})


def test_questions_come_in_order_and_end() -> None:
    cluster = site("alpha")
    answered: dict[str, object] = {}
    asked = []
    while found := questions(cluster, answered):
        assert found.text.endswith("?")
        assert found.why
        assert found.default in [option.value for option in found.options] or found.several
        asked.append(found.key)
        answered[found.key] = found.default
    assert asked == [key for key in KEYS if key in asked]
    assert "slurm.partition" in asked
    assert "gpu_type" not in asked, "there is but one in the partition"
    assert settings(cluster, answered) == settings(cluster, {})


def test_an_answer_leads_to_the_questions_that_fit_it() -> None:
    cluster = site("alpha")
    assert question(cluster, "gpu_type", partition="short").is_open
    assert [o.value for o in question(cluster, "gpus", partition="short", gpu_type="h100").options] == [
        1,
        2,
        3,
        4,
    ]
    found = proposed(cluster, partition="short", gpu_type="h100", gpus="2")
    assert (found["gres"], found["cpus_per_task"], found["mem"], found["time"]) == (
        "gpu:h100:2",
        16,
        "62000M",
        "1:00",
    )


def test_partitions_that_are_down_are_not_offered() -> None:
    assert {"closed", "drained"}.isdisjoint({o.value for o in question(site("alpha"), "partition").options})


def test_a_partition_that_the_users_accounts_may_not_use_comes_last_of_those_with_gpus() -> None:
    options = question(site("alpha"), "partition").options
    assert [option.value for option in options] == ["gpu", "hopper", "short", "vip", None]
    assert "closed to your accounts" in options[3].why


def test_partitions_for_tests_and_those_that_are_preempted_come_after_the_others() -> None:
    names = ("low-prio", "gpu-debug", "gputest", "latest", "flow")
    cluster = Cluster(partitions=tuple(partition(name) for name in names))
    best = [option.value for option in question(cluster, "partition").options[:3]]
    assert best == ["latest", "flow", "low-prio"]


def test_a_partition_whose_nodes_are_all_down_comes_after_one_that_works() -> None:
    dead = partition("a", groups=(node(up=False),))
    assert question(Cluster(partitions=(dead, partition("b"))), "partition").default == "b"


def test_no_gpus_anywhere_leaves_the_partition_to_the_site_and_asks_for_none() -> None:
    plain = node(gpus=())
    cluster = Cluster(
        partitions=(partition("cpu", default=True, groups=(plain,)), partition("big", groups=(plain,)))
    )
    assert question(cluster, "partition").default is None
    found = proposed(cluster)
    assert "gres" not in found
    assert (found["cpus_per_task"], found["mem"]) == (4, "31000M")


def test_the_only_partition_is_not_asked_for_and_named_only_if_jobs_do_not_go_there_anyway() -> None:
    for default in (True, False):
        cluster = Cluster(partitions=(partition(default=default),))
        assert not is_asked(cluster, "partition")
        assert proposed(cluster).get("partition") == (None if default else "gpu")
        assert proposed(cluster)["gres"] == "gpu:a100:1"


def test_a_cluster_that_says_nothing_still_gets_a_time_and_cpus() -> None:
    assert proposed(Cluster()) == {"cpus_per_task": 4, "time": "4:00:00"}


def test_leaving_the_partition_to_the_site_offers_the_gpus_of_all() -> None:
    cpu = partition("cpu", default=True, groups=(node(gpus=()),))
    cluster = Cluster(
        partitions=(cpu, partition("a"), partition("b", groups=(node(gpus=(Gpu("h100", 8),)),)))
    )
    found = question(cluster, "gpu_type", partition=None)
    assert {option.value for option in found.options} == {"h100", "a100", None}


def test_a_slice_of_a_gpu_is_not_proposed_before_a_whole_one() -> None:
    mixed = node(nodes=50, gpus=(Gpu("a100_3g.20gb", 8), Gpu("a100", 2)))
    cluster = Cluster(partitions=(partition(groups=(mixed,)),))
    found = question(cluster, "gpu_type")
    assert [option.value for option in found.options] == ["a100", "a100_3g.20gb", None]
    assert proposed(cluster)["cpus_per_task"] == 6, "the slices have a share of the node as well"


def test_untyped_gpus_are_asked_for_without_a_type() -> None:
    cluster = Cluster(partitions=(partition(groups=(node(gpus=(Gpu(None, 4),)),)),))
    assert not is_asked(cluster, "gpu_type")
    assert proposed(cluster)["gres"] == "gpu:1"


def test_gpus_that_only_features_show_are_asked_for_by_constraint() -> None:
    hidden = node(gpus=(), features=("skylake", "gpu", "v100"))
    cluster = Cluster(partitions=(partition(groups=(hidden,)),))
    assert [option.value for option in question(cluster, "constraint").options] == ["gpu", "v100", None]
    found = proposed(cluster)
    assert (found["constraint"], "gres" in found) == ("gpu", False)


def test_features_tell_gpus_of_one_type_apart() -> None:
    small, large = node(features=("a100_40", "rome")), node(features=("a100_80",), memory_mb=1_000_000)
    cluster = Cluster(partitions=(partition(groups=(small, large)),))
    found = question(cluster, "constraint")
    assert (found.default, {option.value for option in found.options}) == (None, {None, "a100_40", "a100_80"})
    assert "constraint" not in proposed(cluster)
    assert proposed(cluster, constraint="a100_80")["mem"] == "242000M"


@pytest.mark.parametrize(
    "feature",
    [
        "skylake",
        "rome",
        "ib",
        "hdr100",
        "mem512",
        "intel",
        "amd",
        "r640",
        "el8",
        "nvme",
        "E5-2670v3",
        "m512",
        "h1000",
    ],
)
def test_features_of_other_things_are_not_taken_for_gpus(feature: str) -> None:
    cluster = Cluster(partitions=(partition(groups=(node(gpus=(), features=(feature,)),)),))
    assert not is_asked(cluster, "constraint")


@pytest.mark.parametrize(
    "feature",
    ["a100_80", "V100", "GPU_SKU:RTX2080TI", "gpu_mem:24GB", "l40s", "h100-sxm5", "mi250x", "gh200"],
)
def test_features_that_name_a_kind_of_gpu_are_offered(feature: str) -> None:
    cluster = Cluster(partitions=(partition(groups=(node(gpus=(), features=(feature,)),)),))
    assert question(cluster, "constraint").default == feature


def test_whole_nodes_are_asked_for_whole() -> None:
    cluster = Cluster(partitions=(partition(whole_nodes=True),))
    found = proposed(cluster)
    assert (found["gres"], found["cpus_per_task"], found["mem"]) == ("gpu:a100:4", 64, "0")


def test_memory_is_left_out_where_slurm_does_not_hand_it_out() -> None:
    cluster = Cluster(partitions=(partition(),), counts_memory=False)
    assert "mem" not in proposed(cluster)
    assert not is_asked(cluster, "mem")


def test_what_the_site_gives_to_a_gpu_is_taken() -> None:
    assert proposed(Cluster(partitions=(partition(cpus_per_gpu=9),)), gpus=2)["cpus_per_task"] == 18
    assert question(site("setonix"), "mem").default is None


def test_memory_stays_below_the_partitions_limits() -> None:
    assert proposed(Cluster(partitions=(partition(max_mem_per_cpu_mb=4000),)))["mem"] == "64000M"
    assert proposed(Cluster(partitions=(partition(max_mem_per_node_mb=50_000),)))["mem"] == "50000M"


def test_the_share_is_one_that_every_such_node_can_give() -> None:
    groups = (node(), node(cpus=32, memory_mb=256_000), node(cpus=8, up=False))
    found = proposed(Cluster(partitions=(partition(groups=groups),)))
    assert (found["cpus_per_task"], found["mem"]) == (8, "62000M")


@pytest.mark.parametrize(
    ("limit", "time"),
    [
        ("1:00", "1:00"),
        ("2:00:00", "2:00:00"),
        ("4:00:00", "4:00:00"),
        ("7-00:00:00", "4:00:00"),
        (None, "4:00:00"),
        ("odd", "4:00:00"),
    ],
)
def test_the_time_is_four_hours_or_the_partitions_limit(limit: str | None, time: str) -> None:
    cluster = Cluster(partitions=(partition(max_time=limit),))
    assert proposed(cluster)["time"] == time
    values = [option.value for option in question(cluster, "time").options]
    assert len(values) == len(set(values))


def accounts(*names: str, default: str | None = None) -> tuple[Account, ...]:
    return tuple(Account(name, default=name == default) for name in names)


@pytest.mark.parametrize(
    ("own", "account"),
    [
        ((), None),
        (accounts("a"), None),
        (accounts("a", "b", default="b"), None),
        (accounts("a", "b"), "a"),
        (accounts("m1", "m1_g", default="m1"), "m1_g"),
        (accounts("m1", "m1_g", default="m1_g"), None),
        (accounts("p-cpu", "p-gpu", default="p-cpu"), "p-gpu"),
    ],
)
def test_the_account_is_named_only_where_the_default_is_not_the_right_one(
    own: tuple[Account, ...], account: str | None
) -> None:
    assert proposed(Cluster(partitions=(partition(),), accounts=own)).get("account") == account


def test_an_account_for_gpus_is_not_proposed_without_gpus() -> None:
    cluster = Cluster(partitions=(partition(groups=(node(gpus=()),)),), accounts=accounts("m1_g", "m1"))
    assert proposed(cluster)["account"] == "m1"


def test_only_accounts_that_the_partition_lets_in_are_offered() -> None:
    own = (*accounts("a", "b", "c", default="a"), Account("d", partition="other"))
    cluster = Cluster(partitions=(partition(allow_accounts=("b", "d"), deny_accounts=("c",)),), accounts=own)
    assert proposed(cluster)["account"] == "b"
    assert not is_asked(cluster, "account")


def test_an_account_that_holds_for_the_partition_is_offered_once() -> None:
    assert [option.value for option in question(site("puhti"), "account").options] == [
        "ood_installation",
        "project_2002567",
        "default_no_jobs",
        "project_2001659",
    ]


def qos_cluster(*names: str, default: str | None, limits: tuple[Qos, ...] = (), **values: Any) -> Cluster:
    return Cluster(
        partitions=(partition(**values),), accounts=(Account("a", None, names, default),), qos=limits
    )


def test_the_usual_qos_is_left_to_slurm() -> None:
    assert "qos" not in proposed(qos_cluster("normal", "high", default=None))
    assert "qos" not in proposed(qos_cluster("long", "high", default="high"))
    assert not is_asked(qos_cluster("normal", default="normal"), "qos")


def test_another_qos_is_proposed_where_the_usual_one_is_for_trials() -> None:
    assert proposed(qos_cluster("debug", "shared", "regular", default="debug"))["qos"] == "regular"


def test_another_qos_is_proposed_where_the_usual_one_allows_too_little_time() -> None:
    limits = (Qos("short", "1:00:00"), Qos("long", "7-00:00:00"))
    cluster = qos_cluster("short", "long", default="short", limits=limits)
    assert proposed(cluster)["qos"] == "long"
    assert "qos" not in proposed(qos_cluster("std", "long", default="std", limits=limits), time="30:00")


def test_another_qos_is_proposed_where_the_partition_refuses_the_usual_one() -> None:
    assert proposed(qos_cluster("normal", "gpu", default="normal", allow_qos=("gpu",)))["qos"] == "gpu"
    assert proposed(qos_cluster("normal", "gpu", default="normal", deny_qos=("normal",)))["qos"] == "gpu"


def test_modules_with_python_or_for_gpus_are_listed_first_and_none_is_proposed() -> None:
    found = question(site("alpha"), "modules")
    assert (found.several, found.default) == (True, ())
    assert [option.value for option in found.options[:3]] == ["anaconda3/2024.02", "cuda/11.8", "cuda/12.4"]
    assert proposed(site("alpha"), modules="cuda/12.4 python/3.12.4")["modules"] == (
        "cuda/12.4",
        "python/3.12.4",
    )


def test_none_leaves_a_matter_to_the_site() -> None:
    found = proposed(site("alpha"), partition="none", mem=None, cpus_per_task="none", gpus="none")
    assert {"partition", "mem", "cpus_per_task", "gres"}.isdisjoint(found)


def test_a_user_may_know_more_than_the_cluster_says() -> None:
    found = proposed(Cluster(), partition="secret", account="mine", gpus="2", gpu_type="h200", qos="fast")
    assert (found["partition"], found["account"], found["gres"], found["qos"]) == (
        "secret",
        "mine",
        "gpu:h200:2",
        "fast",
    )


@pytest.mark.parametrize("count", ["lots", "-1", "1.5", -1, True, ["1"]])
def test_a_count_that_is_none_is_refused_by_name(count: object) -> None:
    with pytest.raises(
        ValueError, match="^" + re.escape(f'gpus is "{count}", expected a whole number') + "$"
    ):
        proposed(site("alpha"), gpus=count)


def test_a_reason_is_that_of_what_was_chosen() -> None:
    cluster = site("alpha")
    by_key = {
        setting.key: setting.why
        for setting in settings(cluster, {"slurm.partition": "hopper", "slurm.mem": "5G"})
    }
    assert "h100" in by_key["slurm.partition"]
    assert by_key["slurm.mem"] == "as chosen"


NAMES = st.sampled_from(["gpu", "cpu", "debug", "a_g", "a", "normal", "x y", "é", "'"])
GROUPS = st.builds(
    NodeGroup,
    nodes=st.integers(1, 9),
    cpus=st.integers(0, 300),
    memory_mb=st.integers(0, 3_000_000),
    gpus=st.lists(
        st.builds(Gpu, st.sampled_from([None, "a100", "1g.5gb"]), st.integers(1, 8)), max_size=2
    ).map(tuple),
    features=st.lists(st.sampled_from(["gpu", "a100_80", "ib"]), max_size=2).map(tuple),
    up=st.booleans(),
)
LIMITS = st.sampled_from([None, "1:00", "2-00:00:00", "???"])
PARTITIONS = st.builds(
    Partition,
    name=NAMES,
    default=st.booleans(),
    up=st.booleans(),
    max_time=LIMITS,
    allow_accounts=st.none() | st.lists(NAMES, max_size=2).map(tuple),
    allow_qos=st.none() | st.lists(NAMES, max_size=2).map(tuple),
    whole_nodes=st.booleans(),
    mem_per_gpu_mb=st.none() | st.integers(1, 99_999),
    max_mem_per_cpu_mb=st.none() | st.integers(1, 9_999),
    groups=st.lists(GROUPS, max_size=3).map(tuple),
)
ACCOUNTS = st.builds(
    Account,
    NAMES,
    st.none() | NAMES,
    st.lists(NAMES, max_size=3).map(tuple),
    st.none() | NAMES,
    st.booleans(),
)
CLUSTERS = st.builds(
    Cluster,
    partitions=st.lists(PARTITIONS, max_size=4, unique_by=lambda p: p.name).map(tuple),
    accounts=st.lists(ACCOUNTS, max_size=3).map(tuple),
    qos=st.lists(st.builds(Qos, NAMES, LIMITS), max_size=3).map(tuple),
    modules=st.lists(NAMES, max_size=2, unique=True).map(tuple),
    counts_memory=st.none() | st.booleans(),
)


@given(CLUSTERS, st.data())
def test_whatever_a_cluster_says_each_answer_leads_on_to_sound_settings(
    cluster: Cluster, data: st.DataObject
) -> None:
    answered: dict[str, object] = {}
    for _ in KEYS:
        found = questions(cluster, answered)
        if found is None:
            break
        values = [option.value for option in found.options]
        assert len(values) == len(set(values))
        assert found.several or found.default in values
        answered[found.key] = () if found.several else data.draw(st.sampled_from(values))
    assert questions(cluster, answered) is None
    for setting in settings(cluster, answered):
        assert setting.value not in (None, "", ())
        assert setting.why
        if setting.key == "slurm.mem":
            assert re.fullmatch(r"0|[1-9]\d*M", str(setting.value))
        if setting.key == "slurm.cpus_per_task":
            assert isinstance(setting.value, int)
            assert setting.value >= 1
