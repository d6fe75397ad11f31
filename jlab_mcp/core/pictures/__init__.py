"""Pictures in a terminal: which way it takes them, and how they are written for it. Pure."""
