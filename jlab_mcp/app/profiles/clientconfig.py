"""Use case: the entry with which an MCP client starts jlab-mcp with a certain profile."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from jlab_mcp.app.blame import naming_the_users_folder
from jlab_mcp.app.context import project_folder
from jlab_mcp.app.profiles.chosen import chosen_by, chosen_profile
from jlab_mcp.config.environment import PROFILE
from jlab_mcp.config.layers import shown
from jlab_mcp.config.places import home_folder, places
from jlab_mcp.config.profiles import read_chain
from jlab_mcp.core.chosen import chosen_how
from jlab_mcp.core.editing.jsonedit import set_entry
from jlab_mcp.errors import ConfigError
from jlab_mcp.storage.edited import write_edited

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = ".mcp.json"
"""In the project folder, where Claude Code and others look for servers."""
_COMMAND = "jlab-mcp"


class ClientEntry(BaseModel):
    """How a client starts the server."""

    model_config = ConfigDict(frozen=True)

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default={}, description="Variables that are added to the client's own.")


class ClientConfig(BaseModel):
    """What MCP clients read."""

    model_config = ConfigDict(frozen=True)

    mcpServers: dict[str, ClientEntry]  # noqa: N815 - the clients' own word


def client_entry(
    profile: str | None = None,
    *,
    project_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[ClientEntry, str | None]:
    """Return the entry, and what to know about it.

    A profile that a settings file chooses is left to that file; one that a variable of this shell chooses
    goes into the entry, because a client need not be started from this shell.

    Args:
        profile: the profile that the entry names.
        project_dir: the project folder; the working directory if None.
        environ: the environment; the process's own if None.

    Raises:
        ConfigError: there is no such profile.
    """
    environ = os.environ if environ is None else environ
    home = home_folder(environ)
    choice, _ = chosen_profile(profile, project_dir=project_dir, environ=environ)
    note = None
    name = None
    if choice.by.kind in ("flag", "variable"):
        name = choice.by.text
        if choice.name is not None:
            chain = read_chain(name, places(environ, home), home=home, said_by=choice.by.where)
            if not chain.files:
                raise ConfigError(chain.problems)
    elif choice.name:
        note = f"it names no profile: {choice.name} is used, {chosen_how(chosen_by(choice.by, home) or '')}"
    else:
        note = "it names no profile; add `--profile NAME` to choose one"
    command, *args = _command(environ)
    return ClientEntry(command=command, args=tuple(args), env={PROFILE: name} if name else {}), note


def claude_command(name: str, entry: ClientEntry) -> str:
    """Return the command that adds an entry to Claude Code."""
    variables = [word for key, value in entry.env.items() for word in ("-e", f"{key}={value}")]
    return shlex.join(["claude", "mcp", "add", name, *variables, "--", entry.command, *entry.args])


def client_config(name: str, entry: ClientEntry) -> str:
    """Return the entry as the JSON that MCP clients read."""
    return ClientConfig(mcpServers={name: entry}).model_dump_json(indent=2)


def client_file(project_dir: Path | None = None) -> Path:
    """Return the project's file for MCP clients, there or not."""
    return project_folder(project_dir) / FILE


def with_entry(name: str, entry: ClientEntry, *, project_dir: Path | None = None) -> tuple[str, str]:
    """Return the text of the project's file as it is, and with the entry in it.

    Raises:
        ConfigError: the file is broken, so that it is better left alone.
    """
    path = client_file(project_dir)
    try:
        before = _text(path)
        return before, set_entry(before, "mcpServers", name, entry.model_dump(mode="json"))
    except ValueError as error:
        raise ConfigError([f"{_shown(path)}: is left as it is: {error}"]) from error


def write_entry(before: str, after: str, *, project_dir: Path | None = None) -> str:
    """Write the project's file, and return how its user calls it.

    Args:
        before: its text when the entry was put in.
        after: its text with the entry.
        project_dir: the project folder; the working directory if None.

    Raises:
        ConfigError: somebody else has changed it meanwhile.
        CannotWrite: the system refused.
    """
    path = client_file(project_dir)
    if _text(path) != before:
        raise ConfigError(
            [f"{_shown(path)}: has changed meanwhile, and is left as it is; run the command again"]
        )
    with naming_the_users_folder(places(os.environ, home_folder(os.environ)).user.folder):
        write_edited(path, after)
    return _shown(path)


def _text(path: Path) -> str:
    """Return a file's text; nothing where there is no file.

    Raises:
        ConfigError: it cannot be read.
        ValueError: it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else ""
    except OSError as error:
        raise ConfigError([f"{_shown(path)}: cannot be read: {error.strerror}"]) from error


def _shown(path: Path) -> str:
    return shown(path, home_folder(os.environ))


def _command(environ: Mapping[str, str]) -> list[str]:
    """Return what starts this very jlab-mcp: its name if that is what PATH finds, else its path."""
    script = Path(sysconfig.get_path("scripts")) / _COMMAND
    if not script.is_file():
        return [sys.executable, "-m", "jlab_mcp"]
    on_path = shutil.which(_COMMAND, path=environ.get("PATH", os.defpath))
    return [_COMMAND if on_path and Path(on_path).samefile(script) else str(script)]
