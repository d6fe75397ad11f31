"""Two people on one cluster: what alice's servers hold is for alice, wherever bob is and whatever he tries."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.cluster import intruder
from tests.cluster.conftest import COMMAND_SECONDS, Lab
from tests.cluster.lab.files import make_folder
from tests.cluster.lab.layout import LAB, host_named, user_named

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

LOGIN, NODE = "alpha-login", "alpha-a1"
JOB = (
    'mode = "slurm"\n[slurm]\npartition = "gpu"\nnodelist = "alpha-a1"\ncpus_per_task = 1\ntime = "0:20:00"\n'
)
PRINTED, SCRATCHED, LONG, PRIVATE = (
    f"{name}-7f3a9c51e0" for name in ("printed", "scratched", "long", "private")
)
PUBLIC = {"/api", "/login", "/logout", "/robots.txt", "/favicon.ico"}
"""What JupyterLab shows to everybody, beside what is below /static/."""
WRONG = "0" * 64


@dataclass
class Server:
    """A server of alice's, and what only she should know of it."""

    profile: str
    host: str
    connection: dict[str, Any]
    session_id: str
    execution_id: str
    kernel_environment: dict[str, str]
    answers: list[str]
    kernel_keys: list[str] = field(default_factory=list)
    runtime_files: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)

    @property
    def token(self) -> str:
        """Its token."""
        return str(self.connection["token"])


@dataclass
class Scene:
    """Alice's servers, each with a session and a running cell, and a server of bob's in the same folder."""

    lab: Lab
    shared: Path
    private: Path
    in_job: Server
    local: Server
    job_id: str

    @property
    def servers(self) -> tuple[Server, Server]:
        """Alice's servers."""
        return self.in_job, self.local


@pytest.fixture(scope="module")
def scene(quiet_lab: Lab) -> Iterator[Scene]:
    """Alice has one server in a job, in a folder where all may write, and one on the login host, in her home.

    Her home and her folder of jlab-mcp are open to all, which is as careless as one can be.
    """
    lab, shared = quiet_lab, LAB / "shared"
    private = lab.home() / "private"
    make_folder(shared, mode=0o777)
    for user in ("alice", "bob"):
        lab.home(user).chmod(0o755)
        shutil.rmtree(lab.home(user) / ".ipython", ignore_errors=True)
        _folder(lab.home(user) / ".jlab-mcp", user, 0o755)
        profiles = lab.home(user) / ".config/jlab-mcp/profiles"
        lab.run(LOGIN, "mkdir", "-p", str(profiles), user=user)
        (profiles / "job.toml").write_text(JOB)
        (profiles / "here.toml").write_text('mode = "local"\n')
    _folder(private, "alice", 0o700)
    _lay_traps(lab)
    starts = [(shared, "job", "alice"), (private, "here", "alice"), (shared, "job", "bob")]
    try:
        with ThreadPoolExecutor() as pool:
            started = [pool.submit(_jlab_mcp, lab, folder, "start", "--detach", "--profile", profile, user=user)
                       for folder, profile, user in starts]  # fmt: skip
            for each in started:
                assert each.result().returncode == 0, each.result().stderr
        in_job = asyncio.run(_work(lab, shared, "job", PRINTED))
        local = asyncio.run(_work(lab, private, "here", PRIVATE))
        for server in (in_job, local):
            _look_inside(lab, server)
        yield Scene(lab, shared, private, in_job, local, str(in_job.connection["job_id"]))
    finally:
        for folder, profile, user in starts:
            _jlab_mcp(lab, folder, "stop", "--profile", profile, user=user)
        lab.reset()
        for user in ("alice", "bob"):
            shutil.rmtree(lab.home(user) / ".jlab-mcp")
            shutil.rmtree(lab.home(user) / ".config/jlab-mcp")
            lab.home(user).chmod(0o700)
        shutil.rmtree(private)
        shutil.rmtree(shared)


