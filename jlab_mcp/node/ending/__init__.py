"""The end of a server: signals, what is saved, and the note of why."""
