"""What outputs show beyond text: pictures, and HTML in a sealed frame.

A frame has no origin: it holds no cookie, reaches no page around it and no server. Its policy lets it ask
nobody for anything. HTML is reduced to what is harmless, and the only script that runs is ours, which tells
how tall the frame is. An output's own script runs only once a person has asked for it, sealed as
well; yet scripts can open connections that no policy covers, as for WebRTC.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from typing import Any, Optional

from .blocks import PICTURES, SCRIPT, content_key
from .cleaning import box_html
from .notebook import outputs_of
from .view import Source

Shown = tuple[str, "str | bytes", str, Optional[str]]
"""Kind, content, policy, and the content's own name if it has one."""

_SEALED = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; img-src data: blob:"
)
_FRAME = f"{_SEALED}; style-src 'unsafe-inline'; font-src data:; media-src data: blob:; sandbox allow-scripts"
_PICTURE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
_LOOK = """
:root{color-scheme:light;--fg:#1f2328;--line:#d1d9e0;--odd:#f6f8fa}
:root.dark{color-scheme:dark;--fg:#e6edf3;--line:#3d444d;--odd:#1c2128}
html{background:transparent;overflow:auto}
body{margin:0;padding:1px;color:var(--fg);font:13px/1.45 system-ui,sans-serif;
width:fit-content;min-width:100%;box-sizing:border-box}
table{border-collapse:collapse;border:0;font-size:12px}th,td{padding:.35em .7em;text-align:right;border:0}
thead tr{border-bottom:1px solid var(--line)}tbody tr:nth-child(odd){background:var(--odd)}
pre,code{font-family:ui-monospace,monospace}img,svg{max-width:100%}
"""
_TELL = """
const root = document.documentElement;
const tell = () => parent.postMessage({height: Math.ceil(root.getBoundingClientRect().height)}, "*");
new ResizeObserver(tell).observe(root);
addEventListener("load", tell);
addEventListener("message", (event) => {
  if (event.source === parent && typeof event.data.dark === "boolean")
    root.classList.toggle("dark", event.data.dark);
});
"""


class Missing(Exception):
    """There is no such output any more."""


def picture(service: Source, session_id: str, cell_id: str, index: int, query: Mapping[str, str]) -> Shown:
    """Return a picture; a drawing's scripts run in no picture, and not where it is opened by itself."""
    mime = query.get("mime", "")
    source = _content(service, session_id, cell_id, index, mime)
    if mime not in PICTURES:
        raise Missing
    if mime == "image/svg+xml":
        return mime, source, _PICTURE, content_key(source)
    try:
        return mime, base64.b64decode(source), _PICTURE, content_key(source)
    except (binascii.Error, ValueError):
        raise Missing from None


def frame(service: Source, session_id: str, cell_id: str, index: int, query: Mapping[str, str]) -> Shown:
    """Return the page of a frame: harmless HTML, or with `script=1` the output as it is."""
    mime = query.get("mime", "")
    if mime not in ("text/html", SCRIPT):
        raise Missing
    source = _content(service, session_id, cell_id, index, mime)
    nonce = secrets.token_urlsafe(16)
    if query.get("script") == "1":
        body = _as_page(source) if mime == SCRIPT else source
        scripts = "'unsafe-inline' 'unsafe-eval'"
        tell = f"<script>{_TELL}</script>"
    else:
        body = "" if mime == SCRIPT else box_html(source)
        scripts = f"'nonce-{nonce}'"
        tell = f'<script nonce="{nonce}">{_TELL}</script>'
    dark = ' class="dark"' if query.get("dark") == "1" else ""
    page = (
        f'<!doctype html><html lang="en"{dark}><meta charset="utf-8"><title>Output</title>'
        f"<style>{_LOOK}</style>{tell}<body>{body}</body></html>"
    )
    return "text/html", page, f"{_FRAME}; script-src {scripts}", None


def text(service: Source, session_id: str, cell_id: str, index: int, _: Mapping[str, str]) -> Shown:
    """Return the whole text of an output as the notebook has it."""
    output = _output(service, session_id, cell_id, index)
    if output.get("output_type") == "error":
        whole = "\n".join(map(str, output.get("traceback") or []))
    else:
        whole = str(output.get("text") or (output.get("data") or {}).get("text/plain", ""))
    return "text/plain", whole, _PICTURE, None


def _output(service: Source, session_id: str, cell_id: str, index: int) -> dict[str, Any]:
    session = service.sessions.get(session_id)
    if session is None or cell_id not in session.document:
        raise Missing
    cell = session.document.cell(cell_id)
    caught = session.incoming.widgets.caught_in
    every = [
        each
        for output in outputs_of(session, cell, session.execution_of(cell_id))
        for each in (output, *caught(output))
    ]
    if index >= len(every):
        raise Missing
    return every[index]


def _content(service: Source, session_id: str, cell_id: str, index: int, mime: str) -> str:
    found = (_output(service, session_id, cell_id, index).get("data") or {}).get(mime)
    if not isinstance(found, str):
        raise Missing
    return found


def _as_page(script: str) -> str:
    """A script of an output gets what notebooks give it: an `element` to fill."""
    quoted = json.dumps(script).replace("<", "\\u003c")
    run = f'new Function("element", {quoted})(document.getElementById("output"))'
    return f'<div id="output"></div><script>{run}</script>'
