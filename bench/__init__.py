"""Measures the figures of the README, each beside its floor: `python -m bench`."""
