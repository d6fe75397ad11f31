"""The node API: its methods, the two ways into it, and how JupyterLab's own pages take part."""
