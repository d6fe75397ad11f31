"""`jlab-mcp doctor` on this machine: each fault planted for real, named, and mended by the command it gives."""

from __future__ import annotations

import json
import os
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jlab_mcp.app.doctor import versions
from jlab_mcp.app.doctor.machine import outside
from jlab_mcp.app.doctor.scene import Scene
from jlab_mcp.core.checkup import Level
from tests.cli.profiles import User, make_user
from tests.commands import LIMIT, kill, record_of, run
from tests.conftest import Project
from tests.sites import put

Checks = dict[str, dict[str, Any]]
DOCTOR = shlex.join([sys.executable, "-m", "jlab_mcp", "doctor", "--json"])


@dataclass(frozen=True)
class Patient:
    """A user and a project without any fault, until one is planted."""

    user: User
    env: dict[str, str]
    commands: Path

    def examine(self, *options: str, after: str = "", **environ: str) -> tuple[int, Checks]:
        """Run the doctor, after a command in the same shell if there is one; exit code, id -> check."""
        words = f"{after or ':'} && exec {DOCTOR} {shlex.join(options)}"
        done = subprocess.run(
            ["/bin/bash", "-c", words],
            cwd=self.user.project,
            env=self.env | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        shown = done.stdout[max(0, done.stdout.find('{\n  "version"')) :]
        assert shown.startswith("{"), done.stdout + done.stderr
        said = json.loads(shown)
        assert said["exit_code"] == done.returncode
        assert said["ok"] is (done.returncode == 0)
        return done.returncode, {each["id"]: each for each in said["checks"]}

    def files(self) -> list[str]:
        """List all that is in the home and the project."""
        folders = (self.user.home, self.user.project)
        return sorted(str(path) for folder in folders for path in folder.rglob("*"))


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    """Somebody in good health, whose servers run on this machine."""
    user = make_user(tmp_path)
    kept = {key: value for key, value in user.env.items() if not key.lower().endswith("_proxy")}
    commands = tmp_path / "bin"
    put(commands, "jlab-mcp", f'exec {shlex.quote(sys.executable)} -m jlab_mcp "$@"')
    env = kept | {"JLAB_MCP_RUN_MODE": "local", "PATH": f"{commands}:{os.environ['PATH']}"}
    made = Patient(user, env, commands)
    (user.project / ".mcp.json").write_text('{"mcpServers": {"jlab-mcp": {"command": "jlab-mcp"}}}')
    return made


def failures(checks: Checks) -> list[str]:
    """Return the ids of the checks that failed, in order."""
    return [id_ for id_, each in checks.items() if each["level"] == "failed"]


def test_all_is_well_in_order_and_nothing_is_changed(patient: Patient) -> None:
    before = patient.files()
    code, checks = patient.examine()
    assert (code, failures(checks)) == (0, [])
    assert patient.files() == before
    assert [id_ for id_, each in checks.items() if each["level"] != "ok"] == ["slurm"]
    assert checks["slurm"]["found"].startswith("servers run on this machine (JLAB_MCP_RUN_MODE)")
    assert list(checks) == [
        *("settings-files", "permissions", "profile", "required", "trust", "slurm", "folders"),
        *("environment", "ports", "records", "clock", "proxy", "client", "versions"),
    ]
    assert all(
        list(each) == ["id", "title", "level", "found", "more", "fix", "command", "blocked_by"]
        for each in checks.values()
    )


def test_a_broken_settings_file_is_named_with_its_line_and_what_depends_on_it_is_not_checked(
    patient: Patient,
) -> None:
    patient.user.profile("mine", 'mode = "local"\n[server]\nport_min = nonsense\n')
    code, checks = patient.examine("--profile", "mine")
    assert (code, failures(checks)) == (3, ["settings-files", "profile"])
    for check in ("settings-files", "profile"):
        assert "profiles/mine.toml:3: " in checks[check]["found"]
        assert checks[check]["command"] == "${EDITOR:-vi} +3 ~/.config/jlab-mcp/profiles/mine.toml"
    assert checks["ports"]["blocked_by"] == checks["controller"]["blocked_by"] == "profile"
    assert checks["proxy"]["level"] == checks["client"]["level"] == "ok"
    # An editor that mends the line it is opened at.
    put(patient.commands, "mend", 'sed -i "${1#+}d" "$2"')
    code, checks = patient.examine("--profile", "mine", after=checks["profile"]["command"], EDITOR="mend")
    assert (code, failures(checks)) == (0, [])


@pytest.mark.parametrize(
    ("variable", "value", "said", "command"),
    [
        ("JLAB_MCP_PROFILE", "nope", 'there is no profile "nope"', "jlab-mcp profile list"),
        ("JLAB_MCP_PORT_MIN", "many", 'got "many"', "unset JLAB_MCP_PORT_MIN"),
        ("JLAB_MCP_PORT_MAX", "${PORT}", "did not expand", "unset JLAB_MCP_PORT_MAX"),
    ],
)
def test_a_variable_that_is_wrong_is_named(
    patient: Patient, variable: str, value: str, said: str, command: str
) -> None:
    code, checks = patient.examine(**{variable: value})
    assert (code, failures(checks)) == (3, ["profile"])
    assert checks["profile"]["found"].startswith(f"{variable}: ")
    assert said in checks["profile"]["found"]
    assert checks["profile"]["command"] == command


def test_a_variable_without_effect_is_a_warning(patient: Patient) -> None:
    code, checks = patient.examine(JLAB_MCP_PORT_MINN="18000")
    assert (code, checks["profile"]["level"]) == (0, "warning")
    assert checks["profile"]["command"] == "unset JLAB_MCP_PORT_MINN"
    _, checks = patient.examine(after=checks["profile"]["command"], JLAB_MCP_PORT_MINN="18000")
    assert checks["profile"]["level"] == "ok"


def test_settings_and_tokens_that_are_open_to_others_are_named_and_closed(patient: Patient) -> None:
    file = patient.user.profile("mine", 'mode = "local"\n')
    token = patient.user.home / ".jlab-mcp/connections/x.connection.json"
    token.parent.mkdir(parents=True)
    token.touch(mode=0o600)
    assert patient.examine()[1]["permissions"]["level"] == "ok"
    for path, mode in ((file, 0o666), (file.parent, 0o777), (token, 0o644)):
        path.chmod(mode)
        code, checks = patient.examine()
        assert (code, failures(checks)) == (3, ["permissions"])
        assert path.name in checks["permissions"]["found"]
        code, checks = patient.examine(after=checks["permissions"]["command"])
        assert (code, checks["permissions"]["level"]) == (0, "ok")
        assert not stat.S_IMODE(path.stat().st_mode) & 0o022


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_profile_that_belongs_to_somebody_else_is_named_and_made_ones_own(patient: Patient) -> None:
    file = patient.user.profile("mine", 'mode = "local"\n')
    os.chown(file, 65534, 65534)
    code, checks = patient.examine()
    assert (code, failures(checks)) == (3, ["permissions"])
    assert "belongs to" in checks["permissions"]["found"]
    assert patient.examine(after=checks["permissions"]["command"])[0] == 0


def test_a_projects_file_that_is_not_trusted_is_a_warning(patient: Patient) -> None:
    (patient.user.project / ".jlab-mcp.toml").write_text('[env]\nprologue = "true"\n')
    code, checks = patient.examine()
    assert (code, checks["trust"]["level"]) == (0, "warning")
    assert "env.prologue" in checks["trust"]["found"]
    command = checks["trust"]["command"]
    assert command.endswith("&& jlab-mcp config trust")
    _, checks = patient.examine(after=f"{command} --yes >&2")
    assert checks["trust"]["level"] == "ok"


def test_a_folder_that_cannot_be_written_is_named_and_another_one_named(patient: Patient) -> None:
    code, checks = patient.examine(JLAB_MCP_DIR="/proc/nothing")
    assert (code, failures(checks)) == (13, ["folders"])
    assert "the log folder /proc/nothing/logs (JLAB_MCP_DIR) cannot be written" in checks["folders"]["found"]
    code, _ = patient.examine(after=checks["folders"]["command"], JLAB_MCP_DIR="/proc/nothing")
    assert code == 0


def test_a_disk_that_is_full_is_told_as_such(patient: Patient, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    inside = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    words = (
        f"mount -t tmpfs -o size=64k small {small} && head -c 60000 /dev/zero > {small}/ballast"
        f" && JLAB_MCP_LOG_DIR={small} {DOCTOR}"
    )
    done = subprocess.run(
        [*inside, "bash", "-c", words],
        cwd=patient.user.project,
        env=patient.env,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 13, done.stderr
    found = {each["id"]: each for each in json.loads(done.stdout)["checks"]}["folders"]
    assert "No space left on device" in found["found"]
    assert found["command"].startswith("du -xsh ")


def bare_venv(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=LIMIT)
    return folder


def test_an_environment_without_jupyterlab_is_named_with_what_installs_it(patient: Patient) -> None:
    venv = bare_venv(patient.user.project / "lab")
    patient.user.profile("mine", 'mode = "local"\n[env]\nvenv = "lab"\n')
    code, checks = patient.examine("--profile", "mine")
    assert (code, failures(checks)) == (8, ["environment"])
    assert "has no jupyterlab and ipykernel" in checks["environment"]["found"]
    install_it = ["uv", "pip", "install", "--python", str(venv / "bin/python"), "jupyterlab", "ipykernel"]
    assert checks["environment"]["command"] == shlex.join(install_it)


def test_a_projects_environment_that_is_passed_over_is_a_warning(patient: Patient) -> None:
    bare_venv(patient.user.project / ".venv")
    code, checks = patient.examine()
    assert (code, checks["environment"]["level"]) == (0, "warning")
    assert "has no jupyterlab and ipykernel; JupyterLab runs in" in checks["environment"]["more"][0]
    assert " install " in checks["environment"]["command"]


@pytest.mark.parametrize(
    ("python", "packages", "said", "command"),
    [
        (
            "3.8.20",
            {"jupyterlab": "4.2.0", "jupyter_server": "2.1", "ipykernel": "6.1"},
            "3.9 or newer",
            "uv venv --clear",
        ),
        ("3.8.20", {}, "3.9 or newer", "uv venv --clear"),
        (
            "3.12.1",
            {"jupyterlab": "3.6.7", "jupyter_server": "1.24", "ipykernel": "6.1"},
            "jupyterlab 3.6.7",
            "--upgrade",
        ),
    ],
    ids=["Python", "Python without JupyterLab", "JupyterLab"],
)
def test_what_is_too_old_is_named(
    patient: Patient, python: str, packages: dict[str, str], said: str, command: str
) -> None:
    """No registry has to be at hand with such old packages: the interpreter only says that it has them."""
    venv = patient.user.project / "old"
    for package in packages:
        (venv / "lib/python3/site-packages" / package).mkdir(parents=True)
        (venv / "lib/python3/site-packages" / package / "__init__.py").touch()
    answer = json.dumps({"python": python, "machine": "x86_64", "packages": packages})
    put(venv / "bin", "python", f"echo '{answer}'")
    patient.user.profile("mine", 'mode = "local"\n[env]\nvenv = "old"\n')
    code, checks = patient.examine("--profile", "mine")
    assert (code, failures(checks)) == (8, ["environment"])
    assert said in checks["environment"]["found"]
    assert command in checks["environment"]["command"]


@pytest.fixture
def taken() -> Iterator[tuple[int, int]]:
    """Three ports in a row that somebody listens on."""
    with ExitStack() as held:
        for low in range(21_000, 60_000, 7):
            with ExitStack() as tried:
                try:
                    for port in range(low, low + 3):
                        each = tried.enter_context(socket.socket())
                        each.bind(("127.0.0.1", port))
                        each.listen()
                except OSError:
                    continue
                held.enter_context(tried.pop_all())
                break
        yield low, low + 2


def test_ports_that_are_all_taken_are_named_and_the_range_widened(
    patient: Patient, taken: tuple[int, int]
) -> None:
    low, high = taken
    patient.user.profile("mine", f'mode = "local"\n[server]\nport_min = {low}\nport_max = {high}\n')
    code, checks = patient.examine("--profile", "mine")
    assert (code, failures(checks)) == (8, ["ports"])
    assert checks["ports"]["found"] == f"all ports from {low} to {high} on 127.0.0.1 are taken"
    code, checks = patient.examine("--profile", "mine", after=checks["ports"]["command"])
    assert (code, checks["ports"]["level"]) == (0, "ok")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("JLAB_MCP_LOCAL_BIND_IP", "192.0.2.1", "nothing can listen on 192.0.2.1: cannot assign"),
        ("JLAB_MCP_SERVER_INTERFACE", "nope0", "no network interface nope0"),
    ],
)
def test_an_address_that_is_not_here_is_named_and_mended(
    patient: Patient, variable: str, value: str, said: str
) -> None:
    code, checks = patient.examine(**{variable: value})
    assert (code, failures(checks)) == (8, ["ports"])
    assert said in checks["ports"]["found"]
    assert patient.examine(after=checks["ports"]["command"], **{variable: value})[0] == 0


@pytest.mark.live
def test_a_server_that_was_killed_and_a_record_that_is_broken_are_named_and_cleared_away(
    bare_project: Project,
) -> None:
    def look() -> tuple[int, dict[str, Any]]:
        told = run(bare_project, "doctor", "--json")
        return told.returncode, {each["id"]: each for each in json.loads(told.stdout)["checks"]}["records"]

    assert run(bare_project, "start", "-d").returncode == 0
    assert look() == (0, look()[1] | {"level": "ok"})
    record = record_of(bare_project)
    assert record
    kill(record)
    code, found = look()
    assert (code, found["level"], found["command"]) == (0, "warning", "jlab-mcp stop")
    assert "ended without being stopped" in found["found"]
    bare_project.resolved().paths.record_file.write_text("{")
    code, found = look()
    assert (code, found["level"], found["command"]) == (10, "failed", "jlab-mcp stop")
    assert run(bare_project, "stop").returncode == 0
    assert look()[1]["found"] == "no server of this project is left over"


def test_a_proxy_without_exceptions_is_a_warning(patient: Patient) -> None:
    proxy = {"HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "intern.example"}
    code, checks = patient.examine(**proxy)
    assert (code, checks["proxy"]["level"]) == (0, "warning")
    assert "does not leave out localhost and 127.0.0.1" in checks["proxy"]["found"]
    _, checks = patient.examine(after=checks["proxy"]["command"], **proxy)
    assert checks["proxy"]["level"] == "ok"


def test_no_client_with_an_entry_is_a_warning(patient: Patient) -> None:
    (patient.user.project / ".mcp.json").unlink()
    code, checks = patient.examine("--profile", "none")
    assert (code, checks["client"]["level"]) == (0, "warning")
    assert checks["client"]["command"].startswith("claude mcp add jlab-mcp -e JLAB_MCP_PROFILE=none -- ")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"command": "/gone/bin/jlab-mcp"}, "starts /gone/bin/jlab-mcp, which is not there"),
        ({"command": "uvxx", "args": ["jlab-mcp"]}, "starts uvxx, which is not there"),
        (
            {"command": "jlab-mcp", "env": {"JLAB_MCP_PROFILE": "nope"}},
            "the profile nope, which is not there",
        ),
    ],
)
def test_an_entry_of_the_project_that_does_not_work_is_named_and_written_anew(
    patient: Patient, entry: dict[str, Any], said: str
) -> None:
    file = patient.user.project / ".mcp.json"
    file.write_text(json.dumps({"mcpServers": {"jlab-mcp": entry, "other": {"command": "kept"}}}))
    code, checks = patient.examine()
    assert (code, failures(checks)) == (3, ["client"])
    assert said in checks["client"]["found"]
    code, _ = patient.examine(after=f"{checks['client']['command']} >&2")
    assert code == 0
    assert json.loads(file.read_text())["mcpServers"]["other"] == {"command": "kept"}


