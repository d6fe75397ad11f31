"""The `JLAB_MCP_*` variables."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jlab_mcp.core.nearest import nearest
from jlab_mcp.core.resolver import Layer, Origin, setting_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "JLAB_MCP_"
PROFILE = "JLAB_MCP_PROFILE"

_PUBLISHED = {
    "JLAB_MCP_DIR": "paths.dir",
    "JLAB_MCP_LOG_DIR": "paths.log_dir",
    "JLAB_MCP_CONNECTION_DIR": "paths.connection_dir",
    "JLAB_MCP_NOTEBOOK_DIR": "notebook.dir",
    "JLAB_MCP_PORT_MIN": "server.port_min",
    "JLAB_MCP_PORT_MAX": "server.port_max",
    "JLAB_MCP_RUN_MODE": "mode",
    "JLAB_MCP_LOCAL_BIND_IP": "server.bind_ip",
    "JLAB_MCP_SLURM_PARTITION": "slurm.partition",
    "JLAB_MCP_SLURM_GRES": "slurm.gres",
    "JLAB_MCP_SLURM_CPUS": "slurm.cpus_per_task",
    "JLAB_MCP_SLURM_MEM": "slurm.mem",
    "JLAB_MCP_SLURM_TIME": "slurm.time",
    "JLAB_MCP_SLURM_MODULES": "env.modules",
}
"""Names that are a published interface; every other setting has `JLAB_MCP_SECTION_FIELD`."""

_UNEXPANDED = re.compile(r"\$\{[^}]*\}")


@cache
def variables() -> Mapping[str, str]:
    """Return every known variable and the dotted path of the setting it stands for."""
    walked = {PREFIX + path.upper().replace(".", "_"): path for path in setting_paths() if "." in path}
    return {**walked, **_PUBLISHED}


def variable_of(path: str) -> str:
    """Return the variable that sets a dotted path, else the path itself."""
    names = [name for name, known in (*_PUBLISHED.items(), *variables().items()) if known == path]
    return names[0] if names else path


def environment_layer(environ: Mapping[str, str]) -> tuple[Layer, list[str], list[str]]:
    """Read the variables; an empty one counts as unset.

    Returns:
        The layer, what is wrong (one sentence each), and what to warn about.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    problems: list[str] = []
    warnings: list[str] = []
    known = variables()
    ours = sorted(name for name, text in environ.items() if name.startswith(PREFIX) and text)
    for name in sorted(ours, key=lambda name: name in _PUBLISHED):  # a published name beats its long form
        text = environ[name]
        if unexpanded := _UNEXPANDED.search(text):
            problems.append(unexpanded_problem(name, text, unexpanded[0]))
        elif name in known:
            put(values, known[name], text)
            origins[known[name]] = Origin("variable", name, text)
        elif name != PROFILE:
            warnings.append(_unknown(name))
    return Layer(values, origins), problems, warnings


def unexpanded_problem(name: str, text: str, reference: str) -> str:
    """Say that the program that set a variable left `${…}` in it."""
    return (
        f'{name} is the literal text "{text}": the program that started jlab-mcp did not expand'
        f" `{reference}`, write its value out or leave {name} unset"
    )


def chosen_profile(environ: Mapping[str, str]) -> str | None:
    """Return the profile that the environment chooses, if any."""
    return environ.get(PROFILE) or None


def put(values: dict[str, Any], path: str, value: object) -> None:
    """Set a dotted path in nested mappings."""
    section, _, field = path.rpartition(".")
    (values.setdefault(section, {}) if section else values)[field] = value


def _unknown(name: str) -> str:
    return f"{name} is not a variable of jlab-mcp and has no effect{nearest(name, [*variables(), PROFILE])}"
