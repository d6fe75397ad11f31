"""`jlab-mcp doctor` on real clusters: each fault planted in turn, named, and mended by the command it gives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.conftest import COMMAND_SECONDS
from tests.cluster.lab.layout import user_named
from tests.cluster.servers import ClusterProject, finish, make_project, send_signal
from tests.commands import until

if TYPE_CHECKING:
    from tests.cluster.conftest import Lab

pytestmark = pytest.mark.cluster

Checks = dict[str, dict[str, Any]]
FASTER = {"JLAB_MCP_SERVER_COMMAND_TIMEOUT": "8"}
"""Nobody has to wait half a minute for a controller that is known to be silent."""
HELD: dict[str, Any] = {"more": "[server]\nqueue_timeout = 0.1", "extra_directives": ["--hold"]}
_ELF_MACHINE = 18
_AARCH64 = 183


def examine(project: ClusterProject, *options: str, after: str = "", **environ: str) -> tuple[int, Checks]:
    """Run the doctor, after a command in the same shell if there is one; return exit code and id -> check."""
    words = f"{after or ':'} && exec {project.lab.jlab_mcp} doctor --json {' '.join(options)}"
    done = subprocess.run(
        project.command("/bin/bash", "-c", words, **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    said = json.loads(done.stdout)
    rows = (
        f"{each['level']:12}{each['id']:17}{each['found']} | {each['command']}" for each in said["checks"]
    )
    print("\n".join(rows))
    assert said["exit_code"] == done.returncode
    return done.returncode, {each["id"]: each for each in said["checks"]}


def failures(checks: Checks) -> list[str]:
    """Return the ids of the checks that failed, in order."""
    return [id_ for id_, each in checks.items() if each["level"] == "failed"]


@pytest.mark.parametrize("host", ["alpha-login", "beta-login"])
def test_nothing_fails_where_a_server_would_start(quiet_lab: Lab, host: str) -> None:
    project = make_project(quiet_lab, "healthy", host=host)
    code, checks = examine(project)
    assert (code, failures(checks)) == (0, [])
    levels = {id_: each["level"] for id_, each in checks.items()}
    # Homes are on this machine's own disk, and that the nodes see it cannot be told from the mounts.
    assert levels.pop("folders-on-node") == "warning"
    assert checks["folders-on-node"]["command"] == "jlab-mcp doctor --on-node"
    assert levels.pop("client") == "warning"
    assert set(levels.values()) == {"ok"}


@pytest.mark.parametrize(
    ("slurm", "check", "said", "becomes"),
    [
        ({"account": "fysics"}, "account", "did you mean `physics`?", 'account = "physics"'),
        ({"qos": "shrot"}, "qos", "there is no such QOS", 'qos = "short"'),
        ({"partition": "gpuu"}, "partition", "did you mean `gpu`?", 'partition = "gpu"'),
        ({"gres": "gpu:v100:1"}, "gres", "gpu has no v100", 'gres = "gpu:a100:1"'),
        ({"gres": "gpu:a100:7"}, "gres", "no node of gpu has 7 a100", 'gres = "gpu:a100:2"'),
        ({"time": "40-0"}, "time", "gpu allows 1-00:00:00 at most", 'time = "1-00:00:00"'),
    ],
    ids=["account", "qos", "partition", "type of GPU", "number of GPUs", "time"],
)
def test_what_the_cluster_does_not_have_is_named_with_the_command_that_mends_it(
    quiet_lab: Lab, slurm: dict[str, Any], check: str, said: str, becomes: str
) -> None:
    project = make_project(quiet_lab, f"wrong {check}", **slurm)
    code, checks = examine(project)
    assert (code, failures(checks)) == (16, [check, "test-only"])
    ((key, value),) = slurm.items()
    assert f'slurm.{key} is "{value}" (~/projects/' in checks[check]["found"]
    assert said in checks[check]["found"]
    command = checks[check]["command"]
    assert checks["test-only"]["command"] == command
    file = project.settings / "profiles/work.toml"
    assert f"/profiles/work.toml:{_line(file, key)})" in checks[check]["found"]
    assert examine(project, after=command)[0] == 0
    assert becomes in file.read_text().splitlines()


def _line(file: Path, key: str) -> int:
    lines = file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(f"{key} ="))


def test_what_a_variable_says_wrongly_is_mended_by_that_variable(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "variable")
    code, checks = examine(project, JLAB_MCP_SLURM_PARTITION="gpuu")
    assert (code, checks["partition"]["command"]) == (16, "export JLAB_MCP_SLURM_PARTITION=gpu")
    assert "(JLAB_MCP_SLURM_PARTITION)" in checks["partition"]["found"]
    mended, _ = examine(project, after=checks["partition"]["command"], JLAB_MCP_SLURM_PARTITION="gpuu")
    assert mended == 0


def test_a_setting_that_the_profile_leaves_to_its_user_is_proposed_from_the_cluster(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "required", more='required = ["slurm.account"]')
    code, checks = examine(project)
    assert (code, failures(checks)) == (3, ["required"])
    assert "needs slurm.account, which is not set" in checks["required"]["found"]
    assert checks["required"]["command"] == "export JLAB_MCP_SLURM_ACCOUNT=physics"
    assert examine(project, after=checks["required"]["command"])[0] == 0


def test_a_partition_for_another_account_of_the_users_is_mended_by_that_account(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "closed", partition="hopper", account="physics")
    code, checks = examine(project)
    assert (code, failures(checks)[0]) == (16, "account")
    assert examine(project, after=checks["account"]["command"])[0] == 0


def test_more_time_than_a_partition_allows_fails_also_where_the_job_is_taken(quiet_lab: Lab) -> None:
    code, checks = examine(make_project(quiet_lab, "long", host="beta-login", time="40-0"))
    assert (code, failures(checks)) == (16, ["time"])
    assert checks["test-only"]["level"] == "warning"


def test_a_controller_that_is_down_is_named_and_nothing_is_concluded_from_it(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "silent", env=FASTER)
    with quiet_lab.without("alpha-ctl", "slurmctld"):
        code, checks = examine(project)
    assert (code, failures(checks)) == (15, ["controller"])
    assert "does not answer" in checks["controller"]["found"]
    assert checks["controller"]["command"].startswith("until squeue --me")
    moot = [id_ for id_, each in checks.items() if each["blocked_by"] == "controller"]
    assert moot == ["account", "qos", "partition", "gres", "time", "test-only", "architecture"]
    assert checks["qos"]["found"] == "the check `controller` failed"


def test_a_host_without_munge_is_told_from_a_controller_that_is_down(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "nameless", env=FASTER)
    with quiet_lab.without("alpha-login", "munged"):
        code, checks = examine(project)
    assert (code, failures(checks)) == (15, ["controller"])
    assert checks["controller"]["command"] == "munge -n | unmunge"


def test_sbatch_that_is_not_on_path_is_found_where_a_login_shell_has_it(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "lost")
    code, checks = examine(project, PATH="/nowhere")
    assert (code, failures(checks)) == (15, ["slurm-commands"])
    assert "sbatch, squeue, scancel and scontrol" in checks["slurm-commands"]["found"]
    assert checks["controller"]["blocked_by"] == "slurm-commands"
    assert examine(project, after=checks["slurm-commands"]["command"], PATH="/nowhere")[0] == 0


def test_a_log_folder_that_only_this_host_has_is_told_from_its_place_and_by_a_job(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "own log", more='[paths]\nlog_dir = "/tmp/doctor/logs"')
    code, checks = examine(project)
    assert (code, failures(checks)) == (13, ["folders-on-node"])
    assert "the log folder /tmp/doctor/logs (~/projects/own log/config" in checks["folders-on-node"]["found"]
    code, seen = examine(project, "--on-node")
    assert (code, failures(seen)) == (13, ["node"])
    assert "nothing that it wrote to /tmp/doctor/logs is seen here" in seen["node"]["found"]
    assert seen["folders-on-node"]["blocked_by"] == "node"
    code, mended = examine(project, after=checks["folders-on-node"]["command"])
    assert (code, mended["folders-on-node"]["level"]) == (0, "warning")


def test_a_job_looks_around_on_a_node_and_leaves_nothing_behind(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "from node")
    code, checks = examine(project, "--on-node")
    assert (code, failures(checks)) == (0, [])
    assert "has looked around on alpha-a" in checks["node"]["found"]
    assert "on alpha-a" in checks["environment"]["found"]
    assert "jupyterlab 4." in checks["environment"]["found"]
    assert "it has run on alpha-a" in checks["architecture"]["found"]
    assert checks["folders-on-node"]["level"] == "ok"
    assert "is free on 0.0.0.0 of alpha-a" in checks["ports"]["found"]
    assert "the node alpha-a" in checks["clock"]["found"]
    left = [path.name for folder in ("logs", "connections") for path in (project.state / folder).iterdir()]
    assert [name for name in left if "doctor" in name] == []
    assert doctors_jobs(project) == []


def test_a_look_from_a_node_that_is_given_up_takes_its_job_back(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "given up", **HELD)
    with project.spawn("doctor", "--on-node") as process:
        until(lambda: doctors_jobs(project), "job in the queue")
        send_signal(process, signal.SIGINT)
        assert finish(process).returncode == 130
    assert doctors_jobs(project) == []
    assert not [path for path in (project.state / "logs").iterdir() if "doctor" in path.name]


def doctors_jobs(project: ClusterProject) -> list[str]:
    told = project.lab.run(project.host, "squeue", "--noheader", "--format=%j", user="root").stdout
    return [line for line in told.splitlines() if line.startswith("jlab-mcp-doctor")]


def test_a_shell_that_cannot_be_prepared_on_the_node_is_told_in_its_own_words(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "modules", more='[env]\nmodules = ["nothing/1.0"]\nprologue = "true"')
    code, checks = examine(project, "--on-node")
    assert (code, failures(checks)) == (8, ["node"])
    assert "cannot load the module nothing/1.0" in checks["node"]["found"]


def test_a_python_for_another_kind_of_machine_is_named(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "arm")
    venv = project.folder / ".venv"
    for package in ("jupyterlab", "ipykernel"):
        (venv / "lib/python3.12/site-packages" / package).mkdir(parents=True)
        (venv / "lib/python3.12/site-packages" / package / "__init__.py").touch()
    (venv / "bin").mkdir()
    header = bytearray(Path(sys.executable).resolve().read_bytes()[:4096])
    struct.pack_into("<H", header, _ELF_MACHINE, _AARCH64)
    (venv / "bin/python").write_bytes(bytes(header))
    (venv / "bin/python").chmod(0o755)
    (venv / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    project = project.with_profile("work", f'{_text(project)}\n[env]\nvenv = "{venv}"\n')
    code, checks = examine(project)
    assert (code, failures(checks)) == (8, ["architecture"])
    assert "for aarch64" in checks["architecture"]["found"]
    assert "is x86_64" in checks["architecture"]["found"]
    assert checks["architecture"]["command"].startswith("srun --nodelist=alpha-")


def _text(project: ClusterProject) -> str:
    return (project.settings / f"profiles/{project.profile}.toml").read_text()


def test_a_venv_without_jupyterlab_is_named_with_what_installs_it(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "bare")
    quiet_lab.run(project.host, sys.executable, "-m", "venv", "--without-pip", str(project.folder / "lab"))
    project = project.with_profile("work", f'{_text(project)}\n[env]\nvenv = "lab"\n')
    code, checks = examine(project)
    assert (code, failures(checks)) == (8, ["environment"])
    assert "has no jupyterlab and ipykernel" in checks["environment"]["found"]
    assert checks["environment"]["command"].endswith("lab/bin/python jupyterlab ipykernel")


def test_a_loopback_address_in_a_job_is_refused_and_mended(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "loopback", more='[server]\nbind_ip = "127.0.0.1"')
    code, checks = examine(project)
    assert (code, failures(checks)) == (3, ["ports"])
    assert examine(project, after=checks["ports"]["command"])[0] == 0


def test_an_interface_that_the_node_does_not_have_is_told_from_there(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "interface", more='[server]\ninterface = "ib7"')
    assert examine(project)[0] == 0  # nobody can tell from here
    code, checks = examine(project, "--on-node")
    assert (code, failures(checks)) == (8, ["ports"])
    assert "the network interface ib7 is not there; alpha-a" in checks["ports"]["found"]
    assert examine(project, "--on-node", after=checks["ports"]["command"])[0] == 0


def test_a_server_whose_job_is_gone_is_found_by_the_queue_and_cleared_away(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "gone", **HELD)
    project.ok("start", "--no-wait")
    _, checks = examine(project)
    assert checks["records"]["level"] == "ok"
    quiet_lab.run(project.host, "scancel", project.job_id)
    code, checks = examine(project)
    assert (code, checks["records"]["level"]) == (0, "warning")
    assert project.job_id in checks["records"]["found"]
    assert checks["records"]["command"] == "jlab-mcp stop"
    project.ok("stop")
    _, checks = examine(project)
    assert checks["records"]["level"] == "ok"


def test_a_clock_that_differs_from_the_controllers_is_named(quiet_lab: Lab) -> None:
    """All hosts of the lab share one kernel, and so its clock: what sdiag says of the controller's is shifted."""
    project = make_project(quiet_lab, "late")
    for ahead, level, code in ((60, "warning", 0), (400, "failed", 15), (-400, "failed", 15)):
        shift = rf'"$real" "$@" | sed -E "s/\(([0-9]{{10}})\)/($(( $(date +%s) + {ahead} )))/"'
        with quiet_lab.wrapped(project.host, "sdiag", shift):
            exit_code, checks = examine(project)
        assert (exit_code, checks["clock"]["level"]) == (code, level)
        assert "the clock of SLURM's controller is" in checks["clock"]["found"]
        assert ("ahead of" if ahead > 0 else "behind") in checks["clock"]["found"]


