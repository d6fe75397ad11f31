"""What chose a profile, in words."""

from __future__ import annotations


def chosen_how(by: str) -> str:
    """Say what chose a profile; a fact about this machine (`this host is raven01`) is its own reason."""
    return f"because {by}" if by.startswith("this ") else f"chosen by {by}"
