"""One JupyterLab for the node tests; those that break it start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .server import NodeServer, node_server


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    with node_server(tmp_path_factory.mktemp("node")) as server:
        yield server
