"""Projects with profiles of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from jlab_mcp.app import context
from jlab_mcp.core.record import ServerPaths, ServerRecord
from tests.conftest import Project

LOCAL = 'mode = "local"\n'


def with_profiles(project: Project, **texts: str) -> Project:
    """Give a project's user profiles, by name; nothing but them chooses a mode."""
    folder = profile_file(project, "any").parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        profile_file(project, name).write_text(text)
    env = {key: value for key, value in project.env.items() if key != "JLAB_MCP_RUN_MODE"}
    return replace(project, env=env | {"JLAB_MCP_CONFIG": str(folder.parent)})


def profile_file(project: Project, name: str) -> Path:
    """Return where a profile of the user's is."""
    return project.folder.parent / "config" / "profiles" / f"{name}.toml"


def paths_of(project: Project, profile: str) -> ServerPaths:
    """Return the files of a profile's server."""
    return context.load(profile, project_dir=project.folder, environ=project.env).paths


def record_of(project: Project, profile: str) -> ServerRecord:
    """Read the record of a profile's server."""
    return ServerRecord.model_validate_json(paths_of(project, profile).record_file.read_bytes())
