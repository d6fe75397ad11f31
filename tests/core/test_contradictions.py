"""Settings that cannot stand beside each other."""

from __future__ import annotations

import pytest

from jlab_mcp.core.contradictions import contradictions


def _found(section: str, values: dict[str, object]) -> list[tuple[str, str]]:
    return [
        (item.first.partition(".")[2], item.second.partition(".")[2])
        for item in contradictions({section: values})
    ]


@pytest.mark.parametrize(
    ("section", "values", "found"),
    [
        ("slurm", {"mem": "1", "mem_per_cpu": "1"}, [("mem", "mem_per_cpu")]),
        ("slurm", {"mem": "0", "mem_per_gpu": "1", "gpus": 1}, [("mem", "mem_per_gpu")]),
        ("slurm", {"mem_per_cpu": "1", "mem_per_gpu": "1", "gpus": 1}, [("mem_per_cpu", "mem_per_gpu")]),
        ("slurm", {"mem": "1", "mem_per_cpu": "none"}, []),
        ("slurm", {"cpus_per_task": 2, "cpus_per_gpu": 2, "gpus": 1}, [("cpus_per_task", "cpus_per_gpu")]),
        ("slurm", {"cpus_per_gpu": 2}, []),
        ("slurm", {"mem_per_gpu": "1G"}, [("mem_per_gpu", "gpus")]),
        ("slurm", {"mem_per_gpu": "1G", "gres": "gpu:1"}, []),
        ("slurm", {"mem_per_gpu": "1G", "gres": "lustre:1"}, [("mem_per_gpu", "gpus")]),
        ("slurm", {"gres": "gpu:1", "gpus": 1}, [("gres", "gpus")]),
        ("slurm", {"gres": "lustre:1,gpu:a100:1", "gpus_per_node": 1}, [("gres", "gpus_per_node")]),
        ("slurm", {"gres": "gpu", "gpus_per_task": 1, "ntasks": 1}, [("gres", "gpus_per_task")]),
        ("slurm", {"gres": "gpumem:24g", "gpus": 1}, []),
        ("slurm", {"gpus": 2, "gpus_per_node": 1}, []),
        ("slurm", {"gpus_per_task": 1}, [("gpus_per_task", "ntasks")]),
        ("slurm", {"gpus_per_task": 1, "gpus": 1}, []),
        ("slurm", {"gpus_per_task": 1, "nodes": 1}, []),
        ("slurm", {"nodelist": "a,b", "exclude": "c,b"}, [("nodelist", "exclude")]),
        ("slurm", {"nodelist": "a,b", "exclude": "c"}, []),
        ("slurm", {"exclusive": True, "mem_per_cpu": "1"}, []),
        ("slurm", {"qos": "a", "extra_directives": ["--qos=b"]}, [("extra_directives", "qos")]),
        ("slurm", {"cpus_per_task": 1, "extra_directives": "--cpus-per-task=2"}, [("extra_directives", "cpus_per_task")]),
        ("slurm", {"extra_directives": ["--hint=nomultithread"]}, []),
        ("server", {"port_min": 2, "port_max": 1}, [("port_min", "port_max")]),
        ("server", {"port_min": "19001"}, [("port_min", "port_max")]),
        ("server", {"port_max": "17999"}, [("port_max", "port_min")]),
        ("server", {"port_min": "lots"}, []),
        ("server", {"interface": "ib0", "bind_ip": "10.0.0.1"}, [("interface", "bind_ip")]),
        ("env", {"conda": "x", "venv": "y"}, [("conda", "venv")]),
    ],
)  # fmt: skip
def test_what_excludes_each_other_is_found(
    section: str, values: dict[str, object], found: list[tuple[str, str]]
) -> None:
    assert _found(section, values) == found


def test_all_of_them_are_found_at_once() -> None:
    values = {"mem": "1", "mem_per_cpu": "1", "gres": "gpu:1", "gpus": 1, "gpus_per_node": 1}
    assert len(_found("slurm", dict(values))) == 3


@pytest.mark.parametrize(
    "values", [{}, {"slurm": "x"}, {"slurm": {"mem": 1.5, "mem_per_cpu": []}}, {"server": {"port_min": None}}]
)
def test_values_of_the_wrong_kind_are_left_to_others(values: dict[str, object]) -> None:
    assert all(item.first.startswith("slurm.mem") for item in contradictions(values))
