"""What can be told before a job is submitted of the environment it will find on its node.

Nodes may have other disks and other modules than the host that one is on. So what is missing in the user's
own folders, which a cluster shares, is refused; what is missing elsewhere is only said.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.surroundings import setting_place
from jlab_mcp.config.places import home_folder
from jlab_mcp.core.scripting.local import names_environment
from jlab_mcp.core.slurm.commands import module_arguments
from jlab_mcp.errors import ConfigError, Remedy, StartFailed
from jlab_mcp.runners.ask import ask
from jlab_mcp.runners.interpreter import Interpreter, choose_interpreter, install_command, lacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jlab_mcp.core.resolver import ResolvedProfile

_MODULE_SECONDS = 10.0
"""How long a login shell may take to say whether a module is there."""
_IS_THERE, _IS_NOT = 0, 3


def job_interpreter(resolved: ResolvedProfile) -> Interpreter:
    """Return the Python that the job runs, as far as it is known here.

    Raises:
        ConfigError: a setting names an environment or image in the user's folders, and it is not there.
        StartFailed: the environment has no JupyterLab.
    """
    _require_image(resolved)
    if resolved.venv is not None and resolved.env.container is None:
        return _named(resolved, resolved.venv)
    if names_environment(resolved):
        return Interpreter(Path("python3"), None)
    return choose_interpreter(resolved.project_dir, os.environ)


async def job_notes(resolved: ResolvedProfile, environ: Mapping[str, str]) -> list[str]:
    """Say which modules this host does not have; where a prologue may add some, none."""
    modules = () if resolved.env.prologue else resolved.env.modules or ()
    asked = [_lacks_module(module, environ) for module in modules]
    missing = [module for module in await asyncio.gather(*asked) if module]
    place = setting_place(resolved, "env.modules")
    return [
        f"{place}: there is no module {module} on this host; where the node has none either, the job ends"
        for module in missing
    ]


def _named(resolved: ResolvedProfile, venv: Path) -> Interpreter:
    """Check a named environment by its files alone: its Python may be for another kind of machine."""
    place = setting_place(resolved, "env.venv")
    found = Interpreter(venv / "bin" / "python", venv)
    if not found.path.exists() and not found.path.is_symlink():
        if _is_shared(resolved, venv):
            raise ConfigError([f"{place}: there is no virtual environment {venv}"])
        return Interpreter(found.path, venv, f"{place}: {venv} is not on this host, so it was not looked at")
    if missing := lacks(venv):
        raise StartFailed(
            f"{place}: {venv} has no {' and '.join(missing)}",
            remedy=Remedy.INSTALL_JUPYTERLAB,
            details={"command": install_command(found.path)},
        )
    return found


def _require_image(resolved: ResolvedProfile) -> None:
    container = resolved.env.container
    if container is None or container.runtime != "apptainer" or "://" in container.image:
        return
    image = Path(os.path.normpath(resolved.project_dir / Path(container.image).expanduser()))
    if _is_shared(resolved, image) and not image.exists():
        place = setting_place(resolved, "env.container.image")
        raise ConfigError([f"{place}: there is no image {image}"])


def _is_shared(resolved: ResolvedProfile, path: Path) -> bool:
    """Say whether a path is in a folder that this host and the nodes share: the job needs these, too."""
    shared = (home_folder(os.environ), resolved.project_dir, resolved.state_dir)
    return any(path.is_relative_to(folder) for folder in shared)


async def _lacks_module(module: str, environ: Mapping[str, str]) -> str | None:
    answer = await ask(module_arguments(module), environ=environ, timeout=_MODULE_SECONDS, called="module")
    return module if answer.status == _IS_NOT else None
