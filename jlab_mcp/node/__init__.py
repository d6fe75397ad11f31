"""The node service: a Jupyter Server extension that owns sessions, kernels, executions and notebooks.

It runs in the user's own Python (3.9 or newer) and imports only the standard library and what
every JupyterLab environment has. The front never imports it; runners copy it as files.
"""
