"""The command that runs a program in a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jlab_mcp.core.scripting.bash import give_up, path_word, word
from jlab_mcp.core.scripting.preparation import conda_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jlab_mcp.core.profile import ContainerSection
    from jlab_mcp.core.resolver import ResolvedProfile

_GPU_OPTIONS = {"nvidia": ["--nv"], "rocm": ["--rocm"], "off": []}


def find_runtime(resolved: ResolvedProfile) -> Iterator[str]:
    """Yield the lines that look for what runs the container, and for its image."""
    container = resolved.env.container
    if container is None:
        return
    if container.runtime == "pyxis":
        yield f"type -P srun >/dev/null || {give_up('run the container: there is no `srun` on PATH')}"
        return
    missing = give_up("run the container: neither `apptainer` nor `singularity` is on PATH")
    yield f"jlab_mcp_runtime=$(type -P apptainer || type -P singularity) || {missing}"
    image = _image(container, resolved)
    if "://" not in image:
        yield f"[ -e {path_word(image)} ] || {give_up(f'find the image {image}')}"


def container_words(resolved: ResolvedProfile) -> list[str]:
    """Return the quoted words that come before a program's own; none without a container."""
    container = resolved.env.container
    if container is None:
        return []
    if container.runtime == "pyxis":
        return _pyxis(container, resolved)
    binds = [option for bind in _binds(container, resolved) for option in ("--bind", path_word(bind))]
    gpus = _GPU_OPTIONS[container.gpus]
    return ['"$jlab_mcp_runtime"', "exec", *gpus, *binds, path_word(_image(container, resolved))]


def container_problems(resolved: ResolvedProfile) -> Iterator[tuple[str, str]]:
    """Yield path and sentence of every setting with which a container cannot run."""
    container = resolved.env.container
    if container is None:
        return
    if resolved.env.conda and conda_folder(resolved) is None:
        yield "env.conda", "in a container an environment has no name; write its path"
    if container.image.startswith("-"):
        yield "env.container.image", f"an image cannot begin with `-`, got {container.image!r}"
    for bind in container.binds or ():
        if bind.startswith("-") or "," in bind:
            yield "env.container.binds", f"expected SOURCE[:DESTINATION[:OPTIONS]], got {bind!r}"
    for folder in _folders(resolved):
        if any(char in folder for char in ':,"\\'):
            sentence = f"{folder} cannot be bound: a colon, comma, quote or backslash is in its name"
            yield "env.container", sentence


def _pyxis(container: ContainerSection, resolved: ResolvedProfile) -> list[str]:
    mounts = ",".join(_both_sides(bind) for bind in _binds(container, resolved))
    return [
        "srun",
        "--nodes=1",
        "--ntasks=1",
        # Since 22.05 a step does not inherit it.
        '${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"}',
        "--cpu-bind=none",
        "--export=ALL",
        f"--container-image={path_word(_image(container, resolved))}",
        f"--container-mounts={mounts}",
        f"--container-workdir={word(str(resolved.project_dir))}",
    ]


def _image(container: ContainerSection, resolved: ResolvedProfile) -> str:
    """Return the image; the path of apptainer's file starts at the project folder."""
    image = container.image
    if container.runtime == "pyxis" or "://" in image or image.startswith(("/", "~/")):
        return image
    return f"{resolved.project_dir}/{image}"


def _binds(container: ContainerSection, resolved: ResolvedProfile) -> list[str]:
    return [*_folders(resolved), *(container.binds or ())]


def _both_sides(bind: str) -> str:
    """Write a mount as pyxis wants it: SOURCE:DESTINATION, quoted."""
    return path_word(bind) if ":" in bind else f"{path_word(bind)}:{path_word(bind)}"


def _folders(resolved: ResolvedProfile) -> list[str]:
    """Return the folders that JupyterLab needs inside, without those below another of them."""
    needed: list[Path] = [
        resolved.project_dir,
        resolved.notebook_dir,
        resolved.state_dir,
        resolved.connection_dir,
        resolved.log_dir,
        *([resolved.venv] if resolved.venv else []),
    ]
    folders = [str(path) for path in dict.fromkeys(needed) if not _below_another(path, needed)]
    conda = conda_folder(resolved)
    return [*folders, conda] if conda and conda not in folders else folders


def _below_another(path: Path, others: list[Path]) -> bool:
    return any(path != other and path.is_relative_to(other) for other in others)
