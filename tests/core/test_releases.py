"""Versions that are too old."""

from __future__ import annotations

import pytest

from jlab_mcp.core.releases import Needed, is_older, needed


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [
        ("4.2.1", "4.10", True),
        ("4.10", "4.2.1", False),
        ("4", "4.0.0", False),
        ("4.0.0", "4", False),
        ("3.9.19", "3.9", False),
        ("3.8.20", "3.9", True),
        ("4.3.0rc1", "4.3", False),
        ("unknown", "4", False),
        ("1.0", "", False),
    ],
)
def test_releases_are_compared_number_by_number(version: str, least: str, older: bool) -> None:
    assert is_older(version, least) is older


def test_requirements_are_read_without_those_of_extras() -> None:
    said = ["mcp<3,>=2.3", "Pillow>=11", "typer", 'jupyterlab>=4.2; extra == "local"', "uvloop[x] >= 0.2, <1"]
    assert list(needed(said)) == [
        Needed("mcp", "2.3"),
        Needed("Pillow", "11"),
        Needed("typer", ""),
        Needed("uvloop", "0.2"),
    ]
