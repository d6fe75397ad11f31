"""The Python that runs JupyterLab: what is in it, and whether nodes can run it."""

from __future__ import annotations

import os
import platform
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.app.preflight import job_interpreter, job_notes
from jlab_mcp.app.surroundings import local_interpreter
from jlab_mcp.core.checkup import Check, Finding, Level, doubtful, failed, fine, unchecked
from jlab_mcp.core.releases import is_older
from jlab_mcp.core.scripting.local import names_environment, needs_shell
from jlab_mcp.core.slurm.commands import hosts_arguments, node_arguments
from jlab_mcp.core.slurm.facts import parse_architecture
from jlab_mcp.core.words import listed
from jlab_mcp.errors import ExitCode, JlabMcpError, StartFailed
from jlab_mcp.runners.ask import ask
from jlab_mcp.runners.inside import NEEDED, OLDEST_PYTHON, Inside, look_inside, machine_of
from jlab_mcp.runners.interpreter import install_command

if TYPE_CHECKING:
    from jlab_mcp.app.doctor.scene import Scene
    from jlab_mcp.runners.interpreter import Interpreter

_CONTAINER = "it is in a container, which is looked at only where it runs"


async def _environment(scene: Scene) -> Finding:
    """Look into the environment that JupyterLab would run in."""
    resolved = scene.resolved
    of_job = resolved.mode == "slurm"
    if seen := await scene.node():
        inside = Inside(str(seen["python"]), str(seen["machine"]), dict(seen["packages"]))
        return _judged(None, str(seen["executable"]), inside, f" (on {seen['hostname']})")
    try:
        interpreter = job_interpreter(resolved) if of_job else local_interpreter(resolved)
    except StartFailed as error:
        return await _too_old(scene, resolved.venv) or _lacking(error)
    if resolved.env.container:
        return unchecked(_CONTAINER)
    notes = [*([interpreter.note] if interpreter.note else [])]
    notes += await job_notes(resolved, scene.environ) if of_job else []
    is_named = names_environment(resolved)
    if is_named and (interpreter.path.name == str(interpreter.path) or needs_shell(resolved)):
        looks = f" `jlab-mcp doctor --on-node{scene.flag}` looks" if of_job else " a start will tell"
        named = _named(resolved.env.conda, interpreter)
        return unchecked(f"{named} is there only once the shell is prepared;{looks}")
    return await _inside(scene, interpreter, notes)


async def _inside(scene: Scene, interpreter: Interpreter, notes: list[str]) -> Finding:
    """Ask an interpreter what is in its environment."""
    found = await look_inside(interpreter.path, scene.environ)
    if isinstance(found, str):
        return _does_not_run(scene, interpreter, found, notes)
    judged = _judged(interpreter.path, str(interpreter.path), found)
    if not notes or judged.level is not Level.OK:
        return judged
    own = scene.project_dir / ".venv/bin/python"
    passed_over = bool(interpreter.note) and scene.resolved.venv is None and os.access(own, os.X_OK)
    return doubtful(
        judged.found,
        *notes,
        fix="install it there, if cells are to find the project's packages" if passed_over else "",
        command=install_command(own) if passed_over else "",
    )


async def _too_old(scene: Scene, venv: Path | None) -> Finding | None:
    """Judge an environment in which nothing has to be installed, because its Python is too old."""
    if venv is None:
        return None
    inside = await look_inside(venv / "bin/python", scene.environ)
    if isinstance(inside, str) or not is_older(inside.python, OLDEST_PYTHON):
        return None
    return _judged(venv / "bin/python", str(venv / "bin/python"), inside)


def _lacking(error: StartFailed) -> Finding:
    command = str(error.details.get("command", ""))
    return failed(error.message, code=error.exit_code, fix="install it", command=command)


def _named(conda: str | None, interpreter: Interpreter) -> str:
    return f"the conda environment {conda}" if conda else str(interpreter.path)


