"""Three small SLURM clusters on one machine, real to the last daemon; see ../README.md.

Each host is a process with its own network, mounts, processes and name. Nothing outlives those processes but
one folder, and nothing of the machine changes but the packages that `install` puts there.
"""
