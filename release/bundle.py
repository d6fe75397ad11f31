"""The MCP bundle: one file that clients such as Claude Desktop install.

`python -m release.bundle WHEEL FOLDER` writes `FOLDER/jlab-mcp-VERSION.mcpb`. The bundle holds the wheel and
says what it needs; the client has uv install that at the first start (server type `uv` of version 0.4 of the
format).
"""

from __future__ import annotations

import asyncio
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jlab_mcp import __version__
from jlab_mcp.mcpserver.server import build

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENTRY = "server/main.py"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The time of every file inside, so that the same wheel gives the same bundle."""

_OPTIONS: Mapping[str, tuple[str, str]] = {
    "JLAB_MCP_PROFILE": (
        "Profile",
        "The machine, cluster or GPU type to use. Empty: the one that fits this machine.",
    ),
    "JLAB_MCP_NOTEBOOK_DIR": (
        "Notebook folder",
        "Folder of the notebooks. Empty: `notebooks` in the project folder.",
    ),
    "JLAB_MCP_CONFIG": ("Settings folder", "Folder of your settings and profiles. Empty: the usual one."),
}
"""What a person may fill in, by the variable that it becomes; an empty variable counts as unset."""

_MAIN = '''\
"""Run the MCP server for the project folder that is the argument."""

import os
import sys

from jlab_mcp.__main__ import main

os.chdir(sys.argv.pop())
main()
'''


def manifest(tools: Mapping[str, str]) -> dict[str, Any]:
    """Return the bundle's manifest.

    Args:
        tools: what each tool does, by its name.
    """
    return {
        "manifest_version": "0.4",
        "name": "jlab-mcp",
        "display_name": "Jupyter notebooks (jlab-mcp)",
        "version": __version__,
        "description": "Run code in live Jupyter notebooks, on this machine or on a SLURM cluster",
        "author": {"name": "The jlab-mcp developers"},
        "license": "MIT",
        "keywords": ["jupyter", "jupyterlab", "slurm", "notebook", "gpu"],
        "server": {
            "type": "uv",
            "entry_point": _ENTRY,
            "mcp_config": {
                "command": "uv",
                "args": [
                    "run",
                    "--project",
                    "${__dirname}",
                    f"${{__dirname}}/{_ENTRY}",
                    "${user_config.project}",
                ],
                "env": {name: f"${{user_config.{name.lower()}}}" for name in _OPTIONS},
            },
        },
        "user_config": {
            "project": {
                "type": "directory",
                "title": "Project folder",
                "description": "The folder to work in; notebooks go to `notebooks` inside it.",
                "required": True,
            },
            **{
                name.lower(): {
                    "type": "string",
                    "title": title,
                    "description": description,
                    "required": False,
                    "default": "",
                }
                for name, (title, description) in _OPTIONS.items()
            },
        },
        "tools": [{"name": name, "description": description} for name, description in tools.items()],
        "prompts_generated": True,
        "compatibility": {"platforms": ["linux"], "runtimes": {"python": ">=3.11"}},
    }


def project(wheel: str) -> str:
    """Return the bundle's pyproject.toml, which installs the wheel that lies beside it."""
    return (
        "[project]\n"
        'name = "jlab-mcp-bundle"\n'
        f'version = "{__version__}"\n'
        'requires-python = ">=3.11"\n'
        'dependencies = ["jlab-mcp[local]"]\n'
        "\n"
        "[tool.uv]\n"
        "package = false\n"
        "\n"
        "[tool.uv.sources]\n"
        f'jlab-mcp = {{ path = "{wheel}" }}\n'
    )


def write_bundle(wheel: Path, folder: Path) -> Path:
    """Write the bundle of a wheel into a folder, and return its path."""
    found = asyncio.run(build().list_tools())
    tools = {tool.name: (tool.description or "").partition("\n")[0] for tool in found}
    files = {
        "manifest.json": json.dumps(manifest(tools), indent=2, ensure_ascii=False).encode() + b"\n",
        "pyproject.toml": project(wheel.name).encode(),
        _ENTRY: _MAIN.encode(),
        wheel.name: wheel.read_bytes(),
    }
    path = folder / f"jlab-mcp-{__version__}.mcpb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, content)
    return path


if __name__ == "__main__":
    sys.stdout.write(f"{write_bundle(Path(sys.argv[1]), Path(sys.argv[2]))}\n")