def test_files_of_other_clients_are_looked_at_too(patient: Patient) -> None:
    (patient.user.project / ".mcp.json").unlink()
    home = patient.user.home
    (home / ".codex").mkdir()
    (home / ".codex/config.toml").write_text('[mcp_servers.nb]\ncommand = "/gone/jlab-mcp"\n')
    code, checks = patient.examine()
    assert (code, failures(checks)) == (3, ["client"])
    assert "the entry nb of Codex (~/.codex/config.toml)" in checks["client"]["found"]
    (home / ".codex/config.toml").unlink()
    project = str(patient.user.project)
    own = {"projects": {project: {"mcpServers": {"nb": {"command": "/gone/jlab-mcp"}}}}}
    (home / ".claude.json").write_text(json.dumps(own))
    _, checks = patient.examine()
    assert checks["client"]["command"].startswith("claude mcp remove --scope local nb && claude mcp add")
    assert "--scope local" in checks["client"]["command"].partition("&&")[2]


def test_a_clients_file_that_is_broken_is_named(patient: Patient) -> None:
    (patient.user.project / ".mcp.json").write_text('{"mcpServers": {')
    code, checks = patient.examine()
    assert (code, failures(checks)) == (3, ["client"])
    assert "is not JSON" in checks["client"]["found"]
    assert checks["client"]["command"].startswith("${EDITOR:-vi} ")


async def test_a_package_that_is_too_old_for_jlab_mcp_is_named(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No environment is made with an old `mcp`, in which jlab-mcp could not run: its version is only said."""
    monkeypatch.setattr(versions, "_version", lambda name: "1.0" if name == "mcp" else "99")
    monkeypatch.setattr(versions, "_requirements", lambda: ["mcp<3,>=2.3", "httpx>=0.28"])
    monkeypatch.setenv("HOME", str(patient.user.home))
    monkeypatch.setenv("JLAB_MCP_RUN_MODE", "local")
    (check,) = versions.CHECKS
    found = await check.look(Scene(project_dir=patient.user.project))
    assert found.level is Level.FAILED
    assert found.found.endswith(": mcp 1.0, 2.3 or newer is needed")
    assert found.command.endswith("-m pip install --upgrade jlab-mcp")


def test_a_clock_of_whole_seconds_is_wrong_only_outside_the_time_in_which_it_was_looked_at() -> None:
    assert outside(100, 100.2, 100.4) == 0
    assert outside(99, 99.9, 100.4) == 0
    assert outside(90, 100.0, 100.4) == -9.0
    assert outside(110, 100.0, 100.5) == 9.5
