from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from jlab_mcp.node.host import gpus, host
from jlab_mcp.node.host.resources import read_resources

TOOLS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "gpu_tools.json").read_text(encoding="utf-8")
)
MIB = 1024 * 1024


def recorded(name: str) -> str:
    return str(TOOLS[name]["text"])


def test_nvidia_columns_are_found_by_name() -> None:
    assert gpus.parse_nvidia_smi(recorded("nvidia_query")) == [
        {
            "index": 0,
            "name": "GeForce RTX 2080",
            "uuid": "GPU-22b2c6ac-2d49-4863-197c-9c469071178a",
            "memory_total": 7979 * MIB,
            "memory_used": None,
            "utilization": 86.0,
            "temperature": 45.0,
            "power": 176.98,
        }
    ]


def test_what_nvidia_does_not_tell_is_null() -> None:
    text = (
        "index, name, uuid, memory.total [MiB], memory.used [MiB], utilization.gpu [%], temperature.gpu, power.draw [W]\n"
        "0, NVIDIA A800-SXM4-80GB, GPU-1, 81920, 36537, [N/A], 33, [Unknown Error]\n"
        "1, NVIDIA A800-SXM4-80GB, GPU-2, 81920, 4, 0, 30, 60.11\n"
    )
    first, second = gpus.parse_nvidia_smi(text)
    assert (first["utilization"], first["power"], first["memory_used"]) == (None, None, 36537 * MIB)
    assert (second["index"], second["utilization"], second["power"]) == (1, 0.0, 60.11)


def test_rocm_smi_of_three_ages() -> None:
    (card,) = gpus.parse_rocm_smi(recorded("rocm_smi"))
    assert (card["name"], card["memory_total"], card["memory_used"], card["utilization"]) == (
        "Radeon RX 7900 XT",
        21458059264,
        27856896,
        0.0,
    )
    (card,) = gpus.parse_rocm_smi(
        "WARNING: AMD GPU device(s) is/are in a low-power state.\n" + recorded("rocm_smi_2019")
    )
    assert (card["temperature"], card["power"], card["memory_total"]) == (103.0, 222.0, None)
    (card,) = gpus.parse_rocm_smi(recorded("rocm_smi_mi250"))
    assert (card["uuid"], card["utilization"], card["power"]) == ("GPU-a32343daf897162a", 100.0, 144.0)


def test_amd_smi_of_two_layouts() -> None:
    (card,) = gpus.parse_amd_smi(recorded("amd_smi_metric"))
    assert (card["utilization"], card["name"], card["memory_total"]) == (42.0, None, None)
    (card,) = gpus.parse_amd_smi(recorded("amd_smi_memory"), recorded("amd_smi_static"))
    assert card == {
        "index": 0,
        "name": "AMD Radeon RX 7800 XT",
        "uuid": "GPU-4162405e51bb99b0",
        "memory_total": 16368 * MIB,
        "memory_used": 14428 * MIB,
        "utilization": 1.0,
        "temperature": 44.0,
        "power": 10.0,
    }
    (card,) = gpus.parse_amd_smi(recorded("amd_smi_metric_absent"))
    assert (card["utilization"], card["power"]) == (None, None)


@pytest.mark.parametrize(
    "text", ["", "\n", "no JSON", "{", "[]", "[1]", "null", "{}", '{"gpu_data": 1}', "a, b\n"]
)
def test_what_is_no_answer_lists_no_gpu(text: str) -> None:
    assert gpus.parse_nvidia_smi(text) == []
    assert gpus.parse_rocm_smi(text) == []
    assert gpus.parse_amd_smi(text, text) == []
    assert gpus.parse_nvidia_list(text) == {}


def four_a100() -> tuple[list[gpus.Gpu], dict[str, dict[str, str]]]:
    instances = gpus.parse_nvidia_list(recorded("nvidia_mig_list"))
    return [{"index": index, "uuid": uuid} for index, uuid in enumerate(instances)], instances


