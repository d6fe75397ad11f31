"""Which cells are meant."""

from __future__ import annotations

import pytest

from jlab_mcp.core.cellchoice import NoSuchCell, chosen

IDS = ["aa", "bb", "cc", "dd", "3e"]


@pytest.mark.parametrize(
    ("said", "indexes"),
    [
        ("0", [0]),
        ("-1", [4]),
        ("3,1, 1", [1, 3]),
        ("1-3", [1, 2, 3]),
        ("3-", [3, 4]),
        ("-2-", [3, 4]),
        ("-3--2", [2, 3]),
        ("cc,0", [0, 2]),
        ("3e", [4]),
        ("", []),
    ],
)
def test_indexes_ranges_and_ids_name_cells(said: str, indexes: list[int]) -> None:
    assert chosen(said, IDS) == indexes


@pytest.mark.parametrize("said", ["5", "-6", "2-9", "zz", "1:3", "1-x"])
def test_what_is_not_there_is_said(said: str) -> None:
    with pytest.raises(NoSuchCell) as refused:
        chosen(said, IDS)
    assert "cells 0 to 4" in str(refused.value) or "is no cell's index" in str(refused.value)


def test_an_empty_notebook_says_so() -> None:
    with pytest.raises(NoSuchCell, match="the notebook has no cells"):
        chosen("0", [])
