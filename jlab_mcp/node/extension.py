"""The Jupyter Server extension: loads the service and announces the server once it listens."""

from __future__ import annotations

import os
import platform
import socket
import time
from importlib import metadata
from typing import Any

from .api.handlers import routes
from .api.methods import API
from .api.pages import Pages
from .ending.ending import Ending
from .ending.note import IDLE
from .host import resources
from .ownfiles import write_private
from .service import Service
from .settings import NodeSettings
from .view.handlers import view_routes

NODE_VERSION = "0.1.0"
# Keys of the web application's settings:
SETTINGS_KEY = "jlab_mcp"  # what the launcher was told
ENDING_KEY = "jlab_mcp_ending"  # how it ends
# What listens on all addresses of one version of IP leaves the port of the other to anybody on the host.
_IP_VERSIONS = {"0.0.0.0": 4, "::": 6}  # noqa: S104


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    settings: NodeSettings = serverapp.web_app.settings[SETTINGS_KEY]
    resources.begin()
    service = Service(serverapp, settings, describe(settings))
    web_app = serverapp.web_app
    Pages(serverapp, service)
    ending = web_app.settings[ENDING_KEY] = Ending(service)
    web_app.add_handlers(
        ".*$", [*routes(serverapp.base_url, service), *view_routes(serverapp.base_url, service)]
    )
    # The server binds its port in a callback that is queued after this one is; two turns of the loop
    # later it listens.
    loop = serverapp.io_loop
    loop.add_callback(loop.add_callback, announce, serverapp, service, ending)


def describe(settings: NodeSettings) -> dict[str, Any]:
    """What `GET info` tells that does not change while the server runs."""
    return {
        "server_id": settings.server_id,
        "node_version": NODE_VERSION,
        "api": API,
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "started_at": time.time(),
        "root_dir": settings.root_dir,
        "notebook_dir": settings.notebook_dir,
        "profile": settings.profile,
        "job_id": settings.job_id,
        "restarts": settings.restarts,
        "python": platform.python_version(),
        "jupyterlab": version_of("jupyterlab"),
        "jupyter_server": version_of("jupyter_server"),
    }


def version_of(package: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def announce(serverapp: Any, service: Service, ending: Ending) -> None:
    """Write the connection file: who reads it can connect at once."""
    host = serverapp.ip if serverapp.ip not in ("", "0.0.0.0", "*", "::") else socket.gethostname()  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    info, path = service.info, service.settings.connection_file
    connection = {
        "version": 1,
        "url": f"http://{shown}:{serverapp.port}{serverapp.base_url}",
        "token": serverapp.identity_provider.token,
        "ip": host,
        "port": serverapp.port,
        "ip_version": _IP_VERSIONS.get(serverapp.ip),
        **{key: info[key] for key in info if key != "api"},
    }
    try:
        write_private(path, connection)
    except OSError as error:
        # A server that nobody can find is of no use, and would hold its port and its GPU.
        serverapp.log.critical("jlab-mcp: the connection file %s cannot be written: %s", path, error.strerror)
        serverapp.exit(1)
    service.idle.begin(lambda: ending.begin(IDLE))
    service.reserve.begin()
