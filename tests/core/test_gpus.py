"""GPUs in words."""

from __future__ import annotations

import pytest

from jlab_mcp.core.gpus import gpus_in_words
from jlab_mcp.core.profile import SlurmSection


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, None),
        ({"gres": "gpu:a100:2"}, "2x a100"),
        ({"gres": "gpu"}, "1 GPU"),
        ({"gres": "gpu:3"}, "3 GPUs"),
        ({"gres": "gpu:a100"}, "1x a100"),
        ({"gres": "lustre:1,gpu:v100:1,gpumem:24g"}, "1x v100"),
        ({"gres": "gpumem:24g"}, None),
        ({"gres": "gpumem:24g", "gpus": "1"}, "1 GPU"),
        ({"gpus": "a100:2,v100:1"}, "2x a100, 1x v100"),
        ({"gpus_per_node": "4", "nodes": "1"}, "4 GPUs"),
        ({"gpus_per_node": "h100:4", "nodes": "2-4"}, "4x h100 per node"),
        ({"gpus_per_task": "1", "ntasks": 2}, "1 GPU per task"),
        ({"gpus": "8", "gpus_per_task": "2", "ntasks": 4}, "8 GPUs"),
    ],
)
def test_gpus_are_told_in_words(settings: dict[str, object], words: str | None) -> None:
    assert gpus_in_words(SlurmSection.model_validate(settings)) == words
