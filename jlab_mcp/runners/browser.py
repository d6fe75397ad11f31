"""The browser of whoever sits here, if there is one."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def has_browser(environ: Mapping[str, str]) -> bool:
    """Say whether a page can be shown: $BROWSER names a program, or there is a desktop.

    A browser of the terminal is none: it would take the terminal, and shows no notebook.
    """
    return any(environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def show(url: str) -> bool:
    """Open a page in the browser; says whether one took it."""
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
