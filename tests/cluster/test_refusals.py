"""Refusals and reasons of real clusters: each is provoked, and explained with what the cluster would take."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jlab_mcp.core.slurm.reasons import pending_reason
from jlab_mcp.core.slurm.refusals import answer_lost, refusal, unreachable
from tests.cluster.lab.layout import CHECKOUT

if TYPE_CHECKING:
    import subprocess

    from tests.cluster.conftest import Lab

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PARTITIONS = "there are gpu, hopper, short and closed (down)"
OPEN = "open to you: gpu, hopper and short"
CLOSED = "partitionname=closed"

_ERROR = """
import asyncio, json, os, sys
from jlab_mcp.app.context import load
from jlab_mcp.app.refused import refused, stuck
from jlab_mcp.core.slurm.reasons import pending_reason
resolved = load("slurm-generic")
said, job_id = sys.argv[1:]
if job_id:
    error = asyncio.run(stuck(resolved, pending_reason(said), os.environ, job_id=job_id))
else:
    error = asyncio.run(refused(resolved, said, os.environ))
print(json.dumps({"code": error.code, "message": error.message, **error.details}))
"""


def _variables(settings: tuple[str, ...]) -> list[str]:
    return [f"JLAB_MCP_SLURM_{setting}" for setting in settings]


def _check(lab: Lab, host: str, *settings: str) -> dict[str, Any]:
    """Return what `profile check` says of a profile with these settings."""
    told = lab.run(
        host,
        *("env", *_variables(settings), lab.jlab_mcp, "profile", "check", "slurm-generic", "--json"),
        check=False,
    )
    found = json.loads(told.stdout)
    assert isinstance(found, dict), told.stderr
    return found


def _error(lab: Lab, host: str, said: str, *settings: str, job_id: str = "") -> dict[str, Any]:
    """Return the error that a start would end with on a host, with these settings."""
    argv = ("env", *_variables(settings), sys.executable, "-c", _ERROR, said, job_id)
    told = lab.run(host, "env", "-C", str(CHECKOUT), *argv, check=False)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert isinstance(found, dict)
    return found


def _submit(lab: Lab, host: str, *options: str) -> subprocess.CompletedProcess[str]:
    return lab.run(host, "sbatch", "--parsable", *options, "--output=/dev/null", "--wrap=true", check=False)


@pytest.mark.parametrize(
    ("host", "settings", "said", "hint"),
    [
        ("alpha-login", ("PARTITION=gpuu",), "Invalid partition name specified",
         f'slurm.partition is "gpuu": there is no such partition for you; did you mean `gpu`? {PARTITIONS}'),
        ("beta-login", ("PARTITION=mian",), "Invalid partition name specified",
         'slurm.partition is "mian": there is no such partition for you; did you mean `main`? there are main and long'),
        ("alpha-login", ("ACCOUNT=physic",), "Invalid account or account/partition combination specified",
         'slurm.account is "physic": there is no such account of yours; did you mean `physics`?'),
        ("alpha-login", ("ACCOUNT=physics", "PARTITION=hopper"),
         "Invalid account or account/partition combination specified",
         'slurm.account is "physics": the partition hopper does not let it in; of yours it lets in physics-gpu'),
        ("alpha-login", ("PARTITION=hopper",), "Invalid account or account/partition combination specified",
         'slurm.partition is "hopper": it does not let your default account physics in;'),
        ("alpha-login", ("QOS=hgih",), "Invalid qos specification",
         'slurm.qos is "hgih": there is no such QOS; did you mean `high`? you may use high, low, maxone, normal'),
        ("alpha-login", ("CONSTRAINT=a10",), "Invalid feature specification",
         'slurm.constraint is "a10": no node of gpu has a10; did you mean `a100`?'),
        ("alpha-login", ("GRES=gpu:a10:1",), "Requested node configuration is not available",
         'slurm.gres is "gpu:a10:1": gpu has no a10; did you mean `a100`? a node of gpu has 2 a100'),
        ("alpha-login", ("GRES=gpu:a100:3",), "Requested node configuration is not available",
         'slurm.gres is "gpu:a100:3": no node of gpu has 3 a100; a node of gpu has 2 a100'),
        ("alpha-login", ("GRES=gpu:h100:1",), "Requested node configuration is not available",
         "gpu has no h100; a node of gpu has 2 a100; such nodes are in hopper and short"),
        ("beta-login", ("GRES=none", "GPUS=9"), "Requested node configuration is not available",
         'slurm.gpus is "9": main has 4 GPUs in all; a node of main has 4 a100'),
        ("alpha-login", ("GRES=gpux:1",), "Invalid generic resource (gres) specification",
         'slurm.gres is "gpux:1": did you mean `gpu`? a node of gpu has 2 a100'),
        ("alpha-login", ("MEM=900G",), "Requested node configuration is not available",
         'slurm.mem is "900G": no node of gpu has more than 64000M'),
        ("alpha-login", ("CPUS=4000",), "More processors requested than permitted",
         'slurm.cpus_per_task is "4000": no node of gpu has more than 16 CPUs'),
        ("alpha-login", ("TIME=400-0",), "Requested time limit is invalid (missing or exceeds some limit)",
         'slurm.time is "400-0": gpu allows 1-00:00:00 at most'),
        ("alpha-login", ("TIME=13:00:00", "PARTITION=short"),
         "Requested time limit is invalid (missing or exceeds some limit)",
         "short allows 30:00 at most; long enough: gpu (1-00:00:00)"),
        ("alpha-login", ("RESERVATION=nope",), "Requested reservation is invalid",
         'slurm.reservation is "nope": there is no such reservation'),
        ("alpha-login", ("NODELIST=nope",), "Invalid node name specified",
         'slurm.nodelist is "nope": there is no such node'),
        ("alpha-login", ("LICENSES=nope",), "Invalid license specification",
         'slurm.licenses is "nope": there is no such license'),
    ],
)  # fmt: skip
def test_a_check_says_what_is_wrong_where_it_was_set_and_what_there_is(
    lab: Lab, host: str, settings: tuple[str, ...], said: str, hint: str
) -> None:
    found = _check(lab, host, *settings)
    assert (found["state"], found["reason"]) == ("refused", said)
    shown = found["hints"][0]
    assert hint in shown
    assert shown.startswith(f"{found['faults'][0]['where']}: slurm.")
    assert shown.startswith("JLAB_MCP_SLURM_")


@pytest.mark.parametrize(
    ("host", "settings", "note"),
    [
        ("alpha-login", ("PARTITION=closed",), f'slurm.partition is "closed": no jobs start in closed now; {OPEN}'),
        ("alpha-login", ("QOS=short", "TIME=2:00:00"),
         'slurm.time is "2:00:00": the QOS short allows 00:30:00 at most'),
        ("beta-login", ("TIME=9-0", "MEM=1G"), 'slurm.time is "9-0": main allows 2:00:00 at most'),
    ],
)  # fmt: skip
def test_a_check_doubts_a_job_that_is_taken_and_would_wait_for_ever(
    lab: Lab, host: str, settings: tuple[str, ...], note: str
) -> None:
    found = _check(lab, host, *settings)
    assert found["state"] == "accepted"
    (shown,) = found["notes"]
    assert shown.startswith("it may never start: JLAB_MCP_SLURM_")
    assert note in shown


@contextmanager
def _changed(lab: Lab, change: tuple[str, ...], back: tuple[str, ...]) -> Iterator[None]:
    """Let alpha's administrator change something for a while."""
    lab.run("alpha-ctl", *change, user="root")
    try:
        yield
    finally:
        lab.run("alpha-ctl", *back, user="root")


