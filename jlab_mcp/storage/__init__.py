"""Server records and locks on disk."""
