"""Trusting a project's own settings file, while others write at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from jlab_mcp.app.profiles.trust import all_trusted, distrust, look, trust, trust_edit

SETTINGS = b'[env]\nprologue = "true"\n'


def project(folder: Path, name: str) -> Path:
    """Make a project with settings that need trust."""
    made = folder / name
    made.mkdir()
    (made / ".jlab-mcp.toml").write_bytes(SETTINGS)
    return made


def states(env: dict[str, str]) -> list[str]:
    """Say how it stands with each file that was trusted."""
    return [file.state for file in all_trusted(env)]


def test_files_that_are_trusted_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path)}
    projects = [project(tmp_path, f"p{number}") for number in range(20)]
    together = Barrier(len(projects))

    def trust_one(folder: Path) -> None:
        seen = look(folder, env)
        together.wait()
        trust(seen, env)

    def take_back(folder: Path) -> bool:
        together.wait()
        return distrust(folder, env)

    with ThreadPoolExecutor(len(projects)) as pool:
        list(pool.map(trust_one, projects))
        assert states(env) == ["trusted"] * len(projects)
        assert all(pool.map(take_back, projects))
    assert states(env) == []


def test_only_what_was_trusted_stays_so_when_it_is_edited(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path)}
    path = project(tmp_path, "one") / ".jlab-mcp.toml"
    after = b'profile = "local"\n' + SETTINGS
    path.write_bytes(after)
    assert not trust_edit(path, SETTINGS, after, env)
    assert states(env) == []
    trust(look(path.parent, env), env)
    assert not trust_edit(path, SETTINGS, after, env), "it is not what was trusted"
    assert trust_edit(path, after, SETTINGS, env)
    path.write_bytes(SETTINGS)
    assert states(env) == ["trusted"]


def test_what_somebody_else_wrote_during_an_edit_is_not_trusted(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path)}
    path = project(tmp_path, "one") / ".jlab-mcp.toml"
    trust(look(path.parent, env), env)
    path.write_bytes(b'[env]\nprologue = "false"\n')
    assert trust_edit(path, SETTINGS, b'profile = "local"\n' + SETTINGS, env)
    assert states(env) == ["changed"]
