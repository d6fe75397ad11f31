"""A real sbatch takes every shipped profile on a cluster that has what it asks for, and on no lesser one.

The cluster is made from the profile (`lab/shipped.py`): its partitions, features, GPUs, limits and accounts. The real
sites' rules beyond that, such as plugins of their own, cannot be had here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jlab_mcp.app.context import load
from jlab_mcp.app.jobscript import submission
from jlab_mcp.core.profile import SlurmSection
from jlab_mcp.core.resolver import ResolvedProfile
from jlab_mcp.core.slurm.partitions import megabytes
from jlab_mcp.core.slurm.verdict import Verdict, verdict
from tests.cluster.conftest import Lab
from tests.cluster.lab import shipped
from tests.cluster.lab.shipped import CONFIGURATION, OPEN_PARTITION, Site
from tests.core.golden_scripts import SHIPPED

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PROFILES = sorted({path.stem for path in SHIPPED.glob("*.toml")} - {"local"})
QOS = {"acc_ehpc", "shared"}
"""All that shipped profiles ask for; another one fails its test, since alice has no right to it."""
ACCOUNT = "physics-gpu"
"""What alice fills in where an account is required; it is not her default one."""
OF_A_PLUGIN = {"sherlock"}
"""Profiles with an option that a plugin of the site's own adds to sbatch."""


@dataclass(frozen=True)
class Loss:
    """Something that a cluster can be without.

    Attributes:
        field: the setting that a refusal is then about.
        take: orders for scontrol that take it away.
        give_back: orders that give it back.
    """

    field: str
    take: tuple[str, ...]
    give_back: tuple[str, ...]


@pytest.fixture(scope="module")
def accounts(lab: Lab) -> Iterator[None]:
    """The accounts of the cluster that is made."""
    with shipped.accounts(QOS):
        yield


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.usefixtures("accounts")
def test_it_is_taken_where_all_it_asks_for_is_there_and_refused_where_one_thing_is_not(
    lab: Lab, name: str
) -> None:
    resolved = _filled_in(lab, name)
    slurm = resolved.slurm
    site = _site(slurm)
    shipped.bring_over(site)

    found = _asked(lab, resolved)

    assert found.accepted, found
    assert found.partition in (site.partitions or (OPEN_PARTITION,))
    assert (found.nodes or "").startswith(shipped.NODES)
    for loss in _losses(slurm, site):
        shipped.change(*loss.take)
        found = _asked(lab, resolved)
        assert found.refusal, f"taken without {loss.field}: {found}"
        assert loss.field in found.refusal.fields, f"without {loss.field}: {found.refusal}"
        shipped.change(*loss.give_back)
    assert _asked(lab, resolved).accepted


@pytest.mark.parametrize("name", sorted(OF_A_PLUGIN))
@pytest.mark.usefixtures("accounts")
def test_an_option_of_a_sites_plugin_is_refused_where_there_is_no_such_plugin(lab: Lab, name: str) -> None:
    whole = load(name, project_dir=lab.home(), environ={"HOME": str(lab.home())})
    shipped.bring_over(_site(whole.slurm))

    refusal = _asked(lab, whole).refusal

    assert refusal
    assert refusal.fields == ("extra_directives",)


def _filled_in(lab: Lab, name: str) -> ResolvedProfile:
    """Resolve a profile as alice would, who has set nothing but what it requires."""
    home = {"HOME": str(lab.home())}
    required = load(name, project_dir=lab.home(), environ=home).missing
    own = {f"JLAB_MCP_{path.upper().replace('.', '_')}": ACCOUNT for path in required}
    assert own.keys() <= {"JLAB_MCP_SLURM_ACCOUNT"}
    if name in OF_A_PLUGIN:
        own["JLAB_MCP_SLURM_EXTRA_DIRECTIVES"] = "none"
    return load(name, project_dir=lab.home(), environ=home | own)


