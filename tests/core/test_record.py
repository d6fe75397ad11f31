"""Names of a server's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from jlab_mcp.core.record import server_key, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My Project", "my-project"),
        ("näive", "n-ive"),
        ("日本", "project"),
        ("..", "project"),
        ("a" * 99, "a" * 32),
    ],
)
def test_a_slug_is_short_and_plain(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_projects_and_profiles_never_share_a_key() -> None:
    folders = [Path("/a/x"), Path("/b/x"), Path("/a/日"), Path("/a/本"), Path('/a/it\'s "quoted"')]
    keys = {server_key(folder, profile) for folder in folders for profile in ("local", "a100")}
    assert len(keys) == 2 * len(folders)
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for key in keys)
