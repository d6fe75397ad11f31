"""Requests to every path of a server, as somebody without its token would send them."""

from __future__ import annotations

import re
import sys
from typing import Any

from tests.cluster.conftest import Lab
from tests.cluster.people import LOGIN, Scene, Server

PUBLIC = {"/api", "/login", "/logout", "/robots.txt", "/favicon.ico"}
"""What JupyterLab shows to everybody, beside what is below /static/."""
WRONG = "0" * 64


def requests_to(scene: Scene, server: Server) -> list[dict[str, Any]]:
    """Return requests of every method to every path of the node, and of JupyterLab in the job, without and with a wrong token.

    What asks for the cookie against forged requests gets it, so that it is the token that lacks.
    """
    ours = ("info", "resources", "sessions", f"sessions/{server.session_id}", f"sessions/{server.session_id}/cells",
            f"sessions/{server.session_id}/executions", f"sessions/{server.session_id}/interrupt", "notebook",
            f"executions/{server.execution_id}", f"executions/{server.execution_id}/interrupt", "scratch", "calls")  # fmt: skip
    every: list[tuple[str, tuple[str, ...]]] = [
        (_filled(pattern), ("GET", "POST", "PUT", "PATCH", "DELETE"))
        for pattern in (_patterns(scene.lab) if server is scene.in_job else ())
    ]
    every += [(f"/jlab-mcp/v1/{path}", ("GET", "POST", "DELETE")) for path in ours]
    forged = {"Cookie": "_xsrf=1", "X-XSRFToken": "1"}
    ways = [("", forged), ("", forged | {"Authorization": f"token {WRONG}"}), (f"?token={WRONG}", forged)]
    found = [
        {"method": method, "path": path + query, "headers": headers, "upgrade": False}
        for path, methods in every
        for method in methods
        for query, headers in ways
    ]
    found += [
        {"method": "GET", "path": path + query, "headers": headers, "upgrade": True}
        for path, _ in every
        for query, headers in ways
    ]
    return found


_LIST = """
import tempfile
from jupyterlab.labapp import LabApp
from traitlets.config import Config
config = Config()
config.ServerApp.jpserver_extensions = {"jupyterlab": True}
config.ServerApp.open_browser = False
app = LabApp.initialize_server(argv=[], config=config, runtime_dir=tempfile.mkdtemp())
def show(router):
    for rule in router.rules:
        if hasattr(rule.target, "rules"):
            show(rule.target)
        else:
            print(rule.matcher.regex.pattern)
show(app.web_app.default_router)
"""


def _patterns(lab: Lab) -> list[str]:
    """Return the patterns of all paths that JupyterLab answers, without the one that matches anything.

    Its page of licences fails at refusing, so that no answer comes at all.
    """
    said = lab.run(LOGIN, sys.executable, "-c", _LIST).stdout.splitlines()
    return [line for line in said if line not in ("(.*)$", "/lab/api/licenses/(.*)$")]


_GROUPS = {
    r"(?P<path>(?:(?:/[^/]+)+|/?))": "/notebooks/job.ipynb",
    r"(?P<workspace>/workspaces/[a-zA-Z0-9\-\_]+)?": "",
    r"(?P<tree>/tree/.*)?": "",
    r"\w+-\w+-\w+-\w+-\w+": "0-0-0-0-0",
}


def _filled(pattern: str) -> str:
    """Return a path that a pattern matches."""
    path = pattern
    for group, text in _GROUPS.items():
        path = path.replace(group, text)
    path = re.sub(r"\((?:\?P<\w+>)?([^()]*)\)", _of_group, path.removesuffix("$"))
    path = path.replace("/?", "/").replace(".*", "x").replace("\\", "")
    assert re.match(pattern, path), f"a path for {pattern} is needed here"
    return path


def _of_group(group: re.Match[str]) -> str:
    inside = group[1]
    first = inside.partition("|")[0].replace("\\", "")
    return first if re.fullmatch(inside, first) and "*" not in first else "python3"
