"""Notebooks: one in memory, edited and merged, and its file."""
