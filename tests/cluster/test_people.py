"""Two people on one cluster: what alice's servers hold is for alice, wherever bob is and whatever he tries."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.lab.layout import LAB, host_named, user_named
from tests.cluster.people import (
    LOGIN,
    LONG,
    NODE,
    PRINTED,
    PRIVATE,
    SCRATCHED,
    Scene,
    as_bob,
    at_work,
)
from tests.cluster.webpaths import PUBLIC, requests_to

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def scene(quiet_lab: Lab) -> Iterator[Scene]:
    """Alice's servers at work, and one of bob's."""
    with at_work(quiet_lab) as made:
        yield made


def test_the_token_is_in_no_answer_command_line_job_kernel_log_or_notebook(scene: Scene) -> None:
    lab = scene.lab
    told = "".join("".join(server.answers) for server in scene.servers)
    for server in scene.servers:
        for arguments in (["status", "--json"], ["status", "--all"], ["logs"]):
            told += repr(server.project.run(*arguments))
        told += json.dumps(server.kernel_environment)
        told += lab.run(server.host, "ps", "axeww", user="root").stdout
        assert not [name for name in server.kernel_environment if re.search("TOKEN|JLAB_MCP", name)]
        notebooks = list(server.project.notebooks.rglob("*"))
        assert [path for path in notebooks if path.suffix == ".ipynb"]
        told += "".join(path.read_text() for path in notebooks if path.is_file())
    told += "".join(path.read_text() for path in (scene.in_job.project.state / "logs").iterdir())
    told += _what_slurm_tells(lab, scene.job_id, "alice")
    assert scene.in_job.connection.server_id in told
    for server in scene.servers:
        assert server.token not in told
        assert not [key for key in server.kernel_keys if key in told]


def _what_slurm_tells(lab: Lab, job_id: str, user: str) -> str:
    commands = (
        f"scontrol --details show job {job_id}",
        f"scontrol write batch_script {job_id} -",
        "squeue --Format=ALL",
        "squeue --format=%all",
        "sacct --allusers --parsable --format=ALL",
        f"sacct --jobs={job_id} --batch-script",
        f"sacct --jobs={job_id} --env-vars",
        f"sstat --allsteps --jobs={job_id}",
        f"scontrol listpids {job_id}",
    )
    done = [lab.run(LOGIN, "bash", "-c", f"{command} 2>&1", user=user, check=False) for command in commands]
    return "\n".join(each.stdout for each in done)


def test_nothing_that_bob_can_read_holds_a_token_a_key_or_what_a_private_cell_printed(scene: Scene) -> None:
    needles = [*(server.token for server in scene.servers)]
    needles += [key for server in scene.servers for key in server.kernel_keys]
    hidden = [SCRATCHED, LONG, PRIVATE, scene.in_job.execution_id]
    roots = ["/tmp", "/run", "/dev/shm", "/var/tmp", "/var/spool", "/etc", str(LAB)]
    for host in (LOGIN, NODE):
        got = as_bob(scene.lab, host, "search", needles=[*needles, *hidden, PRINTED], roots=roots)
        assert got["looked"] > 1000
        # The notebook lies where all may read, with the mode of alice's umask, as JupyterLab would have it.
        read = {Path(where).name for number, where in got["found"]}
        assert read == {"job.ipynb"}
        assert {number for number, _ in got["found"]} <= {
            len(needles + hidden),
            len(needles) + hidden.index(LONG),
        }
    told = _what_slurm_tells(scene.lab, scene.job_id, "bob")
    assert not [needle for needle in (*needles, *hidden) if needle in told]
    assert scene.job_id in told


def test_slurm_shows_bob_neither_script_nor_variables_and_takes_no_orders(scene: Scene) -> None:
    job = scene.job_id
    told = _what_slurm_tells(scene.lab, job, "bob")
    assert "Access/permission denied" in told or "Invalid user" in told or "denied" in told
    assert str(scene.in_job.project.connection_file) not in told
    for order in (
        f"scancel {job}", f"scontrol suspend {job}", f"scontrol requeue {job}", f"scontrol update JobId={job} TimeLimit=1",
        f"srun --jobid={job} --overlap true", f"sattach {job}.batch",
    ):  # fmt: skip
        done = scene.lab.run(LOGIN, "timeout", "20", *order.split(), user="bob", check=False)
        assert done.returncode not in (0, 124) or "authentication error" in done.stderr, order
    spool = list((LAB / "var/alpha").rglob(f"job{int(job):05}/slurm_script"))
    assert spool
    assert not as_bob(scene.lab, NODE, "paths", files=list(map(str, spool)), folders=[], sockets=[])["got"]
    assert scene.in_job.project.status()["state"] == "ready"


def test_bob_cannot_look_into_alices_processes_nor_signal_them(scene: Scene) -> None:
    for server in scene.servers:
        assert len(server.pids) >= 2, "the server and a kernel"
        got = as_bob(scene.lab, server.host, "processes", pids=server.pids)
        assert got == {"got": [], "seen": server.pids}


def test_files_of_servers_are_for_alice_alone_also_in_an_open_home(scene: Scene) -> None:
    state = scene.in_job.project.state
    files = [
        path for path in state.rglob("*") if path.is_file() and "node" not in path.relative_to(state).parts
    ]
    kinds = {path.name.partition(".")[2] or path.name for path in files}
    assert {"record.json", "connection.json", "log", "sh", "lock"} <= kinds
    assert [path for path in files if path.name.startswith("queue-") and path.suffix == ".json"]
    assert [path for path in files if ".journals" in str(path)]
    assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) != 0o600] == []
    folders = [path for path in state.rglob("*") if path.is_dir() and path.name != "__pycache__"]
    assert [path.name for path in folders if stat.S_IMODE(path.stat().st_mode) != 0o700] == []
    outputs = list(scene.in_job.project.folder.rglob("*_outputs*/*"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in outputs] == [0o600]
    got = as_bob(
        scene.lab,
        LOGIN,
        "paths",
        files=list(map(str, files + outputs)),
        folders=list(map(str, folders)),
        sockets=[],
    )
    assert got == {"got": []}


def test_kernels_are_reached_by_alice_alone(scene: Scene) -> None:
    lab = scene.lab
    for server in scene.servers:
        sockets = [name for name in server.runtime_files if re.search(r"-ipc-\d+$", name)]
        assert len(sockets) >= 5
        folders = [name for name in server.runtime_files if name.count("/") == 2]
        assert len(folders) == 1
        others = [name for name in server.runtime_files if name not in sockets]
        net = as_bob(lab, server.host, "network", uid=user_named("alice").uid)
        ports = {port: says for port, says in net["ports"] if port != server.connection.port}
        # ipykernel takes a child process's output on a port of its own, from whoever knows a secret number.
        assert len(ports) <= len(server.pids) - 1
        assert not [says for says in ports.values() if set(says) - set("\x00\x01\x03\xff\x7fNULL")], ports
        asked = {"files": others, "folders": folders, "sockets": [*sockets, *net["abstract"]]}
        assert as_bob(lab, server.host, "paths", **asked) == {"got": []}


def test_what_bob_laid_in_tmp_is_not_used_and_not_touched(scene: Scene) -> None:
    laid = " ".join(f"jlab-mcp-run-{letter * 8}" for letter in "abcd")  # bob's server has one by another name
    look = f"cd /tmp && find {laid} mine -user bob -printf '%f %y %m %s\\n' | sort"
    for server in scene.servers:
        left = scene.lab.run(server.host, "bash", "-c", look, user="root").stdout
        names = [line.split()[0] for line in left.splitlines()]
        # On the node bob's own server has cleared away the folder that only he can have left there.
        letters = "abcd" if server is scene.local else "bcd"
        assert names == [f"jlab-mcp-run-{letter * 8}" for letter in letters] + ["mine"]
        folder = next(name for name in server.runtime_files if name.count("/") == 2)
        mode = scene.lab.run(server.host, "stat", "--format=%U %A", folder, user="root").stdout
        assert mode == "alice drwx-----T\n", "Jupyter adds the sticky bit"


def test_nobody_else_listens_on_the_address_that_alices_agent_connects_to(scene: Scene) -> None:
    for server in scene.servers:
        address = server.connection.ip
        own = host_named(server.host).address if server is scene.in_job else address
        asked = {"port": server.connection.port, "addresses": ["", own, f"::ffff:{own}"]}
        got = as_bob(scene.lab, server.host, "listen", **asked)
        assert got == {"got": []}


def test_without_the_token_the_server_tells_nothing_on_any_path(scene: Scene) -> None:
    for server in scene.servers:
        requests = requests_to(scene, server)
        asked = {"server": server.connection.ip, "port": server.connection.port, "requests": requests}
        said = as_bob(scene.lab, LOGIN, "web", **asked)
        secrets = [
            server.token,
            server.session_id,
            server.execution_id,
            PRINTED,
            PRIVATE,
            "alice",
            *server.kernel_keys,
        ]
        for request, answer in zip(requests, said["answers"], strict=True):
            what = (request, answer)
            assert not [secret for secret in secrets if secret in json.dumps(answer)], what
            path = request["path"].partition("?")[0]
            assert answer["status"] < 500, what
            if path in PUBLIC or path.startswith("/static/"):
                continue
            assert answer["status"] in (302, 401, 403, 404, 405), what
            assert answer["status"] != 302 or not answer["body"], what
            if path.startswith("/jlab-mcp/v1/"):
                refused = (401, 403, 405) if path.endswith("/calls") else (401, 403)
                assert answer["status"] in refused, what
    assert scene.in_job.project.status()["state"] == "ready"


def test_a_server_is_not_used_with_another_servers_token(scene: Scene) -> None:
    file = scene.bobs.connection_file
    own = file.read_text()
    alices = json.loads(scene.in_job.project.connection_file.read_text())
    forged = json.loads(own) | {key: alices[key] for key in ("url", "ip", "port", "server_id", "job_id")}
    try:
        file.write_text(json.dumps(forged))
        done = scene.bobs.run("status", "--json")
        assert done.returncode != 0
        assert '"state": "ready"' not in done.stdout
        assert scene.in_job.session_id not in done.stdout + done.stderr
    finally:
        file.write_text(own)
    scene.bobs.ok("status")


def test_in_one_folder_each_sees_and_stops_their_own_server(scene: Scene) -> None:
    alices, bobs = scene.in_job.connection, scene.bobs.connection
    assert bobs.port != alices.port
    assert bobs.hostname == alices.hostname, "both are on one node"
    done = scene.bobs.run("stop", "--job", scene.job_id, exits=4)
    assert f"you have no job {scene.job_id}" in done.stderr
    hidden = (f'"job_id": "{scene.job_id}"', alices.server_id, scene.in_job.session_id, alices.url)
    for arguments in (
        ["status", "--all", "--json"],
        ["profile", "list"],
        ["stop", "--all"],
        ["status", "--all", "--json"],
    ):
        done = scene.bobs.run(*arguments)
        told = done.stdout + done.stderr
        assert not [each for each in hidden if each in told], told
    assert not scene.bobs.connection_file.exists()
    state = scene.in_job.project.status()
    assert (state["state"], state["info"]["server_id"]) == ("ready", alices.server_id)


def test_what_a_stopped_server_leaves_is_for_alice_alone_too(scene: Scene) -> None:
    lab, state = scene.lab, scene.in_job.project.state
    lab.run(LOGIN, "scancel", scene.job_id)  # so that the note of its end is left
    scene.local.project.ok("stop")
    assert scene.in_job.project.run("wait").returncode != 0
    assert scene.in_job.project.files.end_file.exists()
    files = [
        path for path in state.rglob("*") if path.is_file() and "node" not in path.relative_to(state).parts
    ]
    assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) != 0o600] == []
    left = lab.run(NODE, "find", "/tmp", "-xdev", "-user", "alice", user="root").stdout
    assert left == ""
    told = "".join(path.read_text(errors="replace") for path in files)
    assert not [server.token for server in scene.servers if server.token in told]