@pytest.mark.parametrize(
    ("visible", "indices"),
    [
        (None, [0, 1, 2, 3]),
        ("", []),
        ("-1", []),
        ("2,1", [2, 1]),
        ("1,9,2", [1]),
        ("GPU-5e375e7e", [2]),
        ("GPU-d8594bd4-0fc3-8595-e355-7c98138f3b95, 0", [1, 0]),
        ("MIG-a45882f0-9215-5733-a0c1-49286ab31cb5,MIG-ce861fb0-a248-58ce-a9a8-f9adbc22a66a", [0]),
        ("MIG-GPU-69ec2344-ebac-b028-f88f-452abb3d7f11/1/0", [3]),
        ("NoDevFiles", []),
    ],
)
def test_visible_devices_are_chosen_as_cuda_does(visible: str | None, indices: list[int]) -> None:
    cards, instances = four_a100()
    chosen, note = gpus.select_visible(cards, instances, visible)
    assert [card["index"] for card in chosen] == indices
    assert (note is not None and "visible to kernels" in note) == (len(indices) < 4)
    assert (note is not None and "MIG (1g.20gb, 1g.20gb, 1g.20gb, 1g.20gb)" in note) == (0 in indices)


def tool(folder: Path, name: str, script: str) -> dict[str, str]:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"}


async def test_a_tool_that_answers(tmp_path: Path) -> None:
    (tmp_path / "query").write_text(recorded("nvidia_query"))
    environ = tool(tmp_path, "nvidia-smi", f"[ $1 = -L ] || cat '{tmp_path}/query'")
    answer = await read_resources(environ=environ)
    assert answer["gpu_tool"] == "nvidia-smi"
    assert answer["gpu_note"] is None
    assert answer["gpus"][0]["name"] == "GeForce RTX 2080"


async def test_rocm_smi_is_asked_where_amd_smi_has_no_answer(tmp_path: Path) -> None:
    (tmp_path / "rocm").write_text(recorded("rocm_smi"))
    tool(tmp_path, "amd-smi", "exit 255")
    environ = tool(tmp_path, "rocm-smi", f"cat '{tmp_path}/rocm'")
    answer = await read_resources(environ=environ)
    assert answer["gpu_tool"] == "rocm-smi"
    assert [card["name"] for card in answer["gpus"]] == ["Radeon RX 7900 XT"]


@pytest.mark.parametrize(
    ("script", "note"),
    [
        (
            "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18",
            "nvidia-smi failed with exit code 18: Failed to initialize NVML: Driver/library version mismatch",
        ),
        ("exit 9", "nvidia-smi failed with exit code 9: no message"),
        ("true", "nvidia-smi lists no GPU"),
        ("exec sleep 60", "nvidia-smi did not answer within 0.2 s"),
        ("sleep 60; true", "nvidia-smi did not answer within 0.2 s"),
    ],
)
async def test_a_tool_that_fails_is_a_note(tmp_path: Path, script: str, note: str) -> None:
    answer = await read_resources(environ=tool(tmp_path, "nvidia-smi", script), tool_seconds=0.2)
    assert answer["gpus"] == []
    assert answer["gpu_note"] == note


async def test_a_tool_that_cannot_be_run_is_a_note(tmp_path: Path) -> None:
    environ = tool(tmp_path, "nvidia-smi", "")
    (tmp_path / "nvidia-smi").write_bytes(b"\x7fELF no program")
    answer = await read_resources(environ=environ)
    assert answer["gpu_note"].startswith("nvidia-smi cannot be run: ")


async def test_without_a_tool_the_host_is_still_told(tmp_path: Path) -> None:
    kernels: list[dict[str, Any]] = [
        {"kernel_id": "k", "session_id": "s", "pid": os.getpid()},
        {"kernel_id": "l", "session_id": "t", "pid": None},
    ]
    answer = await read_resources(kernels, environ={"PATH": str(tmp_path)})
    assert answer["gpus"] == []
    assert answer["gpu_tool"] is None
    assert "no GPU tool on PATH" in answer["gpu_note"]
    assert answer["cpus"]["usable"] >= 1 or sys.platform != "linux"
    first, second = answer["kernels"]
    assert second == {**kernels[1], "rss": None}
    if sys.platform == "linux":
        assert first["rss"] > 1_000_000
        assert answer["memory"]["total"] > answer["memory"]["available"] > 0
    json.dumps(answer, allow_nan=False)


