"""New profiles: what to ask, what differs from a parent, and the text of the file."""
