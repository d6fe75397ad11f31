"""The `JLAB_MCP_*` variables."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jlab_mcp.config.layers import put
from jlab_mcp.config.places import CONFIG
from jlab_mcp.core.nearest import nearest
from jlab_mcp.core.profile import Settings
from jlab_mcp.core.resolver import Layer, Origin, setting_paths
from jlab_mcp.core.secrets import MASK, is_secret
from jlab_mcp.core.words import in_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "JLAB_MCP_"
PROFILE = "JLAB_MCP_PROFILE"
_ELSEWHERE = (PROFILE, CONFIG, "JLAB_MCP_PICTURES")
"""Variables of ours that are no settings."""

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

_VARS = "JLAB_MCP_ENV_VARS_"
_NO_VARIABLE = ("version", "env.vars")
"""`env.vars.NAME` has a variable for each name."""
_BASH = ("env.prologue", "env.epilogue")
"""Settings in which bash expands `${…}`."""

_UNEXPANDED = re.compile(r"\$\{[^}]*\}")


@cache
def variables() -> Mapping[str, str]:
    """Return every known variable and the dotted path of the setting it stands for."""
    settings = [path for path in setting_paths(Settings) if path not in _NO_VARIABLE]
    walked = {PREFIX + path.upper().replace(".", "_"): path for path in settings}
    return {**walked, **_PUBLISHED}


def setting_of(name: str) -> str | None:
    """Return the dotted path of the setting that a variable stands for, or None."""
    if name.startswith(_VARS) and len(name) > len(_VARS):
        return f"env.vars.{name.removeprefix(_VARS)}"
    return variables().get(name)


def environment_layer(environ: Mapping[str, str]) -> tuple[Layer, list[str], list[str]]:
    """Read the variables; an empty one counts as unset.

    Returns:
        The layer, what is wrong (one sentence each), and what to warn about.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    problems: list[str] = []
    warnings: list[str] = []
    ours = sorted(name for name, text in environ.items() if name.startswith(PREFIX) and text)
    for raw_name in sorted(ours, key=lambda name: name in _PUBLISHED):  # a published name beats its long form
        name, text = in_utf8(raw_name), environ[raw_name]
        path = setting_of(name)
        unexpanded = None if path in _BASH else _UNEXPANDED.search(text)
        if unexpanded:
            problems.append(_left_unexpanded(name, in_utf8(text), in_utf8(unexpanded[0])))
        elif path:
            put(values, path, text)
            origins[path] = Origin("variable", name, in_utf8(text))
        elif name not in _ELSEWHERE:
            warnings.append(_unknown(name))
    return Layer(values, origins), problems, warnings


def chosen_profile(environ: Mapping[str, str]) -> Origin | None:
    """Return the profile that the environment chooses, if any; not one that was left unexpanded."""
    name = environ.get(PROFILE)
    return Origin("variable", PROFILE, in_utf8(name)) if name and not _UNEXPANDED.search(name) else None


def _left_unexpanded(name: str, text: str, reference: str) -> str:
    """Say that the program that set a variable left `${…}` in it."""
    text = MASK if is_secret(setting_of(name)) else text
    return (
        f'{name}: got the literal text "{text}": the program that started jlab-mcp did not expand'
        f" `{reference}`, write its value out or leave {name} unset"
    )


def _unknown(name: str) -> str:
    return (
        f"{name} is not a variable of jlab-mcp and has no effect{nearest(name, [*variables(), *_ELSEWHERE])}"
    )
