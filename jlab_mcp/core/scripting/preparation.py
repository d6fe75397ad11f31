"""What the job's shell does before JupyterLab starts, as lines of bash; each step that fails ends the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.scripting.bash import give_up, path_word, word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jlab_mcp.core.profile import EnvSection
    from jlab_mcp.core.resolver import ResolvedProfile


def preparation(resolved: ResolvedProfile, venv: Path | None) -> Iterator[str]:
    """Yield the lines, in the order of `[env]`'s keys.

    Args:
        resolved: the settings.
        venv: virtual environment to activate, if any.
    """
    env = resolved.env
    folder = str(resolved.project_dir)
    yield f"cd -- {word(folder)} || {give_up(f'enter the project folder {folder}')}"
    if env.prologue:
        yield from ("", "# env.prologue", *whole_lines(env.prologue))
    yield from _modules(env)
    # Kernels inherit all variables: neither a token nor settings of another server are for them.
    yield 'unset JUPYTER_TOKEN JUPYTER_TOKEN_FILE "${!JLAB_MCP_@}"'
    for name, value in env.vars.items():
        yield f"export {name}={word(value)} || {give_up(f'set the variable {name}')}"
    if env.conda and env.container is None:
        yield from _conda(resolved, env.conda)
    if venv and env.container is None:
        activate = f"{venv}/bin/activate"
        missing = give_up(f"activate the virtual environment {venv}: there is no bin/activate in it")
        yield f"[ -f {word(activate)} ] || {missing}"
        yield f". {word(activate)}"


def conda_folder(resolved: ResolvedProfile) -> str | None:
    """Return the path of a conda environment that is not known by its name; `~/` may begin it."""
    conda = resolved.env.conda
    if not conda or ("/" not in conda and conda != "~"):
        return None
    return conda if conda == "~" or conda.startswith(("~/", "/")) else f"{resolved.project_dir}/{conda}"


def whole_lines(text: str) -> list[str]:
    """Return lines of bash as they are, and an empty one, so that a backslash at their end joins nothing."""
    return [*text.rstrip("\n").split("\n"), ""]


def _modules(env: EnvSection) -> Iterator[str]:
    if not (env.modules or env.module_purge):
        return
    yield f"type module >/dev/null 2>&1 || {give_up('load modules: there is no command `module` here')}"
    if env.module_purge:
        yield f"module purge || {give_up('unload the modules that are loaded at login')}"
    if env.modules:
        yield from _LOAD_MODULE
    for module in env.modules or ():
        yield f"jlab_mcp_load {word(module)} || {give_up(f'load the module {module}')}"


_LOAD_MODULE = (
    "jlab_mcp_load() {",
    '    local before="${LOADEDMODULES-}"',
    '    module load "$1" || return 1',
    "    # Environment Modules 3 ends with 0 also where there is no such module.",
    '    [[ "${MODULE_VERSION-}" != 3.* || "${LOADEDMODULES-}" != "$before" ]] ||',
    '        [[ ":$before:" == *":$1"[:/]* ]]',
    "}",
)


def _conda(resolved: ResolvedProfile, conda: str) -> Iterator[str]:
    folder = conda_folder(resolved)
    if folder is not None:
        yield f"export CONDA_PREFIX={path_word(folder)}"
        yield 'export PATH="$CONDA_PREFIX/bin:$PATH"'
        return
    failed = f"activate the conda environment {conda}"
    no_conda = give_up(f"{failed}: there is no working conda on PATH, and CONDA_EXE names none")
    yield f'jlab_mcp_conda=$("${{CONDA_EXE:-conda}}" info --base) || {no_conda}'
    yield '. "$jlab_mcp_conda/etc/profile.d/conda.sh"'
    yield f"conda activate {word(conda)} || {give_up(failed)}"
