"""HTML that others wrote, reduced to what is harmless. Pure.

What comes in is parsed once, here; what goes out is made anew from names on a list and escaped text, either
as a tree, from which the page makes its elements one by one, or as HTML again. No browser parses what came.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any, Optional, Union

Tree = list[Union[str, dict[str, Any]]]
"""Texts and elements; an element is `{"tag", "attributes", "children"}`."""

_VOID = frozenset(
    {"br", "hr", "img", "wbr", "col", "area", "input", "link", "meta", "base", "embed", "source"}
)
_SILENT = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "textarea", "title", "xmp"}
)
"""Elements that go with all that is in them."""
_TEXT_TAGS = """
    p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code kbd samp var em strong b i u s del ins sub
    sup mark small abbr cite q span div a img table thead tbody tfoot tr th td caption details summary
"""
_BOX_TAGS = """
    section article header footer main nav aside figure figcaption address center font tt big label button
    progress meter time wbr colgroup col bdi bdo ruby rt rp dfn style
"""
_PLAIN_NAMES = "title alt colspan rowspan scope start align open headers abbr dir lang"
_STYLED_NAMES = """
    class id style border cellpadding cellspacing width height color bgcolor valign size face value max min
    low high optimum hidden role for
"""
_TEXT = frozenset(_TEXT_TAGS.split())
"""Elements of a text."""
_BOX = _TEXT | frozenset(_BOX_TAGS.split())
"""Elements that an output may have, too."""
_PLAIN = frozenset(_PLAIN_NAMES.split())
_STYLED = _PLAIN | frozenset(_STYLED_NAMES.split())
_DEEPEST = 60

Address = Callable[[str], Optional[str]]
"""Gives the address to use in place of one that was written, or None to leave the picture or link out."""


class _Builder(HTMLParser):
    def __init__(
        self, tags: frozenset[str], attributes: frozenset[str], link: Address, picture: Address
    ) -> None:
        super().__init__(convert_charrefs=True)
        self.root: Tree = []
        self._open: list[tuple[str, Tree]] = []
        self._tags = tags
        self._attributes = attributes
        self._link = link
        self._picture = picture
        self._silent: list[str] = []

    @property
    def _here(self) -> Tree:
        return self._open[-1][1] if self._open else self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent or (tag in _SILENT and tag not in self._tags):
            if tag in _SILENT:
                self._silent.append(tag)
            return
        if tag not in self._tags or len(self._open) >= _DEEPEST:
            return
        first = {
            key: value or "" for key, value in reversed(attrs)
        }  # of two of one name, browsers take the first
        kept = self._kept(tag, {key: first[key] for key, _ in attrs})
        if kept is None:
            return
        children: Tree = []
        self._here.append({"tag": tag, "attributes": kept, "children": children})
        if tag not in _VOID:
            self._open.append((tag, children))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
            return
        if tag in {name for name, _ in self._open}:
            while self._open and self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._here.append(data)

    def _kept(self, tag: str, given: dict[str, str]) -> dict[str, str] | None:
        kept = {key: value for key, value in given.items() if key in self._attributes}
        if tag == "a":
            address = self._link(given.get("href", ""))
            return kept if address is None else {**kept, "href": address}
        if tag == "img":
            address = self._picture(given.get("src", ""))
            return None if address is None else {**kept, "src": address}
        return kept


def text_tree(source: str, link: Address, picture: Address) -> Tree:
    """Return the elements of a text, such as rendered markdown: no styles, no ids, no classes.

    Args:
        source: HTML.
        link: what a link's address becomes.
        picture: what a picture's address becomes.
    """
    return _parsed(source, _Builder(_TEXT, _PLAIN, link, picture))


def box_html(source: str) -> str:
    """Return the HTML of an output as a sealed frame shows it: styles stay; scripts, links and forms go."""
    tree = _parsed(source, _Builder(_BOX, _STYLED, lambda _: None, inline_picture))
    return "".join(map(_written, tree))


def has_script(source: str) -> bool:
    """Say whether HTML of an output seems to need scripts to show what it has to show."""
    return "<script" in source.lower()


def web_link(address: str) -> str | None:
    """Return an address that a person may follow out of the page; no scripts, no addresses of this server."""
    return address if address.lower().startswith(("https://", "http://", "mailto:")) else None


def inline_picture(address: str) -> str | None:
    """Return the address of a picture that is itself the picture."""
    kinds = ("png", "jpeg", "gif", "webp", "svg+xml")
    return address if address.lower().startswith(tuple(f"data:image/{kind}" for kind in kinds)) else None


def _parsed(source: str, builder: _Builder) -> Tree:
    builder.feed(source)
    builder.close()
    return builder.root


def _written(item: str | dict[str, Any]) -> str:
    if isinstance(item, str):
        return html.escape(item, quote=False)
    attributes = "".join(f' {key}="{html.escape(value)}"' for key, value in item["attributes"].items())
    if item["tag"] in _VOID:
        return f"<{item['tag']}{attributes}>"
    if item["tag"] == "style":
        # A style holds raw text: nothing in it may look like its end, or like the begin of anything.
        inner = "".join(each for each in item["children"] if isinstance(each, str)).replace("<", "")
    else:
        inner = "".join(map(_written, item["children"]))
    return f"<{item['tag']}{attributes}>{inner}</{item['tag']}>"
