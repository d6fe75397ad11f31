"""The page of shipped profiles, made of the list beside them."""

from __future__ import annotations

from pathlib import Path

from docs.generate.markdown import NOTICE

_LIST = Path(__file__).parent.parent.parent / "profiles" / "README.md"


def page() -> str:
    """Return the page."""
    return f"{NOTICE}\n{_LIST.read_text(encoding='utf-8')}"
