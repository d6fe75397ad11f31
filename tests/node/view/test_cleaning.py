"""HTML of others: what is harmless comes through, and nothing else, however it is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jlab_mcp.node.view.cleaning import box_html, text_tree, web_link
from jlab_mcp.node.view.markdown import markdown_tree

FORBIDDEN = {"script", "iframe", "object", "embed", "link", "meta", "base", "form", "svg", "math", "template"}


def tags(tree: list[Any]) -> set[str]:
    return {
        tag for each in tree if isinstance(each, dict) for tag in ({each["tag"]} | tags(each["children"]))
    }


def attributes(tree: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in tree:
        if isinstance(each, dict):
            found |= each["attributes"] | attributes(each["children"])
    return found


def text(source: str) -> list[Any]:
    return text_tree(source, web_link, lambda address: address)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//other></SCRIPT>",
        "<scr<script>ipt>alert(1)</script>",
        "<svg><script>alert(1)</script></svg>",
        "<style><script>alert(1)</script></style>",
        "<noscript><p title='</noscript><script>alert(1)</script>'>",
        "<!--><script>alert(1)</script>-->",
        "<math><mtext><table><mglyph><style><!--</style><img title='--><script>alert(1)</script>'>",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<template><script>alert(1)</script></template>",
        "<p/onclick=alert(1)><script\n>alert(1)</script\n>",
        "<meta http-equiv=refresh content='0;url=//other'><base href=//other><link rel=preconnect href=//other>",
        "<form action=//other><input><button formaction=//other>b</button></form>",
    ],
)
def test_scripts_frames_forms_and_what_loads_are_left_out(source: str):
    assert not tags(text(source)) & FORBIDDEN
    written = box_html(source).lower()
    assert not [tag for tag in FORBIDDEN if f"<{tag}" in written], written
    assert "onclick" not in written
    assert "formaction" not in written


@given(st.text(alphabet="<>/\"'= \n!-abcdeimnoprsty&;:()", max_size=80))
def test_no_text_makes_what_is_not_on_the_list(source: str):
    assert not tags(text(source)) & FORBIDDEN
    assert not [name for name in attributes(text(source)) if name.startswith("on") or name == "style"]
    # What was made is itself clean, so no reader of it can find more in it.
    assert box_html(box_html(source)) == box_html(source)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "/logout", "//other"],
)
def test_links_lead_to_pages_of_the_web_only(address: str):
    assert "href" not in attributes(text(f'<a href="{address}">x</a>'))
    assert (
        attributes(text('<a href="https://example.org/a?b=1&amp;c">x</a>'))["href"]
        == "https://example.org/a?b=1&c"
    )


def test_a_table_keeps_its_looks_in_a_frame():
    source = '<style scoped>td { color: red }</style><table border="1" class="dataframe"><tr><td>1 &lt; 2</td></tr></table>'
    assert box_html(source) == (
        '<style>td { color: red }</style><table border="1" class="dataframe"><tr><td>1 &lt; 2</td></tr></table>'
    )


def test_markdown_becomes_elements_and_pictures_come_from_here_alone():
    source = "# T\n\n*a* `b`\n\n![x](attachment:p.png) ![y](sub/plot.png) ![z](https://other/z.png) ![w](../../etc/x) ![v](/api)"
    tree = markdown_tree(source, {"p.png": {"image/png": "QUJD"}}, "notebooks/deep")

    def pictures(items: list[Any]) -> list[str]:
        return [
            src
            for each in items
            if isinstance(each, dict)
            for src in ([each["attributes"]["src"]] if each["tag"] == "img" else pictures(each["children"]))
        ]

    assert tags(tree) == {"h1", "p", "em", "code", "img"}
    assert pictures(tree) == [
        "data:image/png;base64,QUJD",
        "files/notebooks/deep/sub/plot.png",
        "files/etc/x",
    ]
    assert pictures(markdown_tree("![w](../../../etc/x)", None, "notebooks/deep")) == []
    assert "\N{PILCROW SIGN}" not in str(tree)
