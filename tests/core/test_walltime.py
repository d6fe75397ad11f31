"""SLURM durations."""

from __future__ import annotations

import pytest

from jlab_mcp.core.walltime import walltime_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 5_400),
        ("1:30", 90),
        ("4:00:00", 14_400),
        ("1-12", 129_600),
        ("1-12:30", 131_400),
        ("2-00:00:01", 172_801),
        (" 10 ", 600),
    ],
)
def test_every_form_that_slurm_reads_is_understood(text: str, seconds: int) -> None:
    assert walltime_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "4h", "1:99", "1:2:3:4", "-1", "1-", "0:00:00", "1.5", "٣"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="days-hours"):
        walltime_seconds(text)
