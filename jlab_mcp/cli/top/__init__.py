"""`jlab-mcp top`: a live view of servers in the terminal."""
