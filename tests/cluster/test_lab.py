"""The lab is alive: both clusters show their GPUs and run jobs, and users can run jlab-mcp there."""

from __future__ import annotations

import pytest

from jlab_mcp import __version__
from tests.cluster.conftest import LOGIN_HOSTS, Lab

# The first test installs SLURM and brings the lab up.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (
            "alpha-login",
            {
                "gpu* gpu:a100:2",
                "hopper gpu:h100:4",
                "short gpu:a100:2",
                "short gpu:h100:4",
                "closed gpu:a100:2",
            },
        ),
        ("beta-login", {"main* gpu:a100:4", "long gpu:a100:4"}),
    ],
)
def test_a_user_sees_the_partitions_and_their_gpus(lab: Lab, host: str, expected: set[str]) -> None:
    answer = lab.run(host, "sinfo", "--noheader", "--format=%P %G")

    assert set(answer.stdout.splitlines()) == expected


@pytest.mark.parametrize(
    ("variables", "options"), [((), ("--clusters=gamma",)), (("SLURM_CONF={conf}",), ())]
)
def test_a_second_cluster_is_reached_from_the_log_in_host_of_the_first(
    lab: Lab, variables: tuple[str, ...], options: tuple[str, ...]
) -> None:
    output = lab.home() / "gamma.out"
    output.unlink(missing_ok=True)
    chosen = ("env", *(variable.format(conf=lab.slurm_conf("gamma")) for variable in variables))
    submit = ("sbatch", "--parsable", "--wait", "--gres=gpu:v100:1", f"--output={output}", "--wrap=hostname")

    answer = lab.run("alpha-login", *chosen, *submit, *options)

    assert answer.stdout.strip().partition(";")[2] == ("gamma" if options else "")
    assert output.read_text() == "gamma-v1\n"
    shown = lab.run("alpha-login", *chosen, "sinfo", "--noheader", "--format=%P %G", *options)
    assert shown.stdout.splitlines()[-1] == "volta* gpu:v100:2"


@pytest.mark.parametrize("host", LOGIN_HOSTS)
def test_a_job_runs_and_gets_the_gpu_it_asked_for(lab: Lab, host: str) -> None:
    output = lab.home() / f"{host}.out"
    script = 'echo "$CUDA_VISIBLE_DEVICES of $(hostname)"'

    job = lab.run(
        host, "sbatch", "--parsable", "--wait", "--gres=gpu:1", f"--output={output}", f"--wrap={script}"
    )

    shown = lab.run(host, "scontrol", "--oneliner", "show", "job", job.stdout.strip()).stdout.split()
    assert "JobState=COMPLETED" in shown
    assert output.read_text().split() in (
        ["0", "of", "alpha-a1"],
        ["0", "of", "alpha-a2"],
        ["0", "of", "beta-g1"],
    )


@pytest.mark.parametrize("host", LOGIN_HOSTS)
@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_user_can_run_jlab_mcp_on_a_login_host(lab: Lab, host: str, user: str) -> None:
    answer = lab.run(host, lab.jlab_mcp, "--version", user=user)

    assert __version__ in answer.stdout


def test_accounts_are_kept_where_there_is_accounting(lab: Lab) -> None:
    query = [
        "sacctmgr",
        "--noheader",
        "--parsable2",
        "show",
        "associations",
        "user=alice",
        "format=Account,QOS",
    ]

    assert set(lab.run("alpha-login", *query).stdout.split()) == {
        f"{account}|high,low,maxone,normal,onegpu,scavenge,short,shortwall"
        for account in ("physics", "physics-gpu")
    }
    assert lab.run("beta-login", *query, check=False).returncode == 1


def test_modules_are_there_in_a_login_shell(lab: Lab) -> None:
    answer = lab.run("alpha-login", "bash", "-lc", "module -t avail 2>&1")

    assert {"cuda/12.4", "python/3.12"} <= set(answer.stdout.split())
