"""An MCP server of the SDK that does nothing: the floor of `jlab-mcp`'s own start."""

from mcp.server.mcpserver import MCPServer

server = MCPServer("empty")

if __name__ == "__main__":
    server.run("stdio")