def files(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_limits_of_cgroup_v2_count_from_every_level(tmp_path: Path) -> None:
    proc = files(tmp_path / "proc", {"self/cgroup": "0::/system.slice/job_7/step_0\n"})
    root = files(
        tmp_path / "cgroup",
        {
            "system.slice/job_7/cpu.max": "400000 100000\n",
            "system.slice/job_7/memory.max": "34359738368\n",
            "system.slice/job_7/step_0/cpu.max": "max 100000\n",
            "system.slice/job_7/step_0/memory.max": "max\n",
        },
    )
    assert host.cgroup_limits(proc, root) == (4.0, 34359738368)


def test_limits_of_cgroup_v1(tmp_path: Path) -> None:
    proc = files(
        tmp_path / "proc",
        {"self/cgroup": "9:memory:/slurm/uid_1/job_7\n4:cpu,cpuacct:/slurm\n1:name=systemd:/\n"},
    )
    root = files(
        tmp_path / "cgroup",
        {
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/slurm/uid_1/job_7/memory.limit_in_bytes": "8589934592\n",
            "cpu,cpuacct/slurm/cpu.cfs_quota_us": "150000\n",
            "cpu,cpuacct/slurm/cpu.cfs_period_us": "100000\n",
        },
    )
    assert host.cgroup_limits(proc, root) == (1.5, 8589934592)


def test_memory_left_is_the_least_of_host_and_cgroups_and_cached_files_count_as_free(tmp_path: Path) -> None:
    info = {"meminfo": "MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n"}
    proc = files(tmp_path / "v2", {**info, "self/cgroup": "0::/job/step\n"})
    group = {
        "job/memory.max": "4000000000\n",
        "job/memory.current": "3900000000\n",
        "job/memory.stat": "anon 1\ninactive_file 500000000\n",
        "job/step/memory.max": "max\n",
        "job/step/memory.current": "3900000000\n",
    }
    assert host.memory_left(proc, files(tmp_path / "groups", group)) == 600_000_000
    proc = files(tmp_path / "v1", {**info, "self/cgroup": "9:memory:/job\n"})
    group = {
        "memory/job/memory.limit_in_bytes": "4000000000\n",
        "memory/job/memory.usage_in_bytes": "3900000000\n",
        "memory/job/memory.stat": "total_inactive_file 100000000\n",
    }
    assert host.memory_left(proc, files(tmp_path / "groups1", group)) == 200_000_000
    assert host.memory_left(proc, tmp_path / "none") == 8_192_000_000
    assert host.memory_left(tmp_path / "none", tmp_path / "none") is None


def test_in_a_container_the_limits_stand_at_the_root(tmp_path: Path) -> None:
    proc = files(tmp_path / "proc", {"self/cgroup": "0::/not/in/here\n"})
    root = files(tmp_path / "cgroup", {"cpu.max": "200000 100000\n", "memory.max": "1073741824\n"})
    assert host.cgroup_limits(proc, root) == (2.0, 1073741824)


def test_another_system_has_nulls(tmp_path: Path) -> None:
    assert host.cgroup_limits(tmp_path, tmp_path) == (None, None)
    assert host.memory(tmp_path) == (None, None)
    assert host.resident("self", tmp_path) is None
    assert host.CpuMeter(tmp_path).percent() is None


def test_the_load_is_of_the_usable_processors_since_the_last_reading() -> None:
    before = "cpu  9 9 9 9 9 9 9 9\ncpu0 100 0 100 700 100 0 0 0 50 0\ncpu1 0 0 0 900 0 0 0 0 0 0\nintr 1\n"
    after = "cpu  9 9 9 9 9 9 9 9\ncpu0 150 0 150 750 150 0 0 0 99 0\ncpu1 0 0 0 990 0 0 0 0 0 0\nintr 1\n"
    assert host.busy_and_all(before, {0}) == (200, 1000)
    assert host.busy_and_all(after, {0}) == (300, 1200)
    assert host.busy_and_all(after, None) == (300, 2190)
    assert host.busy_and_all("", None) is None
