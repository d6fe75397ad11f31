"""This host: processors, memory, GPUs, processes."""
