"""Drawing SVG: what a drawing may do to the machine that draws it."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from PIL import Image

from jlab_mcp.core.svg import draw

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="40">'


def colours(svg: str) -> set[tuple[int, ...]]:
    png = draw(svg, 400)
    assert png is not None
    with Image.open(io.BytesIO(png)) as picture:
        return {colour for _, colour in picture.convert("RGB").getcolors(maxcolors=10_000) or []}  # type: ignore[misc]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture on this machine that a drawing has no business with."""
    path = tmp_path / "secret.png"
    Image.new("RGB", (40, 40), (1, 200, 3)).save(path)
    return path


def test_a_drawing_stands_on_white():
    assert colours(f'{HEAD}<rect width="20" height="40" fill="#ff0000"/></svg>') >= {
        (255, 0, 0),
        (255, 255, 255),
    }


@pytest.mark.parametrize("attribute", ["href", "xlink:href", "XLINK:HREF", "other:href"])
@pytest.mark.parametrize("scheme", ["", "file://", " file:", "&#47;../"])
def test_a_drawing_shows_no_file_of_the_machine(secret, attribute, scheme):
    svg = HEAD.replace("xmlns:xlink", 'xmlns:other="http://www.w3.org/1999/xlink" xmlns:xlink', 1)
    svg = f'{svg}<image width="40" height="40" {attribute}="{scheme}{secret}"/><rect width="4" height="4"/></svg>'
    drawn = draw(svg, 400)
    assert drawn is None or (1, 200, 3) not in colours(svg)


def test_entities_read_no_file(secret):
    svg = f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file://{secret}">]>{HEAD}<text>&x;</text></svg>'
    assert draw(svg, 400) is None


def test_a_picture_inside_the_drawing_is_shown(secret):
    import base64

    data = base64.b64encode(secret.read_bytes()).decode()
    svg = f'{HEAD}<image width="40" height="40" href="data:image/png;base64,{data}"/></svg>'
    assert (1, 200, 3) in colours(svg)


@pytest.mark.parametrize(
    "svg",
    [
        "",
        "no svg",
        "<svg",
        HEAD.replace('"40"', '"1e12"') + "</svg>",
        HEAD + "<g>" * 200_000,
        "x" * 6_000_000,
        HEAD + '<g id="a0"><rect width="9" height="9"/></g>'
        + "".join(f'<g id="a{n}">{f"""<use href="#a{n - 1}"/>""" * 10}</g>' for n in range(1, 12)) + "</svg>",
    ],
    ids=["empty", "text", "cut", "huge", "deep", "long", "explosive"],
)  # fmt: skip
def test_a_drawing_of_ill_will_costs_seconds_at_most(svg):
    began = time.monotonic()
    drawn = draw(svg, 400)
    assert drawn is None or len(drawn) < 10_000_000
    assert time.monotonic() - began < 30
