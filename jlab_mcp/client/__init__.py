"""The only network code of the front: the client of the node service."""

from jlab_mcp.client.node import CellRef, News, NodeClient, TextPart

__all__ = ["CellRef", "News", "NodeClient", "TextPart"]
