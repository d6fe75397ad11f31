"""What a project's own file may say before its user trusts it."""

from __future__ import annotations

import hashlib
import json

import pytest

from jlab_mcp.app.profiles.trust import look, trust
from jlab_mcp.core.profile import ConfigFile
from jlab_mcp.core.resolver import setting_paths, value_at
from jlab_mcp.errors import ConfigError
from tests.config.world import World

HARMLESS = {
    **{
        path: None
        for path in setting_paths(ConfigFile)
        if path.startswith(("slurm.", "notebook.", "output."))
    },
    **dict.fromkeys(("mode", "profile", "version", "env.modules", "env.module_purge")),
}
HARMLESS.pop("slurm.export")
HARMLESS.pop("slurm.extra_directives")
HARMLESS.pop("slurm.mail_user")

RISKY = """template = "evil.sh"
[slurm]
export = "ALL,LD_PRELOAD=evil.so"
extra_directives = ["--bcast=evil.so"]
partition = "gpu"
[env]
modules = ["./evil"]
module_purge = true
prologue = "evil"
epilogue = "evil"
venv = "evil"
[env.vars]
LD_PRELOAD = "evil.so"
[env.container]
image = "evil.sif"
[server]
bind_ip = "0.0.0.0"
[paths]
dir = "evil"
[output]
text_chars = 7
"""


def _trust(world: World) -> None:
    template = world.project / "evil.sh"
    more = b"\0" + template.read_bytes() if template.exists() else b""
    _record(world, world.project_file.read_bytes() + more)


def _record(world: World, content: bytes) -> None:
    hash_ = hashlib.sha256(content).hexdigest()
    (world.user / "trusted.toml").write_text(f"[files]\n{json.dumps(str(world.project_file))} = '{hash_}'\n")


def test_what_runs_commands_or_moves_files_is_left_out_and_named(world: World) -> None:
    (world.project / "evil.sh").write_text("#!/bin/bash\n")
    world.project_file.write_text(RISKY)
    resolved = world.load()
    (warning,) = resolved.warnings
    for path in ("template", "slurm.export", "slurm.extra_directives", "env.modules", "env.prologue", "env.epilogue",
                 "env.venv", "env.vars", "env.container", "server", "paths"):  # fmt: skip
        assert path in warning
        assert "project" not in {
            origin.kind for key, origin in resolved.origins.items() if key.startswith(path)
        }
    assert "jlab-mcp config trust" in warning
    assert (resolved.slurm.partition, resolved.env.module_purge, resolved.output.text_chars) == (
        "gpu",
        True,
        7,
    )


def test_a_trusted_file_counts_whole_until_it_changes(world: World) -> None:
    (world.project / "evil.sh").write_text("#!/bin/bash\n")
    world.project_file.write_text(RISKY)
    _trust(world)
    resolved = world.load()
    assert resolved.warnings == ()
    assert resolved.env.prologue == "evil"
    assert resolved.template == "#!/bin/bash\n"
    (world.project / "evil.sh").write_text("#!/bin/bash\nother\n")
    assert world.load().env.prologue is None
    _trust(world)
    assert world.load().env.prologue == "evil"
    world.project_file.write_text(RISKY + "# changed\n")
    assert world.load().env.prologue is None
    (world.project / "evil.sh").unlink()
    assert world.load().env.prologue is None


@pytest.mark.parametrize("path", sorted(setting_paths(ConfigFile)))
def test_every_setting_is_either_harmless_or_left_out(world: World, path: str) -> None:
    value = {"version": 1, "profile": "none", "mode": "local", "env.modules": ["a"]}.get(path, "x")
    if path == "env.vars":
        path += ".LD_PRELOAD"
    section, _, key = path.rpartition(".")
    world.project_file.write_text((f"[{section}]\n" if section else "") + f"{key} = {json.dumps(value)}\n")
    if path in HARMLESS:
        assert not any("not trusted" in warning for warning in _warnings(world))
    else:
        resolved = world.load()
        assert any(path.startswith(name) for name in resolved.warnings[0].split(": ", 1)[1].split(";")[0].split("; ")[0].removeprefix("this is ignored: ").split(", "))  # fmt: skip
        assert value_at(resolved.profile, path) != value


def _warnings(world: World) -> tuple[str, ...]:
    """Load a file whose value may be wrong: that is told only of what counts."""
    if world.problems():
        return ()
    return world.load().warnings


@pytest.mark.parametrize(
    "modules",
    ["./evil", "/tmp/evil", "~/evil", "cuda,/tmp/evil", "cuda, ./evil", "cuda\n~/evil", "gcc/../../tmp/evil"],
)
def test_modules_that_name_files_are_left_out_however_they_are_separated(world: World, modules: str) -> None:
    world.project_file.write_text(f"[env]\nmodules = {json.dumps(modules)}\n")
    resolved = world.load()
    assert resolved.env.modules is None
    assert "env.modules" in resolved.warnings[0]


@pytest.mark.parametrize(
    ("folder", "kept"),
    [
        ("work", True),
        ("./a/../b", True),
        ("/tmp", False),
        ("~/.ssh", False),
        ("a/../../b", False),
        ("..", False),
    ],
)
def test_notebooks_of_an_untrusted_project_stay_in_it(world: World, folder: str, kept: bool) -> None:
    world.project_file.write_text(f'[notebook]\ndir = "{folder}"\n')
    resolved = world.load()
    assert (resolved.origins["notebook.dir"].kind == "project") is kept
    assert any("notebook.dir" in warning for warning in resolved.warnings) is not kept


def test_nothing_moves_unseen_between_a_file_and_its_template(world: World) -> None:
    seen = b'template = "evil.sh"\n'
    world.project_file.write_bytes(seen + b'[env]\nprologue = "echo"\n')
    (world.project / "evil.sh").write_bytes(b"#!/bin/bash\n")
    _trust(world)
    assert world.load().env.prologue == "echo"
    world.project_file.write_bytes(seen)
    (world.project / "evil.sh").write_bytes(b'[env]\nprologue = "echo"\n#!/bin/bash\n')
    assert world.load().template is None


def test_a_template_in_the_users_home_is_trusted_as_it_is(world: World) -> None:
    template = world.home / "job.sh"
    template.write_text("#!/bin/bash\n")
    world.project_file.write_text('template = "~//job.sh"\n')
    trust(look(world.project, world.env), world.env)
    assert world.load().template == "#!/bin/bash\n"
    template.write_text("#!/bin/bash\nother\n")
    assert world.load().template is None


def test_a_template_that_is_no_file_is_refused_without_reading_it(world: World) -> None:
    world.project_file.write_text('template = "/dev/zero"\n')
    with pytest.raises(ConfigError, match="not a file"):
        look(world.project, world.env)


@pytest.mark.parametrize("store", ["", "not TOML", 'files = "x"', "[files]\n'/x' = 1\n"])
def test_a_store_that_cannot_be_read_trusts_nothing(world: World, store: str) -> None:
    world.project_file.write_text('[env]\nprologue = "evil"\n')
    (world.user / "trusted.toml").write_text(store)
    assert world.load().env.prologue is None
