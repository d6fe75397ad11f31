"""Whether settings that are right one by one can be put into a job's script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.core.fields import OWNED_OPTIONS
from jlab_mcp.core.resolver import BUILT_IN
from jlab_mcp.core.scripting.bash import has_control
from jlab_mcp.core.scripting.container import container_problems
from jlab_mcp.core.scripting.written_secrets import is_secret, remedy, secrets_in_bash
from jlab_mcp.core.slurm.sbatch import LONGEST_NAME, job_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jlab_mcp.core.resolver import ResolvedProfile

_BASH_OWN = frozenset(
    (
        *("BASH", "BASHOPTS", "BASHPID", "BASH_ALIASES", "BASH_ARGC", "BASH_ARGV", "BASH_ARGV0"),
        *("BASH_CMDS", "BASH_COMMAND", "BASH_LINENO", "BASH_REMATCH", "BASH_SOURCE", "BASH_SUBSHELL"),
        *("BASH_VERSINFO", "COMP_WORDBREAKS", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID"),
        *("FUNCNAME", "GROUPS", "HISTCMD", "IFS", "LINENO", "OLDPWD", "OPTIND", "PIPESTATUS"),
        *("POSIXLY_CORRECT", "PPID", "PWD", "RANDOM", "SECONDS", "SHELLOPTS", "SHLVL", "SRANDOM", "UID"),
        *("_"),
    )
)
"""Variables whose value bash makes itself, or by which it changes its ways."""
_ANY_ID = "0" * 16
"""A launch's id."""
_Problem = tuple[str, str]


def problems_of_settings(resolved: ResolvedProfile) -> Iterator[_Problem]:
    """Yield dotted path and sentence of each setting that cannot be put into a job's script."""
    yield from _of_paths(resolved)
    yield from _of_directives(resolved)
    yield from _of_variables(resolved)
    yield from _of_secrets(resolved)
    yield from container_problems(resolved)
    conda = resolved.env.conda
    if conda and conda.startswith("-"):
        yield "env.conda", f"an environment cannot begin with `-`, got {conda!r}"


def template_place(resolved: ResolvedProfile) -> str:
    """Return the path of the template's file, as far as the settings tell."""
    named = resolved.profile.template
    origin = resolved.origins.get("template", BUILT_IN)
    if named is None:
        return "template"
    if named.parts[:1] == ("~",):
        return str(named)
    folder = Path(origin.where).parent if origin.in_file else resolved.project_dir
    return str(folder / named)


def _of_paths(resolved: ResolvedProfile) -> Iterator[_Problem]:
    paths = {
        "the project folder": resolved.project_dir,
        "notebook.dir": resolved.notebook_dir,
        "paths.dir": resolved.state_dir,
        "paths.log_dir": resolved.log_dir,
        "paths.connection_dir": resolved.connection_dir,
        "env.venv": resolved.venv,
    }
    for name, path in paths.items():
        if has_control(str(path)):
            yield name, f"{str(path)!r} holds a control character, which a SLURM job cannot be given"
    if "\\" in str(resolved.log_dir):
        yield "paths.log_dir", f"SLURM drops a backslash from a log's path, got {str(resolved.log_dir)!r}"


def _of_directives(resolved: ResolvedProfile) -> Iterator[_Problem]:
    if len(job_name(resolved, _ANY_ID).encode("utf-8")) > LONGEST_NAME:
        yield "slurm.job_name", f"SLURM takes {LONGEST_NAME} bytes, and jlab-mcp adds the project's name"
    if "," in (resolved.slurm.job_name or ""):
        yield "slurm.job_name", f"a job cannot be found by a name with a comma, got {resolved.slurm.job_name}"
    for directive in resolved.slurm.extra_directives or ():
        name = directive.removeprefix("--").partition("=")[0]
        if name == "job-name":
            yield "slurm.extra_directives", "set slurm.job_name instead of `--job-name`"
        for owned in (*OWNED_OPTIONS, "job-name"):
            if owned.startswith(name) and owned != name:
                sentence = f"sbatch may take `--{name}` for `--{owned}`, which jlab-mcp sets itself"
                yield "slurm.extra_directives", sentence


def _of_variables(resolved: ResolvedProfile) -> Iterator[_Problem]:
    for name in resolved.env.vars:
        if name in _BASH_OWN or name.startswith("jlab_mcp_"):
            yield f"env.vars.{name}", "this name is the shell's own; no value can be given to it"


def _of_secrets(resolved: ResolvedProfile) -> Iterator[_Problem]:
    for name, value in resolved.env.vars.items():
        if is_secret(name, value):
            yield f"env.vars.{name}", remedy(name)
    for item in (resolved.slurm.export or "").split(","):
        name, _, value = item.partition("=")
        if is_secret(name.strip(), value):
            yield "slurm.export", remedy(name.strip())
    texts = {
        "env.prologue": resolved.env.prologue,
        "env.epilogue": resolved.env.epilogue,
        "template": resolved.template,
    }
    for path, text in texts.items():
        for line, name in secrets_in_bash(text or ""):
            yield path, f"line {line} sets {name}: {remedy(name)}"
