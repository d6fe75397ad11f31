"""The only network code of the front: the client of the node service."""

from jlab_mcp.client.node import CellRef, NodeClient

__all__ = ["CellRef", "NodeClient"]
