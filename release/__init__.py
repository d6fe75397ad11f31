"""How jlab-mcp reaches people: the bundle for MCP clients, and the recipe for a container."""
