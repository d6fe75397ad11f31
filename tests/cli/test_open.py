"""`jlab-mcp open`: a way in that is good once; the token is nowhere to be seen."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.commands import run
from tests.conftest import Project

pytestmark = pytest.mark.live

NO_BROWSER = {"BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": "", "SSH_CONNECTION": ""}


@pytest.fixture(scope="module")
def connection(live_project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(live_project.connection_file.read_bytes())
    return found


@pytest.fixture
def person() -> Iterator[httpx.Client]:
    """Somebody with an empty browser."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def session(connection: dict[str, Any]) -> dict[str, Any]:
    """A session whose name addresses do not like."""
    answer = httpx.post(
        f"{connection['url']}jlab-mcp/v1/sessions",
        headers={"Authorization": f"token {connection['token']}"},
        json={"mode": "new", "name": "50 % of #1?"},
        timeout=60,
        trust_env=False,
    )
    opened: dict[str, Any] = answer.json()["session"]
    return opened


def opened(project: Project, *arguments: str, **environ: str) -> dict[str, Any]:
    """Run the command for a script."""
    done = run(project, "open", "--json", *arguments, **{**NO_BROWSER, **environ})
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ticket(connection: dict[str, Any], **body: Any) -> str:
    """Ask the node for a ticket; returns the address that it goes to."""
    answer = httpx.post(
        f"{connection['url']}jlab-mcp/v1/tickets",
        headers={"Authorization": f"token {connection['token']}"},
        json=body,
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return f"{connection['url']}jlab-mcp/open?ticket={answer.json()['ticket']}"


def test_the_address_logs_in_once_and_only_once(
    live_project: Project, connection: dict[str, Any], person: httpx.Client
):
    url = opened(live_project)["url"]
    assert person.get(f"{connection['url']}api/kernels").status_code == 403
    first = person.get(url)
    assert (first.status_code, first.headers["location"]) == (303, "/lab")
    assert "httponly" in first.headers["set-cookie"].lower()
    assert person.get(f"{connection['url']}api/kernels").status_code == 200
    second = httpx.get(url, trust_env=False, timeout=60)
    assert (second.status_code, "set-cookie" in second.headers) == (403, False)
    assert "Run <code>jlab-mcp open</code> again" in second.text


def test_a_session_s_notebook_and_the_live_page_are_what_it_leads_to(
    live_project: Project, connection: dict[str, Any], session: dict[str, Any], person: httpx.Client
):
    session_id = session["session_id"]
    notebook = opened(live_project, "--session", session_id)
    assert notebook["notebook_path"] == session["notebook_path"]
    target = person.get(notebook["url"]).headers["location"]
    assert target.startswith("/lab/tree/notebooks/50%20")
    assert "#" not in target
    assert "?" not in target
    assert opened(live_project, "--session", session["name"])["session_id"] == session_id
    view = opened(live_project, "--session", session_id, "--view")
    assert person.get(view["url"]).headers["location"] == f"/jlab-mcp/view#{session_id}"
    page = person.get(f"{connection['url']}jlab-mcp/view")
    assert page.status_code == 200
    assert connection["token"] not in page.text


def test_a_ticket_that_is_too_old_and_one_that_never_was_let_nobody_in(
    connection: dict[str, Any], person: httpx.Client
):
    for url in (
        ticket(connection, life=0),
        f"{connection['url']}jlab-mcp/open",
        f"{connection['url']}jlab-mcp/open?ticket=x",
    ):
        refused = person.get(url)
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)


def asked_as(user: int, address: str) -> str:
    """Ask for an address as another user of this machine does; returns the first line of the answer."""
    parts = urlsplit(address)
    mine, theirs = socket.socketpair()
    with warnings.catch_warnings():
        # Newer Pythons warn where there are other threads; the child needs none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.setuid(user)
        with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as way:
            request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
            way.sendall(request.encode())
            theirs.sendall(way.makefile("rb").readline())
        os._exit(0)
    theirs.close()
    os.waitpid(child, 0)
    with mine, mine.makefile() as answer:
        return answer.readline().strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_of_the_machine_who_reads_the_ticket_off_a_list_of_processes_cannot_use_it(
    connection: dict[str, Any], person: httpx.Client
):
    url = ticket(connection)
    assert asked_as(65534, url) == "HTTP/1.1 403 Forbidden"
    assert person.get(url).status_code == 303  # whose it is, it still lets in


def test_nobody_without_the_token_makes_a_ticket_and_none_leads_elsewhere(connection: dict[str, Any]):
    path = f"{connection['url']}jlab-mcp/v1/tickets"
    assert httpx.post(path, json={}, trust_env=False, timeout=60).status_code in (401, 403)
    headers = {"Authorization": f"token {connection['token']}"}
    refused = httpx.post(path, headers=headers, json={"page": "//evil.example"}, trust_env=False, timeout=60)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")
    away = ticket(connection) + "&next=https://evil.example"
    assert httpx.get(away, trust_env=False, timeout=60).headers["location"] == "/lab"


def test_the_browser_gets_the_address_and_nothing_shows_the_token(
    live_project: Project, connection: dict[str, Any], tmp_path: Path, person: httpx.Client
):
    got = tmp_path / "got"
    program = tmp_path / "browser"
    program.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\npathlib.Path({str(got)!r}).write_text(repr(sys.argv[1:]))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    # $BROWSER counts over ssh too: editors set it, and bring the page to where the person is.
    done = run(
        live_project, "open", "--view", BROWSER=str(program), SSH_CONNECTION="192.0.2.7 50000 198.51.100.3 22"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert f"opened {connection['url']}jlab-mcp/view in the browser" in done.stderr
    (url,) = eval(got.read_text())  # noqa: S307 - what the program above wrote
    assert person.get(url).headers["location"] == "/jlab-mcp/view"
    log = live_project.resolved().paths.log_file.read_text()
    secrets = [connection["token"], urlsplit(url).query.partition("=")[2]]
    assert not [secret for secret in secrets if secret in log]
    assert connection["token"] not in done.stdout + done.stderr + got.read_text()


def test_without_a_browser_the_address_is_printed(live_project: Project, connection: dict[str, Any]):
    done = run(live_project, "open", **NO_BROWSER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{connection['url']}jlab-mcp/open?ticket=")
    assert "it opens the page once, within 10 min" in done.stderr
    printed = run(live_project, "open", "--print", **{**NO_BROWSER, "BROWSER": "/bin/false"})
    assert "jlab-mcp/open?ticket=" in printed.stdout


def test_who_came_by_ssh_is_told_the_command(live_project: Project, connection: dict[str, Any]):
    done = run(
        live_project, "open", "--view", **{**NO_BROWSER, "SSH_CONNECTION": "192.0.2.7 50000 198.51.100.3 22"}
    )
    command, url = done.stdout.splitlines()
    port = connection["port"]
    assert command.startswith(f"ssh -N -L {port}:127.0.0.1:{port} ")
    assert url.startswith(f"http://127.0.0.1:{port}/jlab-mcp/open?ticket=")
    assert "run this there, and leave it running" in done.stderr


def test_what_is_not_there_is_said(live_project: Project, bare_project: Project):
    none = run(bare_project, "open", **NO_BROWSER)
    assert (none.returncode, none.stdout) == (4, "")
    assert "hint: start it with `jlab-mcp start`" in none.stderr
    unknown = run(live_project, "open", "--session", "0badcafe", **NO_BROWSER)
    assert unknown.returncode == 12
    assert "0badcafe" in unknown.stderr