def test_a_proxy_that_would_catch_the_node_is_named_and_mended(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "proxy")
    proxy = {"http_proxy": "http://proxy.example:3128", "no_proxy": "localhost,127.0.0.1"}
    code, checks = examine(project, **proxy)
    assert (code, checks["proxy"]["level"]) == (0, "warning")
    assert "does not leave out alpha-a" in checks["proxy"]["found"]
    _, mended = examine(project, after=checks["proxy"]["command"], **proxy)
    assert mended["proxy"]["level"] == "ok"


def test_what_others_may_write_and_what_the_user_may_not_read_is_named_and_mended(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "modes")
    config = project.settings / "config.toml"
    config.write_text("version = 1\n")
    os.chown(config, user_named("alice").uid, user_named("alice").uid)
    for mode, check in ((0o666, "permissions"), (0o000, "settings-files")):
        config.chmod(mode)
        code, checks = examine(project)
        assert (code, failures(checks)[0]) == (3, check)
        assert "modes/config/config.toml" in checks[check]["command"]
        assert examine(project, after=checks[check]["command"])[0] == 0


def test_a_folder_of_settings_that_is_closed_to_its_own_user_is_opened(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "shut")
    project.settings.chmod(0)
    code, checks = examine(project)
    assert (code, failures(checks)) == (3, ["settings-files", "profile"])
    assert checks["settings-files"]["command"].startswith("chmod u+rwx ")
    assert examine(project, after=checks["settings-files"]["command"])[0] == 0


def test_a_slurm_conf_that_is_not_there_is_named(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "conf")
    code, checks = examine(project, SLURM_CONF="/nowhere/slurm.conf")
    assert (code, failures(checks)) == (15, ["slurm-commands"])
    assert (
        examine(project, after=checks["slurm-commands"]["command"], SLURM_CONF="/nowhere/slurm.conf")[0] == 0
    )


def test_a_project_in_a_folder_of_this_host_alone_is_moved(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "here only")
    shutil.rmtree(project.lab.home() / "here", ignore_errors=True)
    quiet_lab.run(project.host, "mkdir", "--parents", "/tmp/here")
    here = replace(project, folder=Path("/tmp/here"))
    code, checks = examine(here)
    assert (code, failures(checks)) == (13, ["folders-on-node"])
    assert "the project folder /tmp/here is this host's own" in checks["folders-on-node"]["found"]
    assert examine(here, after=checks["folders-on-node"]["command"])[0] == 0
