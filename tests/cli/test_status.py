"""`jlab-mcp status`, as a person reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jlab_mcp.app.status import ServerStatus
from jlab_mcp.cli.render import status_lines
from jlab_mcp.client.models import Cpus, Gpu, Memory, Resources
from tests.agent import agent
from tests.commands import run, said
from tests.conftest import Project


@pytest.mark.live
async def test_a_running_server_is_shown_with_what_it_uses(live_project: Project) -> None:
    async with agent(live_project) as me:
        session_id = await me.open("shown")
        told = run(live_project, "status")
        await me.ok("shutdown_session", session_id=session_id)
    assert (told.returncode, said(told)) == (0, "")
    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in told.stdout.splitlines())
    assert rows["state"] == "ready"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", rows["address"])
    assert re.fullmatch(r"\d+ (s|min .*|h .*)", rows["age"])
    assert re.fullmatch(r"[1-9]\d* open, [1-9]\d* kernels, \d+ running", rows["sessions"])
    assert rows["CPU"].endswith(" cores")
    assert re.fullmatch(r"[\d.]+ GiB of [\d.]+ GiB in use, kernels [\d.]+ GiB", rows["memory"])
    assert [label for label in rows if label.startswith("GPU")]
    assert rows["profile"] == "local (local)"
    assert (rows["project"], rows["notebooks"]) == (str(live_project.folder), str(live_project.notebooks))


def test_each_gpu_is_shown_with_its_memory() -> None:
    gib = 1024**3
    gpus = [
        Gpu(index=0, name="A100", memory_total=80 * gib, memory_used=3 * gib, utilization=7.0),
        Gpu(index=1, name="A100", memory_total=80 * gib),
    ]
    resources = Resources(hostname="here", cpus=Cpus(count=8), memory=Memory(), gpus=gpus)
    here = Path("/p")
    shown = status_lines(
        ServerStatus(
            state="ready", profile="local", mode="local", project_dir=here, notebook_dir=here, log_file=here, resources=resources
        )
    )  # fmt: skip
    assert "GPU 0      A100: 3.0 GiB of 80.0 GiB in use, 7 % busy" in shown
    assert "GPU 1      A100: unknown of 80.0 GiB in use" in shown
