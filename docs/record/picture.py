"""Frames of a terminal become one animated SVG, which asks nobody for anything and runs no script.

Each line that was ever seen is drawn once; frames lie side by side and refer to their lines, and the picture
moves along them in steps. Where motion is not wanted the last frame stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from docs.record.terminal import COLUMNS, ROWS, Frame, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDE, _HIGH = 8.4, 19  # pixels of a character
_EDGE, _BAR = 18, 34  # pixels around the text, and of the window's bar
_LONGEST_FRAME = 2.0  # seconds; waits beyond are cut short
_LAST_FRAME = 4.0

_COLOURS = {
    "black": "#6b7280",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": "#f0f6fc",
}
"""By pyte's names; readable on the window's dark ground."""
_TEXT, _GROUND, _FRAME_LINE = "#e6edf3", "#0d1117", "#8b949e"


def picture(frames: Sequence[Frame], title: str) -> str:
    """Return the SVG.

    Args:
        frames: what was seen, in order.
        title: what the picture shows, for who cannot see it.
    """
    width, height = COLUMNS * _WIDE + 2 * _EDGE, ROWS * _HIGH + _BAR + _EDGE
    lines: dict[tuple[Run, ...], str] = {}
    drawn = [_frame(frame, at * width, lines) for at, frame in enumerate(frames)]
    size = f'viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}"'
    ground = f'<rect x=".5" y=".5" width="{width - 1:g}" height="{height - 1}" rx="9" fill="{_GROUND}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{escape(title)}</title>',
        f"<style>{_style(frames, width)}</style>",
        "<defs>",
        *(f'<g id="{name}">{"".join(map(_run, runs))}</g>' for runs, name in lines.items()),
        "</defs>",
        f'{ground} stroke="{_FRAME_LINE}"/>',
        *(f'<circle cx="{20 + 18 * at}" cy="17" r="5.5" fill="{_FRAME_LINE}"/>' for at in range(3)),
        f'<svg y="{_BAR}" width="{width:g}" height="{ROWS * _HIGH + 4}"><g class="all">',
        *drawn,
        "</g></svg></svg>",
    ]
    return "\n".join(parts) + "\n"


def _style(frames: Sequence[Frame], width: float) -> str:
    shown = [min(frame.seconds, _LONGEST_FRAME) for frame in frames[:-1]] + [_LAST_FRAME]
    total, steps, past = sum(shown), [], 0.0
    for at, seconds in enumerate(shown):
        steps.append(f"{100 * past / total:.2f}%{{transform:translateX({-at * width:g}px)}}")
        past += seconds
    last = f"transform:translateX({-(len(frames) - 1) * width:g}px)"
    colours = "".join(f".{name}{{fill:{value}}}" for name, value in _COLOURS.items())
    font = "14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
    return (
        f"text{{font:{font};white-space:pre;fill:{_TEXT}}}"
        f"{colours}.b{{font-weight:700}}"
        f".all{{animation:play {total:.1f}s steps(1,end) infinite}}"
        f"@keyframes play{{{''.join(steps)}}}"
        f"@media (prefers-reduced-motion:reduce){{.all{{animation:none;{last}}}}}"
    )


def _frame(frame: Frame, x: float, lines: dict[tuple[Run, ...], str]) -> str:
    rows = [
        f'<use href="#{lines.setdefault(runs, f"l{len(lines)}")}" y="{row * _HIGH}"/>'
        for row, runs in enumerate(frame.lines)
        if runs
    ]
    column, row = frame.cursor
    place = f'x="{_EDGE + column * _WIDE:g}" y="{row * _HIGH + 1}" width="{_WIDE}" height="17"'
    cursor = f'<rect {place} fill="{_TEXT}" opacity=".6"/>'
    return f'<g transform="translate({x:g})">{"".join(rows)}{cursor}</g>'


def _run(run: Run) -> str:
    text = run.text.rstrip()
    classes = " ".join(_classes(run))
    named = f' class="{classes}"' if classes else ""
    colour = f' style="fill:#{run.colour}"' if _is_hex(run.colour) else ""
    return (
        f'<text x="{_EDGE + run.column * _WIDE:g}" y="15" textLength="{len(text) * _WIDE:g}"{named}{colour}>'
        f"{escape(text)}</text>"
    )


def _classes(run: Run) -> Iterator[str]:
    colour = run.colour.removeprefix("bright")
    if colour in _COLOURS:
        yield colour
    if run.bold:
        yield "b"


def _is_hex(colour: str) -> bool:
    return len(colour) == 6 and all(digit in "0123456789abcdef" for digit in colour)  # noqa: PLR2004 - RRGGBB
