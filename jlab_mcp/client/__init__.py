"""The only network code of the front: the client of the node service."""

from jlab_mcp.client.asking import CellRef, News, TextPart
from jlab_mcp.client.node import NodeClient

__all__ = ["CellRef", "News", "NodeClient", "TextPart"]
