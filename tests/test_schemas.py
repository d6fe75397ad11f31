"""The shipped schemas are the models', hold for shipped profiles and real output, and take what the loader takes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastjsonschema
import jsonschema
import pytest
from pydantic import ValidationError

from jlab_mcp.app.schemas import schema_kinds, schema_text
from jlab_mcp.config.places import schema_file
from jlab_mcp.core.profile import ConfigFile, Profile, Section
from jlab_mcp.core.resolver import section_of, setting_paths
from tests.agent import agent
from tests.cli.profiles import User, make_user
from tests.commands import run
from tests.conftest import Project

ROOT = Path(__file__).resolve().parent.parent


def _fits(kind: str, value: object) -> bool:
    """Ask two validators, which must agree."""
    schema = json.loads(schema_text(kind))
    one = jsonschema.Draft7Validator(schema).is_valid(value)
    try:
        fastjsonschema.compile(schema)(value)
    except fastjsonschema.JsonSchemaValueException:
        two = False
    else:
        two = True
    assert one == two, f"the validators disagree on {value!r}"
    return one


@pytest.mark.parametrize("kind", schema_kinds())
def test_every_shipped_schema_is_what_the_model_gives(kind: str) -> None:
    assert schema_file(kind).read_text(encoding="utf-8") == schema_text(kind), "run: make schemas"
    jsonschema.Draft7Validator.check_schema(json.loads(schema_text(kind)))
    assert "$ref" not in schema_text(kind)


def test_there_is_no_schema_that_nothing_makes() -> None:
    made = {f"{kind}.schema.json" for kind in schema_kinds()}
    assert {path.name for path in (ROOT / "schemas").iterdir()} == made


@pytest.mark.parametrize("path", sorted((ROOT / "profiles").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_profile_fits_the_schema(path: Path) -> None:
    assert _fits("profile", tomllib.loads(path.read_text(encoding="utf-8")))


def _editor_accepts(path: Path) -> bool:
    """Ask taplo, which is inside of editors' TOML plugins, and finds the schema as they do."""
    taplo = Path(sysconfig.get_path("scripts")) / "taplo"
    told = subprocess.run([taplo, "check", path], capture_output=True, text=True, timeout=60, check=False)
    assert "panicked" not in told.stderr
    return told.returncode == 0


def test_editors_accept_shipped_profiles_and_say_what_is_wrong_with_another(tmp_path: Path) -> None:
    for path in (ROOT / "profiles").glob("*.toml"):
        assert _editor_accepts(path), path
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    mine = tmp_path / "profiles" / "mine.toml"
    mine.parent.mkdir()
    directive = "#:schema ../schemas/profile.schema.json\n"
    for text, accepted in {
        "[slurm]\nmem = 32000\ntime = 90\ngres = 'none'\n": True,
        "[slurm]\nmem = 'lots'\n": False,
        "[slurm]\ntime = 'soon'\n": False,
        "[slrum]\n": False,
        "mode = 'cloud'\n": False,
    }.items():
        mine.write_text(directive + text)
        assert _editor_accepts(mine) is accepted, text


VALUES: list[object] = [
    *("none", " None ", "a", "a b", "a,b", "a\nb", "", "1", "07", "90", "4:00:00", "1-12", "1:2:3:4", "32G", "32GB"),
    *("gpu:1", "gpu:a100:2", "a100:2", "TERM@120", "R:15", "true", "Off", "user", "ALL", "END,FAIL", "NONE", "10L"),
    *("1-4", "--gpu_cmode=shared", "cuda/12 gcc", "127.0.0.1", "ib0", "~/x", "$HOME/x", "pyxis", "nvidia", "slurm"),
    *(0, 1, 9, 90, 32000, 70000, -1, 1.5, True, False),
    *([], ["a"], ["a b"], ["--x"], [1], {}, {"A": "b"}, {"A": 1}, {"A b": "c"}, {"A": "x\ny"}, {"A": []}),
]  # fmt: skip
"""Whatever a person may try; each setting takes some of it."""
BEYOND_PATTERNS = {
    *("slurm.signal", "slurm.mail_type", "slurm.extra_directives", "server.bind_ip"),
    *("template", "env.venv", "notebook.dir", "paths.dir", "paths.log_dir", "paths.connection_dir"),
    *("env.modules", "env.container.image", "match.hostname", "match.cluster", "required"),
}
"""Settings of which the schema takes some that the loader refuses."""


def _nested(path: str, value: object) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def _loads(model: type[Section], values: dict[str, Any]) -> bool:
    # An image may come from a parent, so that a file of its own need not name one.
    container = values.get("env", {}).get("container")
    if isinstance(container, dict):
        container.setdefault("image", "x.sif")
        if container["image"] == "none":
            return True
    try:
        model.model_validate(values)
    except ValidationError:
        return False
    return True


