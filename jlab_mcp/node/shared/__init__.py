"""Notebooks that pages of JupyterLab have open as shared documents, by jupyter-collaboration."""
