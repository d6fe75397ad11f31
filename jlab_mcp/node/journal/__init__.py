"""Journals of executions, and how they come back after a server was killed."""
