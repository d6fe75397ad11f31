"""The only network code of the front: HTTP client of the node service."""
