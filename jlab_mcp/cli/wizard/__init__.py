"""`jlab-mcp profile init`: the wizard."""
