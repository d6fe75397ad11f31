"""`jlab-mcp notebook …`."""
