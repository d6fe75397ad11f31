"""`jlab-mcp profile …`."""
