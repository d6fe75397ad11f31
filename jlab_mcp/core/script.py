"""The sbatch script of a server: a template is filled, every value quoted, no secret in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.scripting import template
from jlab_mcp.core.scripting.fitness import problems_of_settings, template_place
from jlab_mcp.core.scripting.launching import JobPaths, launch
from jlab_mcp.core.scripting.preparation import preparation
from jlab_mcp.core.slurm.sbatch import directives, job_name
from jlab_mcp.errors import ConfigError

__all__ = ["JobPaths", "plain_place", "render_script", "script_problems"]

if TYPE_CHECKING:
    from collections.abc import Callable

    from jlab_mcp.core.resolver import Origin, ResolvedProfile


def plain_place(origin: Origin, path: str) -> str:
    """Name a setting by where it was set, without looking at the file."""
    if origin.in_file:
        return f"{origin.where}: {path}"
    return origin.where if origin.kind in ("variable", "flag") else path


def script_problems(
    resolved: ResolvedProfile, *, place: Callable[[Origin, str], str] = plain_place
) -> list[str]:
    """Say in one sentence each why no script can be made of these settings.

    Args:
        resolved: the settings.
        place: names a setting, from its origin and its dotted path, for the beginning of a sentence.
    """
    found = [
        f"{place(_origin(resolved, path), path)}: {sentence}"
        for path, sentence in problems_of_settings(resolved)
    ]
    if resolved.template is not None:
        named = template_place(resolved)
        found += [f"{named}:{line}: {sentence}" for line, sentence in template.problems(resolved.template)]
    return found


def render_script(resolved: ResolvedProfile, job: JobPaths, *, server_id: str | None = None) -> str:
    """Return the text of the script that sbatch is given.

    Args:
        resolved: what to ask for, and where the project is.
        job: the job's files.
        server_id: the launch's id; left out of the script if None.

    Raises:
        ConfigError: a setting, a path or the template cannot be used; says all of it at once.
    """
    if problems := script_problems(resolved):
        raise ConfigError(problems)
    venv = resolved.venv or (None if resolved.env.conda or resolved.env.container else job.venv)
    asked = directives(resolved, job.log_file, server_id)
    blocks = {
        "directives": "\n".join(f"#SBATCH {option}" for option in asked),
        "prepare": "\n".join(preparation(resolved, venv)),
        "launch": "\n".join(launch(resolved, job, venv, server_id)),
    }
    values = {
        "name": resolved.name,
        "job_name": job_name(resolved, server_id),
        "project_dir": str(resolved.project_dir),
        "notebook_dir": str(resolved.notebook_dir),
        "state_dir": str(resolved.state_dir),
        "connection_file": str(job.connection_file),
        "log_file": str(job.log_file),
    }
    return template.fill(resolved.template or template.BUILT_IN, blocks, values)


def _origin(resolved: ResolvedProfile, path: str) -> Origin:
    """Return where a setting, or the section that it is in, was set."""
    while path:
        if path in resolved.origins:
            return resolved.origins[path]
        path = path.rpartition(".")[0]
    return BUILT_IN
