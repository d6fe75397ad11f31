"""A survey of a cluster whose commands answer as recorded, late, wrongly, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.app.profiles.survey import survey
from jlab_mcp.core.cluster import Gpu
from tests.sites import environment, install, put, put_failing, put_slow

PLENTY = 120.0
"""Seconds that no command here needs."""
ALL = ("scontrol", "sinfo", "sacctmgr", "sshare", "sbatch", "bash")


async def test_a_cluster_with_accounting_is_seen_whole(tmp_path: Path) -> None:
    cluster = await survey(install(tmp_path, "alpha"), timeout=PLENTY)
    assert (cluster.name, cluster.slurm_version, cluster.sentences) == ("alpha", "22.05.8", ())
    gpu = cluster.default_partition
    assert gpu is not None
    assert (gpu.name, gpu.default_time, gpu.groups[0].gpus) == ("gpu", "00:10:00", (Gpu("a100", 2),))
    (lab,) = cluster.accounts
    assert (lab.name, lab.default) == ("lab", True)
    assert "normal" in [qos.name for qos in cluster.qos]
    assert "cuda/12.4" in cluster.modules
    assert cluster.needs_account


async def test_a_cluster_without_accounting_costs_one_sentence(tmp_path: Path) -> None:
    cluster = await survey(install(tmp_path, "beta"), timeout=PLENTY)
    assert cluster.accounts == ()
    assert cluster.sentences == (
        "this cluster keeps no accounts, so there are none to choose from, and no QOS",
    )


async def test_greetings_before_every_answer_change_nothing(tmp_path: Path) -> None:
    greeting = "*** Welcome ***\nmaintenance on Monday, see | the | site's page"
    quiet = await survey(install(tmp_path / "quiet", "alpha"), timeout=PLENTY)
    assert await survey(install(tmp_path / "loud", "alpha", greeting=greeting), timeout=PLENTY) == quiet


@pytest.mark.parametrize("command", ALL)
async def test_a_missing_command_costs_a_sentence_and_never_the_rest(tmp_path: Path, command: str) -> None:
    env = install(tmp_path, "alpha")
    (tmp_path / command).unlink()
    cluster = await survey(env, timeout=PLENTY)
    assert cluster.has_slurm
    if command == "sshare":
        assert cluster.sentences == (), "it is only asked in place of sacctmgr"
    else:
        assert f"`{command}` is not on PATH" in " ".join(cluster.sentences)
    known = (cluster.slurm_version, cluster.partitions, cluster.accounts, cluster.modules)
    assert sum(1 for part in known if not part) == (
        0 if command in ("scontrol", "sinfo", "sacctmgr", "sshare") else 1
    )


async def test_a_failing_command_is_quoted(tmp_path: Path) -> None:
    env = install(tmp_path, "alpha")
    put_failing(
        tmp_path, "sinfo", "slurm_load_partitions: Unable to contact slurm controller (connect failure)"
    )
    sentences = (await survey(env, timeout=PLENTY)).sentences
    (sentence,) = sentences
    assert sentence == (
        "the nodes of the partitions and their types of GPU are not known: `sinfo` failed:"
        " slurm_load_partitions: Unable to contact slurm controller (connect failure)"
    )


async def test_slow_commands_cost_their_time_limit_once_for_all_together(tmp_path: Path) -> None:
    env = environment(tmp_path)
    for command in ALL:
        put_slow(tmp_path, command)
    cluster = await survey(env, timeout=0.5)
    assert cluster.sentences == (
        "no SLURM was found here: `sbatch --version` did not answer in 0.5 s",
        "no modules were found: `module avail` did not answer in 0.5 s",
    )


async def test_a_slow_command_among_quick_ones_costs_only_what_it_would_have_said(tmp_path: Path) -> None:
    env = install(tmp_path, "alpha")
    put(tmp_path, "sacctmgr", "exec /bin/sleep 3600")
    cluster = await survey(env, timeout=10)
    assert [account.name for account in cluster.accounts] == ["lab"], "from sshare"
    assert cluster.partitions
    assert "`sacctmgr show associations` did not answer in 10 s" in cluster.sentences[0]


async def test_sshare_is_believed_where_sacctmgr_refuses(tmp_path: Path) -> None:
    env = install(tmp_path, "alpha")
    put_failing(tmp_path, "sacctmgr", "sacctmgr: error: permission denied")
    cluster = await survey(env, timeout=PLENTY)
    assert [account.name for account in cluster.accounts] == ["lab"]
    about_qos, about_default = cluster.sentences
    assert about_qos == (
        "the QOS of your accounts are not known: `sacctmgr show associations` failed:"
        " sacctmgr: error: permission denied; the accounts are from `sshare`"
    )
    assert about_default == (
        "your default account is not known: `sacctmgr show user` failed: sacctmgr: error: permission denied"
    )


async def test_a_machine_without_slurm_is_seen_as_one(tmp_path: Path) -> None:
    cluster = await survey(environment(tmp_path), timeout=PLENTY)
    assert not cluster.has_slurm
    assert cluster.sentences == (
        "no SLURM was found here: `sbatch` is not on PATH",
        "no modules were found: `bash` is not on PATH",
    )


async def test_gpus_that_sinfo_hides_are_seen_in_the_partitions_total(tmp_path: Path) -> None:
    env = install(tmp_path, "setonix")
    put(tmp_path, "sinfo", "echo 'gpu|up|1-00:00:00|1:00:00|4|128|245000|(null)|gpu|idle'")
    (gpu,) = (await survey(env, timeout=PLENTY)).partitions
    assert gpu.groups[0].gpus == (Gpu(None, 8),)


async def test_variables_that_change_sinfos_view_are_kept_from_it(tmp_path: Path) -> None:
    env = install(tmp_path, "alpha")
    put(
        tmp_path,
        "sinfo",
        '[ -z "$SINFO_PARTITION$SLURM_CLUSTERS" ] && echo "gpu*|up|1:00|n/a|1|2|3|gpu:1|(null)|idle"',
    )
    cluster = await survey({**env, "SINFO_PARTITION": "x", "SLURM_CLUSTERS": "y"}, timeout=PLENTY)
    assert [partition.name for partition in cluster.partitions] == ["gpu"]
