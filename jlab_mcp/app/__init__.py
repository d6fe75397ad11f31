"""Use cases that both front ends, the CLI and the MCP server, call."""
