"""SVG drawn as PNG, where a renderer is installed: in a process of its own, with limits, from its text alone.

A renderer is the package `resvg-py` (extra `svg`) or the program `rsvg-convert`. References that lead out of
a drawing are taken out first, and one that defines entities is not drawn: both could be used to read files.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from functools import cache

from jlab_mcp.core import markup

_SECONDS = 5
_MEMORY = 1 << 30
_LONGEST = 5_000_000
"""Characters of a drawing that is still tried."""
_REFERENCE = re.compile(r"""([\w.:-]*href\s*=\s*)("[^"]*"|'[^']*')""", re.IGNORECASE)
_HARMLESS = re.compile(r"""["']\s*(?:#|data:image/(?:png|jpeg|gif|webp)[;,])""", re.IGNORECASE)
_STYLE_REFERENCE = re.compile(r"""url\(\s*(?!["']?\s*#)[^)]*\)|@import[^;]*;?""", re.IGNORECASE)
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}

_LIMITS = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({_SECONDS}, {_SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({_MEMORY}, {_MEMORY}))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
width = int(sys.argv[1])
"""
_RESVG = (
    _LIMITS
    + """
import resvg_py
drawn = resvg_py.svg_to_bytes(
    svg_string=sys.stdin.buffer.read().decode(), background="#ffffff", dpi=96, width=width or None
)
sys.stdout.buffer.write(drawn)
"""
)
_RSVG = (
    _LIMITS
    + """
import os
size = ["--width", str(width), "--keep-aspect-ratio"] if width else []
os.execvp("rsvg-convert", ["rsvg-convert", "--format", "png", "--background-color", "white", *size])
"""
)


def draw(svg: str, edge: int) -> bytes | None:
    """Draw an SVG as PNG of at most about `edge` pixels a side, on white.

    Returns:
        The PNG; None where there is no renderer, or it refuses, takes too long or too much.
    """
    program = _program()
    if program is None or len(svg) > _LONGEST or "<!entity" in svg.lower():
        return None
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program, str(_width(svg, edge))],
            input=_closed(svg).encode("utf-8", "replace"),
            capture_output=True,
            cwd="/",
            timeout=2 * _SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


@cache
def _program() -> str | None:
    """Return the Python that draws what it is given, if something that can is installed."""
    if importlib.util.find_spec("resvg_py") is not None:
        return _RESVG
    return _RSVG if shutil.which("rsvg-convert") else None


def _closed(svg: str) -> str:
    """Take out all references that lead out of the drawing."""
    inside = _REFERENCE.sub(
        lambda found: found.group() if _HARMLESS.match(found.group(2)) else f'{found.group(1)}""', svg
    )
    return _STYLE_REFERENCE.sub("none", inside)


def _width(svg: str, edge: int) -> int:
    """Return the width in pixels to draw at; 0 for the drawing's own."""
    sides = [_pixels(side) for side in markup.svg_size(svg).split(markup.TIMES)]
    if len(sides) != 2 or not all(sides):  # noqa: PLR2004 - width and height
        return edge
    longest = max(sides)
    return 0 if longest <= edge else max(1, int(sides[0] * edge / longest))


def _pixels(length: str) -> float:
    match = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([a-z]*)\s*", length, re.IGNORECASE)
    try:
        return float(match.group(1)) * _PIXELS.get(match.group(2).lower(), 0.0) if match else 0.0
    except ValueError:
        return 0.0
