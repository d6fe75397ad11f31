"""`jlab-mcp profile check` asks a real sbatch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cluster.conftest import Lab

pytestmark = pytest.mark.cluster


def _check(lab: Lab, host: str, *settings: str) -> tuple[int, dict[str, Any]]:
    variables = [f"JLAB_MCP_SLURM_{setting}" for setting in settings]
    told = lab.run(
        host, "env", *variables, lab.jlab_mcp, "profile", "check", "slurm-generic", "--json", check=False
    )
    found = json.loads(told.stdout)
    assert isinstance(found, dict), told.stderr
    return told.returncode, found


@pytest.mark.parametrize("host", ["alpha-login", "beta-login"])
def test_a_job_that_fits_has_an_expected_start(lab: Lab, host: str) -> None:
    code, found = _check(lab, host, "MEM=1G", "CPUS=1", "TIME=1:00:00")
    assert (code, found["state"], found["reason"], found["notes"]) == (0, "accepted", None, [])
    assert found["start"].startswith("20")
    assert found["nodes"]


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("PARTITION=nope", "slurm.partition"),
        ("ACCOUNT=nope", "slurm.account"),
        ("QOS=nope", "slurm.qos"),
        ("CONSTRAINT=nope", "slurm.constraint"),
        ("GRES=nope:1", "slurm.gres"),
        ("TIME=400-0", "slurm.time"),
        ("RESERVATION=nope", "slurm.reservation"),
        ("CPUS=4000", "slurm.cpus_per_task"),
    ],
)
def test_a_refusal_names_the_setting_at_fault(lab: Lab, setting: str, key: str) -> None:
    code, found = _check(lab, "alpha-login", setting)
    assert (code, found["state"]) == (16, "refused")
    faults = {fault["key"]: fault for fault in found["faults"]}
    assert faults[key]["value"] == setting.partition("=")[2]
    assert faults[key]["where"].startswith("JLAB_MCP_SLURM_")