def _does_not_run(scene: Scene, interpreter: Interpreter, why: str, notes: list[str]) -> Finding:
    """Judge an interpreter that this host cannot ask: it may be for the nodes alone."""
    built_for = machine_of(interpreter.path)
    if scene.resolved.mode == "slurm" and (built_for not in (None, platform.machine()) or notes):
        return doubtful(
            f"{interpreter.path} cannot be run here: {why}",
            *notes,
            fix="let a job of seconds look from a node",
            command=f"jlab-mcp doctor --on-node{scene.flag}",
        )
    venv = interpreter.venv
    again = f"python3 -m venv --clear {venv} && {venv}/bin/pip install {' '.join(NEEDED)}" if venv else ""
    return failed(
        f"{interpreter.path} does not run: {why}",
        code=ExitCode.START_FAILED,
        fix="make the environment anew" if venv else "",
        command=again,
    )


def _judged(python: Path | None, shown: str, inside: Inside, where: str = "") -> Finding:
    """Judge the versions.

    Args:
        python: the interpreter, to be mended; None where it is a node's.
        shown: its path.
        inside: what it says of itself.
        where: where it was asked, for the end of the sentence.
    """
    has = ", ".join(f"{name} {version}" for name, version in inside.packages.items())
    venv = shlex.quote(str(Path(shown).parent.parent))
    said = f"{shown}{where}: Python {inside.python}{f', {has}' if has else ''}"
    if is_older(inside.python, OLDEST_PYTHON):
        return failed(
            f"{said}: Python {OLDEST_PYTHON} or newer is needed",
            code=ExitCode.START_FAILED,
            fix="make it anew with a newer Python",
            command=f"uv venv --clear --python 3.12 {venv}"
            f" && uv pip install --python {venv} jupyterlab ipykernel",
        )
    missing = [name for name in NEEDED if name not in inside.packages]
    old = [name for name, least in NEEDED.items() if is_older(inside.packages.get(name, ""), least)]
    if missing or old:
        wrong = [f"{listed(missing)} missing"] if missing else []
        wrong += [f"{name} {inside.packages[name]} is older than {NEEDED[name]}" for name in old]
        command = install_command(python) if python else f"{shown} -m pip install jupyterlab ipykernel"
        return failed(
            f"{said}: {'; '.join(wrong)}",
            code=ExitCode.START_FAILED,
            fix="install what is missing" if missing else "bring it up to date",
            command=command.replace(" install ", " install --upgrade ") if old else command,
        )
    return fine(said)


async def _architecture(scene: Scene) -> Finding:
    """Compare the machine that the environment was built for with the nodes'."""
    resolved = scene.resolved
    if resolved.env.container:
        return unchecked(_CONTAINER)
    if seen := await scene.node():
        return fine(f"it has run on {seen.get('hostname')}, which is {seen.get('machine')}")
    built_for = machine_of(job_interpreter(resolved).path)
    if built_for is None:
        return unchecked("the file of the environment's Python does not tell what it was built for")
    node, kind = await _node(scene)
    if kind is None:
        return unchecked("SLURM does not say what kind of machine the nodes are")
    if kind != built_for and not {kind, built_for} <= {"x86_64", "i386"}:
        return failed(
            f"the environment's Python is for {built_for}, and {node} is {kind}: it does not run there",
            code=ExitCode.START_FAILED,
            fix="make one on a node of that kind, and name it in env.venv; this opens a shell there",
            command=f"srun --nodelist={node} --pty bash -l",
        )
    return fine(f"{built_for}, as is {node}; this host is {platform.machine()}")


async def _node(scene: Scene) -> tuple[str, str | None]:
    """Return a node that the job may come to, and its architecture."""
    try:
        job = await scene.job()
    except JlabMcpError:
        return "", None
    if not job.nodes:
        return "", None
    seconds = scene.resolved.profile.server.command_timeout
    names = await ask(hosts_arguments(job.nodes), environ=scene.slurm_environ, timeout=seconds)
    first = next(iter(names.stdout.split()), job.nodes)
    answer = await ask(node_arguments(first), environ=scene.slurm_environ, timeout=seconds)
    return first, parse_architecture(answer.stdout)


CHECKS: tuple[Check[Scene], ...] = (
    Check("environment", "JupyterLab", _environment, needs=("profile", "node")),
    Check("architecture", "architecture", _architecture, needs=("environment", "test-only"), of_slurm=True),
)
