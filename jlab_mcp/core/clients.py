"""Where MCP clients keep their servers, and which of these are jlab-mcp."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMES = ("jlab-mcp", "jlab_mcp")
_Format = Literal["json", "toml"]


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A file in which a client keeps its servers.

    Attributes:
        client: what the client is called.
        path: of the file; it need not be there.
        section: key of the table of servers.
        format: how the file is written.
        scope: for `claude mcp`; empty for other clients.
    """

    client: str
    path: Path
    section: str
    format: _Format = "json"
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A client's entry for jlab-mcp.

    Attributes:
        file: where it stands.
        name: what the client calls it.
        command: what it starts; empty where it is an address.
        args: arguments of the command.
        env: variables that it sets.
        scope: for `claude mcp`; empty for other clients.
    """

    file: ClientFile
    name: str
    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    scope: str


def client_files(home: Path, project: Path, environ: Mapping[str, str]) -> tuple[ClientFile, ...]:
    """Return the files of the clients that are known, the project's own first."""
    claude = environ.get("CLAUDE_CONFIG_DIR")
    codex = Path(environ.get("CODEX_HOME") or home / ".codex")
    return (
        ClientFile("Claude Code", project / ".mcp.json", "mcpServers", scope="project"),
        ClientFile(
            "Claude Code", (Path(claude) if claude else home) / ".claude.json", "mcpServers", scope="user"
        ),
        ClientFile("Cursor", project / ".cursor/mcp.json", "mcpServers"),
        ClientFile("Cursor", home / ".cursor/mcp.json", "mcpServers"),
        ClientFile("VS Code", project / ".vscode/mcp.json", "servers"),
        ClientFile("VS Code", home / ".config/Code/User/mcp.json", "servers"),
        ClientFile("VS Code", home / ".vscode-server/data/User/mcp.json", "servers"),
        ClientFile("Codex", codex / "config.toml", "mcp_servers", "toml"),
    )


def entries(file: ClientFile, document: object, project: Path) -> Iterator[Entry]:
    """Yield the entries for jlab-mcp in what a file says, those for this project alone first.

    Args:
        file: the file.
        document: what it says.
        project: the project folder.
    """
    if not isinstance(document, dict):
        return
    projects = document.get("projects")
    own = projects.get(str(project)) if isinstance(projects, dict) and file.scope == "user" else None
    if isinstance(own, dict):
        yield from _of_table(file, own.get(file.section), "local")
    yield from _of_table(file, document.get(file.section), file.scope)


def _of_table(file: ClientFile, table: object, scope: str) -> Iterator[Entry]:
    for name, said in (table if isinstance(table, dict) else {}).items():
        if not isinstance(said, dict):
            continue
        command, args, env = said.get("command"), said.get("args"), said.get("env")
        command = command if isinstance(command, str) else ""
        words = tuple(map(str, args)) if isinstance(args, list) else ()
        if name in _NAMES or any(_is_ours(word) for word in (command, *words)):
            variables = {str(key): str(value) for key, value in env.items()} if isinstance(env, dict) else {}
            yield Entry(file, str(name), command, words, variables, scope)


def _is_ours(word: str) -> bool:
    """Say whether a word of a command line means this program: its name, its path, or its requirement."""
    name = PurePath(word).name
    return any(name == known or name.startswith((f"{known}[", f"{known}=", f"{known}@")) for known in _NAMES)
