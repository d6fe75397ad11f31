"""Run code in live Jupyter notebooks from an MCP client, locally or on a SLURM cluster."""

__version__ = "0.1.0"
