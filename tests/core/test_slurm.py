"""What SLURM's and the modules' answers are read as: recordings, odd forms, and any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.core.cluster import Account, Gpu, NodeGroup, Qos
from jlab_mcp.core.slurm.accounts import (
    mark_default,
    parse_associations,
    parse_default_account,
    parse_qos,
    parse_shares,
)
from jlab_mcp.core.slurm.commands import SINFO_FIELDS, sinfo_arguments
from jlab_mcp.core.slurm.modules import parse_modules
from jlab_mcp.core.slurm.nodes import parse_gres, parse_sinfo
from jlab_mcp.core.slurm.partitions import parse_configuration, parse_partitions, parse_version
from jlab_mcp.core.slurm.picture import Replies, Reply, picture
from tests.sites import recorded


def text(site: str, name: str) -> str:
    answer = recorded(site, name)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        ("(null)", []),
        ("", []),
        ("N/A", []),
        ("gpu", [(None, 1)]),
        ("gpu:4", [(None, 4)]),
        ("gpu:0", []),
        ("gpu:a100", [("a100", 1)]),
        ("gpu:a100:4", [("a100", 4)]),
        ("gpu:1080:4", [("1080", 4)]),
        ("gpu:a100:4(S:0-1)", [("a100", 4)]),
        ("gpu:a100:4(IDX:0,2-3),craynetwork:4", [("a100", 4)]),
        ("gpu:a100:2(S:0),gpu:a100_3g.20gb:2", [("a100", 2), ("a100_3g.20gb", 2)]),
        ("gpu:a100:2(S:0),gpu:a100:2(S:1)", [("a100", 4)]),
        ("gpu:4,gpumem:80G", [(None, 4)]),
        ("lustre:1,gpu:v100:2", [("v100", 2)]),
        ("gpu:v100:no_consume:4", [("v100", 4)]),
        ("gpu:geforce_gtx_1080_ti:8(S:0),gpu:titan_x", [("geforce_gtx_1080_ti", 8), ("titan_x", 1)]),
        ("gpu:a100:4(S:0-1", [("a100", 4)]),
        ("mic:knc:2,TeslaC1060,shard:16", []),
    ],
)
def test_gpus_are_read_from_every_form_of_gres(gres: str, gpus: list[tuple[str | None, int]]) -> None:
    assert parse_gres(gres) == tuple(Gpu(name, count) for name, count in gpus)


def test_sinfo_of_the_lab_gives_partitions_nodes_and_gpus() -> None:
    gpu, hopper, short, closed, drained, vip = parse_sinfo(text("alpha", "sinfo"))
    assert (gpu.name, gpu.default, gpu.up, gpu.max_time, gpu.default_time) == (
        "gpu",
        True,
        True,
        "1-00:00:00",
        "10:00",
    )
    assert gpu.groups == (NodeGroup(2, 16, 64000, (Gpu("a100", 2),), ("a100",)),)
    assert hopper.groups[0].gpus == (Gpu("h100", 4),)
    assert short.gpu_types == ("a100", "h100")
    assert (closed.up, drained.up, closed.max_time, vip.max_time) == (False, False, None, None)


def test_nodes_of_one_partition_are_told_apart_by_what_they_are_and_whether_they_take_jobs() -> None:
    shared = parse_sinfo(text("sdf", "sinfo"))[0]
    assert (shared.name, shared.default) == ("shared", True)
    assert sum(group.nodes for group in shared.groups) == 31
    v100 = [group for group in shared.groups if group.gpus == (Gpu("v100", 4),)]
    assert [(group.nodes, group.cpus, group.up) for group in v100] == [(4, 32, True)], "of one socket or two"
    assert sum(group.nodes for group in shared.groups if not group.up) == 21
    assert "GPU_SKU:V100" in v100[0].features


@pytest.mark.parametrize(
    "state", ["idle", "mixed", "allocated", "idle~", "mixed-", "maint", "completing", "planned"]
)
def test_nodes_that_take_jobs_now_or_later_are_up(state: str) -> None:
    assert parse_sinfo(f"p|up|1:00|n/a|1|2|3|(null)|(null)|{state}")[0].groups[0].up


@pytest.mark.parametrize(
    "state", ["down", "down*", "drained", "draining", "idle*", "unknown*", "fail", "inval"]
)
def test_nodes_that_take_none_are_not(state: str) -> None:
    assert not parse_sinfo(f"p|up|1:00|n/a|1|2|3|(null)|(null)|{state}")[0].groups[0].up


def test_greetings_and_warnings_around_the_data_are_passed_over() -> None:
    greeting = "Welcome | to | the cluster\n*** maintenance on Monday ***\nCLUSTER: alpha\n"
    assert parse_sinfo(greeting + text("alpha", "sinfo") + "\nbye\n") == parse_sinfo(text("alpha", "sinfo"))
    assert parse_partitions(greeting + text("alpha", "scontrol_show_partition")) == parse_partitions(
        text("alpha", "scontrol_show_partition")
    )
    assert parse_associations(greeting + text("alpha", "sacctmgr_associations")) == parse_associations(
        text("alpha", "sacctmgr_associations")
    )


def test_a_partition_without_nodes_is_still_a_partition() -> None:
    (cell,) = parse_sinfo("cell|up|infinite|n/a|0|0|0|(null)|(null)|n/a")
    assert (cell.name, cell.groups) == ("cell", ())


def test_names_with_odd_characters_stay_what_they_are() -> None:
    (odd,) = parse_sinfo("gpu.a100-80_é:x*|up|1:00:00|n/a|1|2|3|(null)|a&b,c|idle")
    assert (odd.name, odd.default, odd.groups[0].features) == ("gpu.a100-80_é:x", True, ("a&b", "c"))


def test_limits_are_read_from_scontrol() -> None:
    partitions = {
        partition.name: partition for partition in parse_partitions(text("alpha", "scontrol_show_partition"))
    }
    assert partitions["vip"].allow_accounts == ("vip",)
    assert not partitions["vip"].admits_account("lab")
    assert partitions["gpu"].allow_accounts is None
    assert (partitions["gpu"].max_time, partitions["gpu"].gpus) == ("1-00:00:00", 4)
    assert not partitions["closed"].up


def test_the_sites_defaults_for_a_gpu_are_read() -> None:
    work, gpu = parse_partitions(text("setonix", "scontrol_show_partition"))
    assert (gpu.mem_per_gpu_mb, gpu.gpus, gpu.groups) == (
        29440,
        32,
        (NodeGroup(4, 128, 245000, (Gpu(None, 8),)),),
    )
    assert (work.max_mem_per_cpu_mb, work.default) == (1840, True)


def test_the_form_with_many_lines_is_read_as_well() -> None:
    standard, parallel, gpu = parse_partitions(text("manylines", "scontrol_show_partition"))
    assert [p.whole_nodes for p in (standard, parallel, gpu)] == [False, True, False]
    assert (standard.default, parallel.max_mem_per_node_mb, gpu.groups[0].gpu_count) == (True, 248000, 4)
    assert standard.deny_accounts == ()


@pytest.mark.parametrize(
    ("said", "allowed", "denied"),
    [
        ("AllowAccounts=ALL", None, ()),
        ("AllowAccounts=a,b", ("a", "b"), ()),
        ("DenyAccounts=x,y", None, ("x", "y")),
        ("DenyAccounts=none", None, ()),
    ],
)
def test_who_is_let_in_is_read(said: str, allowed: tuple[str, ...] | None, denied: tuple[str, ...]) -> None:
    (partition,) = parse_partitions(f"PartitionName=p {said} State=UP")
    assert (partition.allow_accounts, partition.deny_accounts) == (allowed, denied)


def test_the_configuration_says_what_is_handed_out_and_who_is_asked_for_an_account() -> None:
    alpha = parse_configuration(text("alpha", "scontrol_show_config"))
    assert (alpha.name, alpha.counts_memory, alpha.keeps_accounts, alpha.needs_account) == (
        "alpha",
        True,
        True,
        True,
    )
    beta = parse_configuration(text("beta", "scontrol_show_config"))
    assert (beta.name, beta.keeps_accounts, beta.needs_account) == ("beta", False, False)
    linear = parse_configuration("SelectType = select/linear\nSelectTypeParameters = CR_CPU")
    assert (linear.whole_nodes, linear.counts_memory) == (True, False)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("slurm 22.05.8", "22.05.8"),
        ("hello\nslurm-wlm 21.08.5\n", "21.08.5"),
        ("slurm 25.05.0-rc1", "25.05.0-rc1"),
        ("", None),
    ],
)
def test_the_version_is_read(said: str, version: str | None) -> None:
    assert parse_version(said) == version


def test_accounts_are_read_with_their_partitions_and_qos() -> None:
    (lab,) = parse_associations(text("alpha", "sacctmgr_associations"), cluster="alpha")
    assert (lab.name, lab.partition, lab.default_qos) == ("lab", None, None)
    assert "normal" in lab.qos
    puhti = parse_associations(text("puhti", "sacctmgr_associations"), cluster="puhti")
    assert Account("project_2001659", "gputest") in puhti
    assert Account("default_no_jobs") in puhti


def test_only_the_own_clusters_accounts_are_kept() -> None:
    text = "one|a||normal|\nTwo|b||normal|\n"
    assert [account.name for account in parse_associations(text, cluster="two")] == ["b"]
    assert [account.name for account in parse_associations(text, cluster="other")] == ["a", "b"]


def test_the_default_account_is_the_last_word_said() -> None:
    assert parse_default_account("Welcome to alpha\n\nlab\n") == "lab"
    assert parse_default_account("nothing to see\n") is None
    assert [a.default for a in mark_default((Account("a"), Account("b")), "b")] == [False, True]


def test_sshare_and_qos_are_read() -> None:
    assert parse_shares(" lab|\n other|\nlab|\n") == (Account("lab"), Account("other"))
    assert parse_qos(text("alpha", "sacctmgr_qos"))[-2:] == (Qos("shortwall", "00:02:00"), Qos("onegpu"))


def test_modules_of_environment_modules_are_read() -> None:
    found = parse_modules("Last login: today\nsingle\n" + text("alpha", "module_avail"))
    assert found[:4] == ("anaconda3/2024.02", "cuda/11.8", "cuda/12.4", "gcc/13.2.0")
    assert "single" not in found
    assert "dot" in found


def test_modules_of_lmod_are_read_without_headings_and_marks() -> None:
    assert parse_modules(text("lmod", "module_avail")) == (
        "ab2/7",
        "ab2/7.4",
        "ab2/7.4.3",
        "C/1.0",
        "C/2.0",
        "C/3.0",
        "lmod",
    )


def test_marks_colours_and_errors_are_no_part_of_a_modules_name() -> None:
    said = "/m:\n\x1b[1mcuda/12.4\x1b[0m (D)\npython/3.12(default)\nbroken: no such file\nfoo/\n"
    assert parse_modules(said) == ("cuda/12.4", "python/3.12", "foo")


def test_no_control_character_comes_through_from_a_name() -> None:
    quiet = Reply()
    nodes = Reply("g\x1b[31mp\x07u\r|up|1:00|n/a|1|2|3|gpu:\x1b]0;a\x07|f\u2028|idle\r\n")
    found = picture(Replies(quiet, quiet, nodes, quiet, quiet, quiet, quiet, quiet, Reply("/m:\na\x00/1\n")))
    assert (found.partitions[0].name, found.modules) == ("gpu", ("a/1",))
    assert "\\" not in repr(found), "repr escapes what cannot be printed"


def test_a_missing_module_command_is_no_module() -> None:
    assert parse_modules("bash: line 1: module: command not found\n") == ()


PARSERS = [
    parse_sinfo,
    parse_gres,
    parse_partitions,
    parse_configuration,
    parse_version,
    parse_associations,
    parse_default_account,
    parse_shares,
    parse_qos,
    parse_modules,
]


@given(st.text())
def test_no_text_makes_a_parser_raise(said: str) -> None:
    for parse in PARSERS:
        parse(said)


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    "gpu*",
                    "up",
                    "infinite",
                    "1:00",
                    "2",
                    "+",
                    "999999999999999999999",
                    "gpu:a100:4(S:0",
                    "(null)",
                    "٣",
                    "",
                    "PartitionName=p",
                    "TRES=mem=1.5Q,gres/gpu=x",
                    "TotalNodes=0",
                    "idle*",
                ]
            ),
            max_size=12,
        ).map("|".join),
        max_size=5,
    ).map("\n".join)
)
def test_nearly_right_text_does_not_either(said: str) -> None:
    for parse in PARSERS:
        parse(said)
        parse(said.replace("|", " "))
    nothing = Reply()
    picture(
        Replies(
            Reply(said),
            Reply(said),
            Reply(said),
            Reply(said),
            nothing,
            nothing,
            Reply(said),
            Reply(said),
            Reply(said),
        )
    )


NAMES = st.from_regex(r"[A-Za-z0-9_.:\-]{1,12}", fullmatch=True).filter(
    lambda name: name.lower() not in ("none", "n/a", "unlimited", "infinite", "gpu")
)
GPUS = st.lists(
    st.builds(
        Gpu,
        st.from_regex(r"[a-z][a-z0-9_.]{0,8}", fullmatch=True).filter(lambda name: name != "no_consume"),
        st.integers(1, 16),
    ),
    max_size=3,
    unique_by=lambda gpu: gpu.type,
).map(tuple)
GROUPS = st.builds(
    NodeGroup,
    nodes=st.integers(1, 5000),
    cpus=st.integers(1, 512),
    memory_mb=st.integers(1, 4_000_000),
    gpus=GPUS,
    features=st.lists(NAMES, max_size=3).map(tuple),
    up=st.booleans(),
)


@given(
    st.dictionaries(
        NAMES, st.lists(GROUPS, min_size=1, max_size=4, unique_by=lambda g: (g.cpus, g.memory_mb)), max_size=4
    )
)
def test_a_table_that_sinfo_would_print_is_read_back(table: dict[str, list[NodeGroup]]) -> None:
    lines = [
        "|".join(
            (
                name,
                "up",
                "1-00:00:00",
                "n/a",
                str(group.nodes),
                str(group.cpus),
                str(group.memory_mb),
                ",".join(f"gpu:{gpu.type}:{gpu.count}(S:0)" for gpu in group.gpus) or "(null)",
                ",".join(group.features) or "(null)",
                "idle" if group.up else "down*",
            )
        )
        for name, groups in table.items()
        for group in groups
    ]
    read = {partition.name: partition.groups for partition in parse_sinfo("\n".join(lines))}
    assert read == {name: tuple(groups) for name, groups in table.items()}


def test_sinfo_is_asked_for_as_many_fields_as_are_read() -> None:
    assert sinfo_arguments()[-1].count("|") == len(SINFO_FIELDS) - 1
