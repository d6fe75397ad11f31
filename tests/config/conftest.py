"""Folders of settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Empty folders of settings."""
    return World(tmp_path)
