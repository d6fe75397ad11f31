"""The profiles that come along: each holds by itself, and each machine finds its own one."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastjsonschema
import jsonschema
import pytest

from jlab_mcp.app.context import load
from jlab_mcp.config.host import fits
from jlab_mcp.core.profile import MatchSection
from jlab_mcp.core.schema import profile_schema
from jlab_mcp.core.walltime import walltime_seconds

if TYPE_CHECKING:
    from jlab_mcp.core.resolver import ResolvedProfile

FOLDER = Path(__file__).resolve().parent.parent / "profiles"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.toml"))}
VALUES: dict[str, dict[str, Any]] = {name: tomllib.loads(text) for name, text in TEXTS.items()}
OF_A_SITE = sorted(VALUES.keys() - {"local", "slurm-generic"})
TACC = [name for name in OF_A_SITE if VALUES[name]["description"].startswith("TACC")]
WHOLE_NODES = {*TACC, "clariden", "daint"}
"""Profiles of machines that give nodes with all their GPUs, so that none has to be asked for."""

# Names that login nodes were seen to give themselves, in logs and prompts that people published.
LOGIN_NODES = {
    "alex2.nhr.fau.de": "alex",
    "alogin1.bsc.es": "marenostrum5",
    "boslogin08": "cannon",
    "clariden-ln001": "clariden",
    "daint-ln002": "daint",
    "dt-login03.delta.ncsa.illinois.edu": "delta",
    "dt-login04": "delta",
    "eu-login-11": "euler",
    "holylogin06.rc.fas.harvard.edu": "cannon",
    "int4.local.snellius.surf.nl": "snellius",
    "jwlogin21.juwels": "juwels-booster",
    "jwlogin24": "juwels-booster",
    "levante2.lvt.dkrz.de": "levante",
    "login01.hpc.nesi.org.nz": "mahuika",
    "login01.leonardo.local": "leonardo",
    "login03.anvil.rcac.purdue.edu": "anvil",
    "login2.frontera.tacc.utexas.edu": "frontera",
    "login2.ls6.tacc.utexas.edu": "lonestar6",
    "login2.vista.tacc.utexas.edu": "vista",
    "login29.chn.perlmutter.nersc.gov": "perlmutter",
    "login4.karolina.it4i.cz": "karolina",
    "login55.dodrio.os": "hortense",
    "narval1.narval.calcul.quebec": "narval",
    "narval3": "narval",
    "raven02": "raven",
    "raven02i.mpcdf.mpg.de": "raven",
    "sh03-ln04.stanford.edu": "sherlock",
    "sh03-ln06": "sherlock",
    "viper11i": "viper-gpu",
}
CLUSTERS = {
    "lumi": "lumi-g",
    "mahuika": "mahuika",
    "narval": "narval",
    "odyssey": "cannon",
    "perlmutter": "perlmutter",
    "sherlock": "sherlock",
    "snellius": "snellius",
}
ORDINARY_HOSTS = (
    *("localhost", "login", "login1", "login01", "login01.cluster", "login1.hpc.example.edu", "head"),
    *("node001", "gpu1", "nid001234", "uan01", "int", "alex", "raven", "viper", "delta", "laptop.local"),
)


def _load(name: str, home: Path, **environ: str) -> ResolvedProfile:
    return load(name, project_dir=home, environ={"HOME": str(home), **environ})


def _fitting(hosts: list[str], cluster: str | None = None) -> list[str]:
    return [
        name
        for name, values in VALUES.items()
        if "match" in values and fits(MatchSection.model_validate(values["match"]), hosts, cluster)
    ]


def test_there_are_profiles_of_many_sites() -> None:
    assert len(OF_A_SITE) >= 10


@pytest.mark.parametrize("name", VALUES)
def test_it_loads_by_itself(name: str, tmp_path: Path) -> None:
    resolved = _load(name, tmp_path)
    assert resolved.name == name
    assert resolved.mode == ("local" if name == "local" else "slurm")
    assert resolved.profile.description == VALUES[name]["description"]


@pytest.mark.parametrize("name", VALUES)
def test_two_validators_find_that_it_fits_the_schema_that_it_names(name: str) -> None:
    assert TEXTS[name].startswith("#:schema ../schemas/profile.schema.json\n")
    schema = json.loads(profile_schema())
    jsonschema.Draft202012Validator(schema).validate(VALUES[name])
    fastjsonschema.compile(schema, use_default=False)(VALUES[name])


@pytest.mark.parametrize(
    "wrong", [{"slurm": {"partitoin": "gpu"}}, {"version": 2}, {"slurm": {"gres": "two gpus"}}]
)
def test_both_validators_refuse_what_is_wrong(wrong: dict[str, Any]) -> None:
    schema = json.loads(profile_schema())
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        fastjsonschema.compile(schema, use_default=False)(wrong)


@pytest.mark.parametrize("name", OF_A_SITE)
def test_it_says_where_and_when_its_values_were_read(name: str) -> None:
    values = VALUES[name]
    assert values["version"] == 1
    assert values["mode"] == "slurm"
    assert values["description"]
    assert values["source"]
    told = re.search(r"\d{4}-\d{2}-\d{2}", values["verified"])
    assert told
    date.fromisoformat(told[0])


@pytest.mark.parametrize("name", OF_A_SITE)
def test_it_asks_for_a_gpu_and_for_less_than_a_day(name: str, tmp_path: Path) -> None:
    slurm = _load(name, tmp_path).slurm
    assert slurm.time
    assert (walltime_seconds(slurm.time) or 0) <= 24 * 3600
    assert bool(slurm.gres or slurm.gpus or slurm.gpus_per_node) != (name in WHOLE_NODES)


@pytest.mark.parametrize("name", TACC)
def test_tacc_is_told_nodes_and_tasks_and_nothing_that_it_refuses(name: str, tmp_path: Path) -> None:
    slurm = _load(name, tmp_path).slurm
    assert (slurm.nodes, slurm.ntasks) == ("1", 1)
    assert (slurm.gres, slurm.mem, slurm.gpus_per_task, slurm.export) == (None, None, None, None)


@pytest.mark.parametrize("name", OF_A_SITE)
def test_what_only_the_user_knows_is_required_and_shown_in_a_comment(name: str, tmp_path: Path) -> None:
    missing = _load(name, tmp_path).missing
    assert missing in {(), ("slurm.account",)}
    own = VALUES[name].get("required", [])
    for path in own:
        assert re.search(
            rf'^# {path.removeprefix("slurm.")} = ".+"  # required here: ', TEXTS[name], re.MULTILINE
        )
    assert _load(name, tmp_path, JLAB_MCP_SLURM_ACCOUNT="abc").missing == ()


@pytest.mark.parametrize("name", OF_A_SITE)
def test_it_names_its_machines_or_extends_one_that_does(name: str) -> None:
    values = VALUES[name]
    parent = VALUES.get(values.get("extends", ""), {})
    assert "match" in values or "match" in parent


@pytest.mark.parametrize(("host", "name"), LOGIN_NODES.items())
def test_a_login_node_finds_the_one_profile_for_it(host: str, name: str) -> None:
    assert _fitting([host]) == [name]


@pytest.mark.parametrize(("cluster", "name"), CLUSTERS.items())
def test_a_cluster_finds_the_one_profile_for_it(cluster: str, name: str) -> None:
    assert _fitting(["login01"], cluster) == [name]


def test_every_profile_with_a_match_is_found_by_some_machine() -> None:
    with_match = {name for name, values in VALUES.items() if "match" in values}
    assert with_match == {*LOGIN_NODES.values(), *CLUSTERS.values()}


@pytest.mark.parametrize("host", ORDINARY_HOSTS)
def test_a_name_that_any_machine_may_have_finds_none(host: str) -> None:
    assert _fitting([host]) == []


def test_no_pattern_fits_what_another_profile_is_for() -> None:
    for name, values in VALUES.items():
        for pattern in values.get("match", {}).get("hostname", []):
            example = re.sub(r"\[(.)[^\]]*\]", r"\1", pattern).replace("*", "1")
            assert _fitting([example]) == [name], f"{pattern} of {name}"
        for pattern in values.get("match", {}).get("cluster", []):
            assert _fitting([], pattern) == [name]


def test_the_table_of_the_readme_lists_each_profile_once() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = [line for line in readme.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(VALUES)