def _asked(lab: Lab, resolved: ResolvedProfile) -> Verdict:
    """Let alice ask sbatch about the job that `start` would submit."""
    script = Path(lab.home()) / "shipped.sh"
    script.write_text(submission(resolved, {}).script, encoding="utf-8")
    script.chmod(0o644)
    command = ["env", f"SLURM_CONF={CONFIGURATION}", "sbatch", "--test-only", str(script)]
    told = lab.run("alpha-login", *command, check=False)
    return verdict(told.returncode, f"{told.stdout}\n{told.stderr}")


def _site(slurm: SlurmSection) -> Site:
    """Return the least cluster that can run a profile's job."""
    gres = _gres(slurm)
    gpus = sum(int(each.rpartition(":")[2]) for each in gres if each.startswith("gpu:"))
    cpus = (slurm.ntasks or 1) * (slurm.cpus_per_task or 1)
    amounts = (
        megabytes(slurm.mem or ""),
        megabytes(slurm.mem_per_cpu or "") * cpus,
        megabytes(slurm.mem_per_gpu or "") * gpus,
    )
    return Site(
        partitions=tuple(slurm.partition.split(",")) if slurm.partition else (),
        features=tuple(re.findall(r"[A-Za-z]\w*", slurm.constraint or "")),
        gres=gres,
        nodes=int((slurm.nodes or "1").partition("-")[0]),
        cpus=max(cpus, (slurm.cpus_per_gpu or 0) * gpus),
        memory_mb=max(*amounts, 1000),
        time=slurm.time or "1:00:00",
    )


def _gres(slurm: SlurmSection) -> tuple[str, ...]:
    """Return the generic resources that a node needs, each with its number."""
    asked = [f"gpu:{each}" for each in (slurm.gpus, slurm.gpus_per_node, slurm.gpus_per_task) if each]
    listed = ",".join([*([slurm.gres] if slurm.gres else []), *asked])
    found = [each for each in listed.split(",") if each]
    return tuple(each if re.search(r":\d+\w?$", each) else f"{each}:1" for each in found)


def _losses(slurm: SlurmSection, site: Site) -> Iterator[Loss]:
    """Yield what the profile needs of its cluster, thing by thing."""
    partitions = site.partitions or (OPEN_PARTITION,)
    nodes = f"NodeName={shipped.NODES}-[1-{site.nodes}]"
    yield _of_partitions("time", partitions, "MaxTime=1", f"MaxTime={site.time}")
    if slurm.account:
        yield _of_partitions("account", partitions, f"DenyAccounts={slurm.account}", "DenyAccounts=")
    if slurm.qos:
        yield _of_partitions("qos", partitions, f"DenyQos={slurm.qos}", "DenyQos=")
    for feature in site.features:
        left = ",".join(each for each in site.features if each != feature)
        yield Loss("constraint", (_features(nodes, left),), (_features(nodes, ",".join(site.features)),))
    for each in site.gres:
        field = "gres" if slurm.gres else "gpus" if slurm.gpus else "gpus_per_node"
        other = re.sub(r"^(gpu:)(?:\w+:)?", r"\1other:", each) if each.count(":") > 1 else ""
        given = f"update {nodes} Gres={','.join(site.gres)}"
        yield Loss(field, (f"update {nodes} Gres={other}",), (given,))
    if slurm.partition:
        gone = tuple(f"delete PartitionName={name}" for name in partitions)
        back = tuple(
            f"create PartitionName={name} {nodes.replace('NodeName', 'Nodes')} MaxTime={site.time} State=UP"
            for name in partitions
        )
        yield Loss("partition", gone, back)


def _of_partitions(field: str, partitions: tuple[str, ...], less: str, as_before: str) -> Loss:
    orders = [tuple(f"update PartitionName={name} {how}" for name in partitions) for how in (less, as_before)]
    return Loss(field, *orders)


def _features(nodes: str, features: str) -> str:
    return f"update {nodes} AvailableFeatures={features} ActiveFeatures={features}"
