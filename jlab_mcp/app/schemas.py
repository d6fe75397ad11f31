"""The JSON Schemas of everything that people write and programs read.

`python -m jlab_mcp.app.schemas FOLDER` writes them all.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jlab_mcp.core.schema import config_schema, output_schema, profile_schema
from jlab_mcp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


def schema_text(kind: str) -> str:
    """Return one schema as the text of its file.

    Raises:
        ConfigError: there is none of that kind.
    """
    maker = _MAKERS.get(kind)
    if maker is None:
        from jlab_mcp.core.nearest import nearest

        listed = nearest(kind, [*_MAKERS]) or f"; there are: {', '.join(_MAKERS)}"
        raise ConfigError([f'there is no schema "{kind}"{listed}'])
    return maker()


def schema_kinds() -> tuple[str, ...]:
    """Return the names of all schemas."""
    return tuple(_MAKERS)


def _profile_list() -> str:
    from jlab_mcp.app.profiles.listing import ProfileList

    return output_schema(ProfileList, "jlab-mcp profile list --json")


def _profile_show() -> str:
    from jlab_mcp.app.profiles.showing import ShownProfile

    return output_schema(ShownProfile, "jlab-mcp profile show --json")


def _profile_validate() -> str:
    from jlab_mcp.app.profiles.validating import Validation

    return output_schema(Validation, "jlab-mcp profile validate --json")


def _profile_check() -> str:
    from jlab_mcp.app.profiles.checking import CheckedJob

    return output_schema(CheckedJob, "jlab-mcp profile check --json")


def _mcp_config() -> str:
    from jlab_mcp.app.profiles.clientconfig import ClientConfig

    return output_schema(ClientConfig, "jlab-mcp profile mcp-config")


def _profile_path() -> str:
    from jlab_mcp.app.profiles.files import SearchedPlaces

    return output_schema(SearchedPlaces, "jlab-mcp profile path --json")


def _config_trust() -> str:
    from jlab_mcp.app.profiles.trust import TrustedFiles

    return output_schema(TrustedFiles, "jlab-mcp config trust --list --json")


def _list_profiles() -> str:
    from jlab_mcp.app.profiles.states import ProfileStates

    return output_schema(ProfileStates, "structured content of the tool list_profiles")


def _status() -> str:
    from jlab_mcp.app.status import ServerStatus

    return output_schema(ServerStatus, "jlab-mcp status --json")


def _status_all() -> str:
    from jlab_mcp.app.status import ProjectStatus

    return output_schema(ProjectStatus, "jlab-mcp status --all --json")


def _top() -> str:
    from jlab_mcp.app.watch import Snapshot

    return output_schema(Snapshot, "each line of jlab-mcp top --json")


def _sessions() -> str:
    from jlab_mcp.app.overview import Overview

    return output_schema(Overview, "jlab-mcp sessions --json")


def _exec() -> str:
    from jlab_mcp.client.models import Execution

    return output_schema(Execution, "jlab-mcp exec --json")


def _notebook_show() -> str:
    from jlab_mcp.app.notebook.read import ShownNotebook

    return output_schema(ShownNotebook, "jlab-mcp notebook show --json")


def _stop() -> str:
    from jlab_mcp.app.stop import StopReport

    return output_schema(StopReport, "jlab-mcp stop --json")


def _error() -> str:
    from jlab_mcp.app.failure import FailureReport

    return output_schema(FailureReport, "every command with --json, where it fails")


_MAKERS: dict[str, Callable[[], str]] = {
    "profile": profile_schema,
    "config": config_schema,
    "status": _status,
    "status-all": _status_all,
    "top": _top,
    "sessions": _sessions,
    "exec": _exec,
    "notebook-show": _notebook_show,
    "stop": _stop,
    "error": _error,
    "list-profiles": _list_profiles,
    "profile-list": _profile_list,
    "profile-show": _profile_show,
    "profile-validate": _profile_validate,
    "profile-check": _profile_check,
    "profile-path": _profile_path,
    "config-trust": _config_trust,
    "mcp-config": _mcp_config,
}


def main(folder: Path) -> None:
    """Write all schemas into a folder."""
    for kind in _MAKERS:
        (folder / f"{kind}.schema.json").write_text(schema_text(kind), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
