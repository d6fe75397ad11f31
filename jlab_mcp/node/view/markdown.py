"""Markdown cells and outputs as trees of elements that are safe to show."""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from .cleaning import Tree, inline_picture, text_tree, web_link

_LOG = logging.getLogger("jlab_mcp_node")
_LONGEST = 200_000  # characters that are laid out; more is shown as it was written
_ATTACHMENT = re.compile(r"(?<=[(\"'])attachment:")
_ATTACHED = (
    "attached:"  # the renderer looks for attachments itself, and stumbles over those that it is not given
)
_MARK = "\N{PILCROW SIGN}"
_KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")


def markdown_tree(source: str, attachments: Mapping[str, Any] | None = None, folder: str = "") -> Tree:
    """Return markdown laid out, by the renderer that nbconvert brings with every Jupyter server.

    Pictures may be attached, inline, or files of the notebook's folder; those of other hosts are left out, so
    that looking at a notebook tells nobody.

    Args:
        source: the text.
        attachments: of the cell, MIME bundles by name.
        folder: the notebook's folder as the server's `files` route names it.
    """
    if len(source) > _LONGEST:
        return [source]
    try:
        from nbconvert.filters.markdown_mistune import markdown2html_mistune

        made = markdown2html_mistune(_ATTACHMENT.sub(_ATTACHED, source))
    except Exception:  # noqa: BLE001 - whatever a renderer stumbles over, the text itself is there to be read
        _LOG.debug("markdown could not be rendered", exc_info=True)
        return [source]
    given = attachments or {}
    return _without_marks(text_tree(made, web_link, lambda address: _picture(address, given, folder)))


def _without_marks(tree: Tree) -> Tree:
    """Leave out the marks that the renderer puts behind headings: the page links to cells, not into them."""
    kept: Tree = []
    for each in tree:
        if isinstance(each, str):
            kept.append(each)
        elif each["children"] != [_MARK]:
            kept.append({**each, "children": _without_marks(each["children"])})
    return kept


def _picture(address: str, attachments: Mapping[str, Any], folder: str) -> str | None:
    if address.startswith(_ATTACHED):
        bundle = attachments.get(unquote(address.partition(":")[2]), {})
        kind = next((kind for kind in _KINDS if isinstance(bundle.get(kind), str)), None)
        return None if kind is None else f"data:{kind};base64,{bundle[kind]}"
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
        return inline_picture(address)
    path = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
    return None if path.startswith("..") else f"files/{quote(path)}"
