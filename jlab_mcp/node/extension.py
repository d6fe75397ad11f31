"""The Jupyter Server extension: loads the service and announces the server once it listens."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import tempfile
import time
from importlib import metadata
from typing import Any

from . import resources
from .api import API
from .handlers import routes
from .service import Service
from .settings import NodeSettings

NODE_VERSION = "0.1.0"
# Keys of the web application's settings:
SETTINGS_KEY = "jlab_mcp"  # what the launcher was told
SERVICE_KEY = "jlab_mcp_service"  # the running service


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    settings: NodeSettings = serverapp.web_app.settings[SETTINGS_KEY]
    resources.begin()
    service = Service(serverapp, settings, describe(settings))
    web_app = serverapp.web_app
    web_app.settings[SERVICE_KEY] = service
    web_app.add_handlers(".*$", routes(serverapp.base_url, service))
    # The server binds its port in a callback that is queued after this one is; two turns of the loop
    # later it listens.
    loop = serverapp.io_loop
    loop.add_callback(loop.add_callback, announce, serverapp, service)


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


def announce(serverapp: Any, service: Service) -> None:
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
        **{key: info[key] for key in info if key != "api"},
    }
    try:
        write_private(path, json.dumps(connection, indent=1))
    except OSError as error:
        # A server that nobody can find is of no use, and would hold its port and its GPU.
        serverapp.log.critical("jlab-mcp: the connection file %s cannot be written: %s", path, error.strerror)
        serverapp.exit(1)


def write_private(path: str, text: str) -> None:
    """Write a file that only its owner can read, in one step.

    Raises:
        OSError: nothing was written.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(
        dir=folder, prefix=".connection-", suffix=".tmp"
    )  # 0600 by itself
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