def _settings() -> Iterator[tuple[str, type[Section], str]]:
    yield from (("profile", Profile, path) for path in setting_paths(Profile))
    yield from (("config", ConfigFile, path) for path in setting_paths(ConfigFile))


@pytest.mark.parametrize(("kind", "model"), [("profile", Profile), ("config", ConfigFile)])
def test_the_schema_takes_everything_that_the_loader_takes(kind: str, model: type[Section]) -> None:
    schema = jsonschema.Draft7Validator(json.loads(schema_text(kind)))
    refused = [
        (path, value)
        for path in setting_paths(model)
        for value in VALUES
        if _loads(model, _nested(path, value)) and not schema.is_valid(_nested(path, value))
    ]
    refused = [case for case in refused if case != ("version", True)]  # Python takes True for 1
    assert refused == []


def test_the_schema_refuses_what_the_loader_refuses_as_far_as_patterns_tell() -> None:
    schema = jsonschema.Draft7Validator(json.loads(schema_text("profile")))
    taken = {
        (path, str(value))
        for path in setting_paths()
        for value in VALUES
        if not _loads(Profile, _nested(path, value)) and schema.is_valid(_nested(path, value))
    }
    known = {path for path, _ in taken}
    assert len(taken) < 60, sorted(taken)
    assert not known & {
        "slurm.time",
        "slurm.mem",
        "slurm.gres",
        "slurm.gpus",
        "slurm.partition",
        "server.port_min",
    }


@pytest.mark.parametrize("model", [Profile, ConfigFile])
def test_unknown_keys_are_refused_in_every_section(model: type[Section]) -> None:
    kind = "profile" if model is Profile else "config"
    sections = [name for name, info in model.model_fields.items() if section_of(info)]
    for path in ("unknown", *(f"{name}.unknown" for name in sections)):
        assert not _fits(kind, _nested(path, "x"))
    assert _fits(kind, {})
    assert _fits(kind, {"slurm": {"mem": 32000, "time": 90, "gres": "none"}, "env": {"modules": "a b"}})
    assert not _fits(kind, {"slurm": {"time": "soon"}})


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """A user whose files are right, wrong, and of every kind."""
    made = make_user(tmp_path_factory.mktemp("schemas"))
    made.profile(
        "fine", 'mode = "slurm"\nrequired = ["slurm.account"]\n[env.vars]\nA = "b"\n[slurm]\nqos = "none"\n'
    )
    made.profile("bad", "[slurm]\ntime = 4:00:00\n")
    (made.project / ".jlab-mcp.toml").write_text('[env]\nprologue = "date"\n[slurm]\ngres = "gpu:1"\n')
    return made


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("profile-list", ["profile", "list", "--json"]),
        ("profile-list", ["profile", "list", "--json", "--profile", "gone"]),
        ("profile-show", ["profile", "show", "--json"]),
        ("profile-show", ["profile", "show", "fine", "--json"]),
        ("profile-validate", ["profile", "validate", "--json"]),
        ("profile-validate", ["profile", "validate", "fine", "gone", "--json"]),
        ("profile-check", ["profile", "check", "local", "--json"]),
        ("profile-check", ["profile", "check", "slurm-generic", "--json"]),
        ("mcp-config", ["profile", "mcp-config", "--profile", "local"]),
        ("profile-path", ["profile", "path", "--json"]),
        ("profile-path", ["profile", "path", "fine", "--json"]),
        ("profile-path", ["config", "path", "--json"]),
        ("config-trust", ["config", "trust", "--list", "--json"]),
        ("status", ["status", "--json", "--profile", "local"]),
        ("status-all", ["status", "--all", "--json"]),
        ("stop", ["stop", "--all", "--json"]),
        ("stop", ["stop", "--json", "--profile", "local"]),
    ],
)
def test_what_commands_print_fits_its_schema(user: User, kind: str, command: list[str]) -> None:
    printed = json.loads(user.run(*command).stdout)
    assert _fits(kind, printed)
    assert not _fits(kind, [*printed, 1] if isinstance(printed, list) else dict.fromkeys(printed, 1))


async def test_what_the_tool_answers_fits_its_schema(user: User) -> None:
    async with agent(Project(user.project, user.env | {"JLAB_MCP_PROFILE": "fine"})) as me:
        assert _fits("list-profiles", await me.ok("list_profiles"))


@pytest.mark.live
async def test_the_status_of_a_running_server_fits_its_schema(live_project: Project) -> None:
    status = await asyncio.to_thread(run, live_project, "status", "--json")
    listed = await asyncio.to_thread(run, live_project, "status", "--all", "--json")
    assert json.loads(status.stdout)["state"] == "ready"
    assert _fits("status", json.loads(status.stdout))
    assert _fits("status-all", json.loads(listed.stdout))
