"""`jlab-mcp serve`."""

from __future__ import annotations


def serve() -> None:
    """Run the MCP server on stdin and stdout; the same as `jlab-mcp` without arguments.

    \b
    An MCP client starts it. To register it with Claude Code:
      claude mcp add jlab-mcp -- jlab-mcp
    """
    from jlab_mcp.mcpserver.server import serve as serve_mcp

    serve_mcp()
