"""Sessions for tests of commands, and code that waits until a test lets it go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.commands import run
from tests.conftest import Project


def listed(project: Project) -> list[dict[str, Any]]:
    """Ask the command for the open sessions."""
    told = run(project, "sessions", "--json")
    assert told.returncode == 0, told.stderr
    return list(json.loads(told.stdout)["sessions"])


async def _close(project: Project, name: str) -> None:
    from jlab_mcp.app.connect import close_clients

    connected = await project.connect()
    for each in await connected.client.sessions():
        if each.name == name:
            await connected.client.close_session(each.session_id)
    await close_clients()


async def _open(project: Project, name: str) -> str:
    from jlab_mcp.app import notebooks
    from jlab_mcp.app.connect import close_clients

    opened = await notebooks.open_session(await project.connect(), name, "new")
    await close_clients()
    return opened.session.session_id


def close_all(project: Project) -> None:
    """End every session."""
    asyncio.run(project.close_sessions())


@contextmanager
def session(project: Project, name: str) -> Iterator[str]:
    """A session for a block; yields its id."""
    session_id = asyncio.run(_open(project, name))
    try:
        yield session_id
    finally:
        asyncio.run(_close(project, name))


def waiting_for(path: Path) -> str:
    """Return code that goes on once a file is there."""
    return f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.02)\n"
