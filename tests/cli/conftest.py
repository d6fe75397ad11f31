"""What the tests of commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.profiles import User, make_user


@pytest.fixture
def user(tmp_path: Path) -> User:
    """A user without any settings, in an empty project."""
    return make_user(tmp_path)
