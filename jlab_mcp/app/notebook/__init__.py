"""Notebooks for a person: read as they are now, shown, and converted."""
