"""The parts of `core.proposal`: what to ask, with which options, and why."""