def _folder(path: Path, owner: str, mode: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    make_folder(path, owner=user_named(owner).uid, mode=mode)


def _jlab_mcp(
    lab: Lab, folder: Path, *arguments: str, user: str = "alice", host: str = LOGIN
) -> subprocess.CompletedProcess[str]:
    return lab.run(host, *_in(folder, lab.jlab_mcp, *arguments), user=user, check=False)


def _in(folder: Path, *command: str) -> Sequence[str]:
    """Return a command that runs in a folder with the umask that most people have."""
    return "bash", "-c", f"umask 022; cd {shlex.quote(str(folder))} && exec {shlex.join(command)}"


def _bob(lab: Lab, host: str, what: str, **asked: Any) -> dict[str, Any]:
    """Have bob try something on a host, and return what he got."""
    done = subprocess.run(
        lab.enter(host, [sys.executable, str(intruder.__file__)], user="bob"),
        input=json.dumps({"try": what, **asked}),
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    got: dict[str, Any] = json.loads(done.stdout)
    return got


def _lay_traps(lab: Lab) -> None:
    """Have bob make what he can of the names that servers use in /tmp."""
    lines = (
        "cd /tmp; rm -rf jlab-mcp-run-*; mkdir -m 777 mine jlab-mcp-run-aaaaaaaa; "
        "ln -s /tmp/mine jlab-mcp-run-bbbbbbbb; mkfifo jlab-mcp-run-cccccccc; touch jlab-mcp-run-dddddddd"
    )
    for host in (LOGIN, NODE):
        lab.run(host, "bash", "-c", lines, user="bob")


async def _work(lab: Lab, folder: Path, profile: str, secret: str) -> Server:
    """Have alice's agent work on a server: it prints secrets, and leaves a cell running."""
    command = lab.enter(LOGIN, _in(folder, lab.jlab_mcp))
    answers: list[str] = []
    parameters = StdioServerParameters(command=command[0], args=command[1:])
    async with stdio_client(parameters) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            answer = await session.call_tool(tool, arguments)
            answers.append(answer.model_dump_json())
            assert not answer.is_error, answers[-1]
            return dict(answer.structured_content or {})

        session_id = (await call("start_new_session", experiment_name=profile, profile=profile))["session_id"]
        for code in (_printing(secret), f"print('x' * 1_200_000); {_printing(LONG)}; print('x' * 1_200_000)"):
            await call("execute_code", session_id=session_id, code=code)
        await call("execute_scratch", code=_printing(SCRATCHED), profile=profile)
        shown = "import json, os; print(json.dumps(dict(os.environ)))"
        said = await call("execute_scratch", code=shown, profile=profile)
        running = "import time; print('begun', flush=True); time.sleep(1000)"
        cell = await call("execute_code", session_id=session_id, code=running, wait_seconds=1)
        for tool in ("ping", "list_sessions", "list_profiles", "check_resources"):
            await call(tool)
        resource = await session.read_resource("jlab-mcp://server/status")
        answers.append(resource.model_dump_json())
    return Server(
        profile=profile,
        host=NODE if profile == "job" else LOGIN,
        connection=_connection(lab, folder, profile),
        session_id=session_id,
        execution_id=cell["execution_id"],
        kernel_environment=json.loads(said["text"].splitlines()[0]),
        answers=answers,
    )


def _printing(secret: str) -> str:
    """Return code that prints a secret and does not hold it: IPython keeps code in a history of its own."""
    return f"print({secret[::-1]!r}[::-1])"


def _connection(lab: Lab, folder: Path, profile: str, user: str = "alice") -> dict[str, Any]:
    return dict(json.loads(_connection_file(lab, folder, profile, user).read_text()))


def _connection_file(lab: Lab, folder: Path, profile: str, user: str = "alice") -> Path:
    found = (lab.home(user) / ".jlab-mcp/connections").glob(f"{folder.name}-{profile}-*.connection.json")
    return next(found)


def _look_inside(lab: Lab, server: Server) -> None:
    """Note what root sees of a server: its processes, and the names and keys in its private folder."""
    pid = server.connection["pid"]
    lines = lab.run(server.host, "ps", "-u", "alice", "-o", "pid=,args=", user="root").stdout.splitlines()
    server.pids = [int(line.split()[0]) for line in lines if re.search(r"launch\.py|ipykernel", line)]
    assert pid in server.pids
    find = "find /tmp/jlab-mcp-run-* -user alice; find /tmp/jlab-mcp-run-* -user alice -name 'kernel-*.json' | xargs cat"
    said = lab.run(server.host, "bash", "-c", find, user="root").stdout
    server.runtime_files = [line for line in said.splitlines() if line.startswith("/tmp/")]
    server.kernel_keys = re.findall(r'"key": "([^"]+)"', said)
    assert server.kernel_keys


def test_the_token_is_in_no_answer_command_line_job_kernel_log_or_notebook(scene: Scene) -> None:
    lab = scene.lab
    told = "".join("".join(server.answers) for server in scene.servers)
    for server, folder in ((scene.in_job, scene.shared), (scene.local, scene.private)):
        for arguments in (["status", "--json"], ["status", "--all"], ["logs"]):
            told += repr(
                _jlab_mcp(
                    lab,
                    folder,
                    *arguments,
                    *(["--profile", server.profile] if "--all" not in arguments else []),
                )
            )
        told += json.dumps(server.kernel_environment)
        told += lab.run(server.host, "ps", "axeww", user="root").stdout
        assert not [name for name in server.kernel_environment if re.search("TOKEN|JLAB_MCP", name)]
        notebooks = list((folder / "notebooks").rglob("*"))
        assert [path for path in notebooks if path.suffix == ".ipynb"]
        told += "".join(path.read_text() for path in notebooks if path.is_file())
    told += "".join(path.read_text() for path in (lab.home() / ".jlab-mcp/logs").iterdir())
    told += _what_slurm_tells(lab, scene.job_id, "alice")
    assert scene.in_job.connection["server_id"] in told
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
        got = _bob(scene.lab, host, "search", needles=[*needles, *hidden, PRINTED], roots=roots)
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
    assert "--connection-file" not in told
    for order in (
        f"scancel {job}", f"scontrol suspend {job}", f"scontrol requeue {job}", f"scontrol update JobId={job} TimeLimit=1",
        f"srun --jobid={job} --overlap true", f"sattach {job}.batch",
    ):  # fmt: skip
        done = scene.lab.run(LOGIN, "timeout", "20", *order.split(), user="bob", check=False)
        assert done.returncode not in (0, 124) or "authentication error" in done.stderr, order
    spool = list((LAB / "var/alpha").rglob(f"job{int(job):05}/slurm_script"))
    assert spool
    assert not _bob(scene.lab, NODE, "paths", files=list(map(str, spool)), folders=[], sockets=[])["got"]
    assert (
        '"state": "ready"'
        in _jlab_mcp(scene.lab, scene.shared, "status", "--json", "--profile", "job").stdout
    )


def test_bob_cannot_look_into_alices_processes_nor_signal_them(scene: Scene) -> None:
    for server in scene.servers:
        assert len(server.pids) >= 2, "the server and a kernel"
        got = _bob(scene.lab, server.host, "processes", pids=server.pids)
        assert got == {"got": [], "seen": server.pids}


def test_files_of_servers_are_for_alice_alone_also_in_an_open_home(scene: Scene) -> None:
    state = scene.lab.home() / ".jlab-mcp"
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
    outputs = list(scene.shared.rglob("*_outputs*/*"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in outputs] == [0o600]
    got = _bob(
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
        net = _bob(lab, server.host, "network", uid=user_named("alice").uid)
        ports = {port: says for port, says in net["ports"] if port != server.connection["port"]}
        # ipykernel takes a child process's output on a port of its own, from whoever knows a secret number.
        assert len(ports) <= len(server.pids) - 1
        assert not [says for says in ports.values() if set(says) - set("\x00\x01\x03\xff\x7fNULL")], ports
        asked = {"files": others, "folders": folders, "sockets": [*sockets, *net["abstract"]]}
        assert _bob(lab, server.host, "paths", **asked) == {"got": []}


def test_what_bob_laid_in_tmp_is_not_used_and_not_touched(scene: Scene) -> None:
    look = "cd /tmp && find jlab-mcp-run-[a-d]* mine -user bob -printf '%f %y %m %s\\n' | sort"
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
        address = server.connection["ip"]
        own = host_named(server.host).address if server.profile == "job" else address
        asked = {"port": server.connection["port"], "addresses": ["", own, f"::ffff:{own}"]}
        got = _bob(scene.lab, server.host, "listen", **asked)
        assert got == {"got": []}


def test_without_the_token_the_server_tells_nothing_on_any_path(scene: Scene) -> None:
    for server in scene.servers:
        requests = _requests(scene, server)
        asked = {"server": server.connection["ip"], "port": server.connection["port"], "requests": requests}
        said = _bob(scene.lab, LOGIN, "web", **asked)
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
    assert (
        '"state": "ready"'
        in _jlab_mcp(scene.lab, scene.shared, "status", "--json", "--profile", "job").stdout
    )


def _requests(scene: Scene, server: Server) -> list[dict[str, Any]]:
    """Return requests of every method to every path of the node, and of JupyterLab in the job, without and with a wrong token.

    What asks for the cookie against forged requests gets it, so that it is the token that lacks.
    """
    ours = ("info", "resources", "sessions", f"sessions/{server.session_id}", f"sessions/{server.session_id}/cells",
            f"sessions/{server.session_id}/executions", f"sessions/{server.session_id}/interrupt", "notebook",
            f"executions/{server.execution_id}", f"executions/{server.execution_id}/interrupt", "scratch", "calls")  # fmt: skip
    every: list[tuple[str, tuple[str, ...]]] = [
        (_filled(pattern), ("GET", "POST", "PUT", "PATCH", "DELETE"))
        for pattern in (_patterns(scene.lab) if server is scene.in_job else ())
    ]
    every += [(f"/jlab-mcp/v1/{path}", ("GET", "POST", "DELETE")) for path in ours]
    forged = {"Cookie": "_xsrf=1", "X-XSRFToken": "1"}
    ways = [("", forged), ("", forged | {"Authorization": f"token {WRONG}"}), (f"?token={WRONG}", forged)]
    found = [
        {"method": method, "path": path + query, "headers": headers, "upgrade": False}
        for path, methods in every
        for method in methods
        for query, headers in ways
    ]
    found += [
        {"method": "GET", "path": path + query, "headers": headers, "upgrade": True}
        for path, _ in every
        for query, headers in ways
    ]
    return found


_LIST = """
import tempfile
from jupyterlab.labapp import LabApp
from traitlets.config import Config
config = Config()
config.ServerApp.jpserver_extensions = {"jupyterlab": True}
config.ServerApp.open_browser = False
app = LabApp.initialize_server(argv=[], config=config, runtime_dir=tempfile.mkdtemp())
def show(router):
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            show(rule.target)
        else:
            print(rule.matcher.regex.pattern)
show(app.web_app.default_router)
"""


def _patterns(lab: Lab) -> list[str]:
    """Return the patterns of all paths that JupyterLab answers, without the one that matches anything.

    Its page of licences fails at refusing, so that no answer comes at all.
    """
    said = lab.run(LOGIN, sys.executable, "-c", _LIST).stdout.splitlines()
    return [line for line in said if line not in ("(.*)$", "/lab/api/licenses/(.*)$")]


_GROUPS = {
    r"(?P<path>(?:(?:/[^/]+)+|/?))": "/notebooks/job.ipynb",
    r"(?P<workspace>/workspaces/[a-zA-Z0-9\-\_]+)?": "",
    r"(?P<tree>/tree/.*)?": "",
    r"\w+-\w+-\w+-\w+-\w+": "0-0-0-0-0",
}


def _filled(pattern: str) -> str:
    """Return a path that a pattern matches."""
    path = pattern
    for group, text in _GROUPS.items():
        path = path.replace(group, text)
    path = re.sub(r"\((?:\?P<\w+>)?([^()]*)\)", _of_group, path.removesuffix("$"))
    path = path.replace("/?", "/").replace(".*", "x").replace("\\", "")
    assert re.match(pattern, path), f"a path for {pattern} is needed here"
    return path


def _of_group(group: re.Match[str]) -> str:
    inside = group[1]
    first = inside.partition("|")[0].replace("\\", "")
    return first if re.fullmatch(inside, first) and "*" not in first else "python3"


def test_a_server_is_not_used_with_another_servers_token(scene: Scene) -> None:
    lab = scene.lab
    file = _connection_file(lab, scene.shared, "job", "bob")
    own = file.read_text()
    bobs = json.loads(own)
    forged = bobs | {
        key: scene.in_job.connection[key] for key in ("url", "ip", "port", "server_id", "job_id")
    }
    try:
        file.write_text(json.dumps(forged))
        done = _jlab_mcp(lab, scene.shared, "status", "--json", "--profile", "job", user="bob")
        assert done.returncode != 0
        assert '"state": "ready"' not in done.stdout
        assert scene.in_job.session_id not in done.stdout + done.stderr
    finally:
        file.write_text(own)
    assert _jlab_mcp(lab, scene.shared, "status", "--profile", "job", user="bob").returncode == 0


def test_in_one_folder_each_sees_and_stops_their_own_server(scene: Scene) -> None:
    lab, shared = scene.lab, scene.shared
    alices = scene.in_job.connection
    bobs = _connection(lab, shared, "job", "bob")
    assert bobs["port"] != alices["port"]
    assert bobs["hostname"] == alices["hostname"], "both are on one node"
    done = _jlab_mcp(lab, shared, "stop", "--job", scene.job_id, user="bob")
    assert (done.returncode, f"you have no job {scene.job_id}" in done.stderr) == (4, True), done.stderr
    for arguments in (
        ["status", "--all", "--json"],
        ["profile", "list"],
        ["stop", "--all"],
        ["status", "--all", "--json"],
    ):
        done = _jlab_mcp(lab, shared, *arguments, user="bob")
        told = done.stdout + done.stderr
        assert not [
            each
            for each in (
                f'"job_id": "{scene.job_id}"',
                alices["server_id"],
                scene.in_job.session_id,
                alices["url"],
            )
            if each in told
        ], told
    assert not _connection_file_left(lab, shared, "bob")
    state = json.loads(_jlab_mcp(lab, shared, "status", "--json", "--profile", "job").stdout)
    assert (state["state"], state["info"]["server_id"]) == ("ready", alices["server_id"])


def _connection_file_left(lab: Lab, folder: Path, user: str) -> list[Path]:
    return list((lab.home(user) / ".jlab-mcp/connections").glob(f"{folder.name}-*.connection.json"))


def test_what_a_stopped_server_leaves_is_for_alice_alone_too(scene: Scene) -> None:
    lab, state = scene.lab, scene.lab.home() / ".jlab-mcp"
    lab.run(LOGIN, "scancel", scene.job_id)  # so that the note of its end is left
    assert _jlab_mcp(lab, scene.private, "stop", "--profile", "here").returncode == 0
    assert _jlab_mcp(lab, scene.shared, "wait", "--profile", "job").returncode != 0
    assert list((state / "connections").glob("shared-job-*.end.json"))
    files = [
        path for path in state.rglob("*") if path.is_file() and "node" not in path.relative_to(state).parts
    ]
    assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) != 0o600] == []
    left = lab.run(NODE, "find", "/tmp", "-user", "alice", user="root").stdout
    assert left == ""
    told = "".join(path.read_text(errors="replace") for path in files)
    assert not [server.token for server in scene.servers if server.token in told]
