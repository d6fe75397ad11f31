"""Whether an MCP client knows jlab-mcp, and can start it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.profiles.clientconfig import FILE, claude_command, client_entry
from jlab_mcp.app.profiles.listing import profile_names
from jlab_mcp.config.environment import PROFILE
from jlab_mcp.core.checkup import Check, Finding, doubtful, failed, fine
from jlab_mcp.core.clients import client_files, entries
from jlab_mcp.core.nearest import nearest
from jlab_mcp.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.core.clients import ClientFile, Entry

_MOST_BYTES = 64 * 1024 * 1024
"""Claude Code keeps its history in the same file."""


async def _entry(scene: Scene) -> Finding:
    """Look for entries in the files of all clients that are known, and at what each starts."""
    found: list[Entry] = []
    for file in client_files(scene.home, scene.project_dir, scene.environ):
        try:
            said = _read(file)
        except ValueError as error:
            return _broken(scene, file, str(error))
        found += entries(file, said, scene.project_dir)
    if not found:
        return doubtful(
            "no MCP client that is known has an entry for jlab-mcp: Claude Code, Cursor, VS Code, Codex",
            fix="add one; for another client `jlab-mcp profile mcp-config` prints it",
            command=_add(scene, None),
        )
    wrong = next(_problems(scene, found), None)
    if wrong:
        return wrong
    shown = [f"{each.file.client} ({scene.shown(each.file.path)})" for each in found]
    return fine(f"{', '.join(dict.fromkeys(shown))}: {shlex.join([found[0].command, *found[0].args])}")


def _read(file: ClientFile) -> object:
    """Return what a file says; nothing where there is none.

    Raises:
        ValueError: it cannot be read, or is not in its format.
    """
    try:
        with file.path.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if file.format == "toml":
        return tomllib.loads(text)
    return json.loads(text) if text.strip() else None


def _broken(scene: Scene, file: ClientFile, why: str) -> Finding:
    said = f"{scene.shown(file.path)}, which {file.client} reads, "
    said += why if why.startswith("cannot") else f"is not {file.format.upper()}: {why[:1].lower()}{why[1:]}"
    if file.client == "VS Code" and not why.startswith("cannot"):
        return doubtful(said, "comments are allowed there, so this may be as it should; it was not looked at")
    command = f"chmod u+r {scene.word(file.path)}" if why.startswith("cannot") else ""
    return failed(
        said,
        code=ExitCode.CONFIG,
        fix="mend it" if not command else "let yourself read it",
        command=command or f"${{EDITOR:-vi}} {scene.word(file.path)}",
    )


def _problems(scene: Scene, found: list[Entry]) -> Iterator[Finding]:
    """Yield what is wrong with entries, the first one first."""
    for each in found:
        where = f"the entry {each.name} of {each.file.client} ({scene.shown(each.file.path)})"
        if each.command and "${" not in each.command and not _is_program(scene, each.command):
            yield failed(
                f"{where} starts {each.command}, which is not there",
                code=ExitCode.CONFIG,
                fix="write the entry anew",
                command=_add(scene, each),
            )
        profile = each.env.get(PROFILE, "")
        if profile and "${" not in profile and profile.lower() != "none":
            names = profile_names(scene.environ)
            if profile not in names:
                close = nearest(profile, names)
                yield failed(
                    f"{where} names the profile {profile}, which is not there{close}",
                    code=ExitCode.CONFIG,
                    fix="write the entry anew",
                    command=_add(scene, each, close.split("`")[1] if close else _in_use(scene)),
                )


def _is_program(scene: Scene, command: str) -> bool:
    if "/" in command:
        path = scene.project_dir / Path(command).expanduser()
        return path.is_file() and os.access(path, os.X_OK)
    return shutil.which(command, path=scene.environ.get("PATH", os.defpath)) is not None


def _in_use(scene: Scene) -> str:
    return scene.settings.name if scene.settings and scene.settings.is_profile else "none"


def _add(scene: Scene, old: Entry | None, profile: str | None = None) -> str:
    """Return the command that adds an entry, in place of one that there is.

    Args:
        scene: where.
        old: the one that there is.
        profile: the profile that it is to name; if None the one that the doctor was asked about, if any.
    """
    profile = profile or scene.profile
    flag = f" --profile {profile}" if profile else ""
    if old is not None and old.file.path.name == FILE and old.file.path.parent == scene.project_dir:
        return f"jlab-mcp profile mcp-config --name {shlex.quote(old.name)}{flag} --write --yes"
    try:
        entry, _ = client_entry(profile, project_dir=scene.project_dir, environ=scene.environ)
    except ConfigError:
        return f"jlab-mcp profile mcp-config{flag}"
    if old is None:
        return claude_command("jlab-mcp", entry)
    if old.file.client == "Claude Code":
        name = shlex.quote(old.name)
        add = claude_command(old.name, entry).replace("mcp add", f"mcp add --scope {old.scope}", 1)
        return f"claude mcp remove --scope {old.scope} {name} && {add}"
    return f"jlab-mcp profile mcp-config{flag} && ${{EDITOR:-vi}} {scene.word(old.file.path)}"


CHECKS: tuple[Check[Scene], ...] = (Check("client", "MCP client", _entry),)
