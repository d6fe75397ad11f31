"""`jlab-mcp open` and the live page of a server in a job."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cluster.conftest import Lab
from tests.cluster.servers import make_project
from tests.commands import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_a_ticket_leads_to_a_server_in_a_job_whose_page_knows_its_time_left(quiet_lab: Lab) -> None:
    project = make_project(quiet_lab, "opened", time="0:30:00")
    project.ok("start")
    address = json.loads(project.ok("status", "--json").stdout)["address"]
    opened = json.loads(project.ok("open", "--view", "--print", "--json").stdout)
    ticket = parse_qs(urlsplit(opened["url"]).query)["ticket"][0]
    jar = str(quiet_lab.home() / "cookies")

    def fetched(path: str) -> str:
        return quiet_lab.run(
            project.host, "curl", "--silent", "--show-error", "--location", "--cookie", jar,
            "--cookie-jar", jar, address + path,
        ).stdout  # fmt: skip

    assert "<title>" in fetched(f"jlab-mcp/open?ticket={ticket}")

    def ends_at() -> float | None:
        end: float | None = json.loads(fetched("jlab-mcp/v1/view?wait=0"))["overview"]["server"]["ends_at"]
        return end

    left = until(ends_at, "the end of the job") - time.time()
    assert 20 * 60 < left <= 30 * 60
    assert "used up" in fetched(f"jlab-mcp/open?ticket={ticket}")
    project.ok("stop")