@pytest.mark.parametrize(
    ("change", "back", "setting", "said", "hint"),
    [
        (
            ("scontrol", "update", CLOSED, "state=drain"),
            ("scontrol", "update", CLOSED, "state=down"),
            "partition=closed",
            "Required partition not available (inactive or drain)",
            f'slurm.partition is "closed": no jobs start in closed now; {OPEN}',
        ),
        (
            ("scontrol", "update", CLOSED, "state=up", "allowgroups=root"),
            ("scontrol", "update", CLOSED, "state=down", "allowgroups=ALL"),
            "partition=closed",
            "User's group not permitted to use this partition",
            'slurm.partition is "closed": there is no such partition for you; there are gpu, hopper and short',
        ),
        (
            ("sacctmgr", "-i", "modify", "qos", "high", "set", "MaxSubmitJobsPerUser=0"),
            ("sacctmgr", "-i", "modify", "qos", "high", "set", "MaxSubmitJobsPerUser=-1"),
            "qos=high",
            "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
            'slurm.qos is "high": as many of your jobs are waiting or running as the QOS allows',
        ),
    ],
)
def test_a_refusal_of_sbatch_itself_is_explained(
    lab: Lab, change: tuple[str, ...], back: tuple[str, ...], setting: str, said: str, hint: str
) -> None:
    field, _, value = setting.partition("=")
    with _changed(lab, change, back):
        told = _submit(lab, "alpha-login", f"--{setting}")
        found = _error(lab, "alpha-login", told.stderr, f"{field.upper()}={value}")
    assert told.returncode != 0
    assert (found["code"], found["message"]) == ("JLM-JOB-REFUSED", f"SLURM refuses the job: {said}")
    where = f"JLAB_MCP_SLURM_{field.upper()}"
    assert {"key": f"slurm.{field}", "value": value, "where": where} in found["faults"]
    assert found["hints"][0] == f"{where}: {hint}"


