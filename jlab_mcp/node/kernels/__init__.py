"""Kernels: one over ZMQ, its process and end, those that wait, those of JupyterLab, those that were left."""