@pytest.mark.parametrize(
    ("host", "options", "settings", "reason", "hint"),
    [
        ("beta-login", ("--time=9-0",), ("TIME=9-0",), "PartitionTimeLimit",
         'slurm.time is "9-0": main allows 2:00:00 at most'),
        ("beta-login", ("--nodes=2",), ("NODES=2",), "PartitionNodeLimit",
         'slurm.nodes is "2": main has 1 node'),
        ("beta-login", ("--cpus-per-task=100",), ("CPUS=100",), "PartitionConfig",
         'slurm.cpus_per_task is "100": no node of main has more than 8 CPUs'),
        ("alpha-login", ("--qos=short", "--time=2:00:00"), ("QOS=short", "TIME=2:00:00"),
         "QOSMaxWallDurationPerJobLimit", 'slurm.time is "2:00:00": the QOS short allows 00:30:00 at most'),
    ],
)  # fmt: skip
def test_a_job_that_can_never_start_is_known_as_such(
    lab: Lab, host: str, options: tuple[str, ...], settings: tuple[str, ...], reason: str, hint: str
) -> None:
    job_id = _submit(lab, host, *options).stdout.strip()
    try:
        said = _reason(lab, host, job_id, f'[ "$r" = {reason} ]')  # it may begin as PartitionConfig
        found = _error(lab, host, said, *settings, job_id=job_id)
    finally:
        lab.run(host, "scancel", job_id)
    assert said == reason
    assert pending_reason(said).never
    assert found["code"] == "JLM-JOB-CANNOT-START"
    assert found["message"].startswith(f"job {job_id} cannot start as it is: {reason}, it")
    assert any(hint in shown for shown in found["hints"])


@pytest.mark.parametrize(
    ("host", "options", "reason"),
    [
        ("alpha-login", ("--partition=closed",), "PartitionDown"),
        ("alpha-login", ("--hold",), "JobHeldUser"),
        ("beta-login", ("--begin=now+1hour",), "BeginTime"),
    ],
)
def test_a_job_that_only_waits_is_not_called_stuck(
    lab: Lab, host: str, options: tuple[str, ...], reason: str
) -> None:
    job_id = _submit(lab, host, *options).stdout.strip()
    try:
        found = pending_reason(_reason(lab, host, job_id))
    finally:
        lab.run(host, "scancel", job_id)
    assert (found.name, found.never) == (reason, False)
    assert reason not in found.sentence


def _reason(lab: Lab, host: str, job_id: str, settled: str = '[ "$r" != None ]') -> str:
    """Return a pending job's reason, once it is settled; the scheduler looks at each job within seconds."""
    asked = f'until r=$(squeue -h -j {job_id} -o %r) && {settled}; do sleep 0.2; done; echo "$r"'
    return lab.run(host, "timeout", "60", "bash", "-c", asked).stdout.strip()


def _configuration(lab: Lab, name: str, *lines: str) -> Path:
    """Write a copy of alpha's slurm.conf with other last lines, and no controller where there is none."""
    path = lab.home() / f"{name}.conf"
    kept = lab.run("alpha-login", "grep", "-v", "^SlurmctldHost=", "/etc/slurm/slurm.conf").stdout
    path.write_text("\n".join((kept, *lines, "")))
    return path


_NOT_THERE = ("SlurmctldHost=alpha-login", "SlurmctldPort=7999", "MessageTimeout=3")
_SILENT = "import socket, time; s = socket.create_server(('', 7999)); print(flush=True); time.sleep(600)"


def test_a_controller_that_is_not_there_has_taken_no_job(lab: Lab) -> None:
    conf = _configuration(lab, "gone", *_NOT_THERE)
    told = lab.run("alpha-login", "env", f"SLURM_CONF={conf}", "sbatch", "--wrap=true", check=False)
    assert refusal(told.stderr).said == "Unable to contact slurm controller (connect failure)"
    assert unreachable(told.stderr)
    assert not answer_lost(told.stderr)


def test_without_munge_no_job_was_taken(lab: Lab) -> None:
    conf = _configuration(lab, "munge", "SlurmctldHost=alpha-ctl", "AuthInfo=socket=/nowhere/munge")
    told = lab.run("alpha-login", "env", f"SLURM_CONF={conf}", "sbatch", "--wrap=true", check=False)
    assert refusal(told.stderr).said == "Protocol authentication error"
    assert unreachable(told.stderr)
    assert not answer_lost(told.stderr)


def test_a_controller_that_does_not_answer_may_have_taken_the_job(lab: Lab) -> None:
    conf = _configuration(lab, "silent", *_NOT_THERE)
    script = (
        f'exec 3< <(exec {sys.executable} -c "{_SILENT}"); listener=$!; read -u 3\n'
        f"SLURM_CONF={conf} sbatch --wrap=true; kill $listener"
    )
    told = lab.run("alpha-login", "bash", "-c", script, check=False)
    assert refusal(told.stderr).said == "Socket timed out on send/recv operation"
    assert answer_lost(told.stderr)
