"""Which fields of `[slurm]` ask for the same thing; refusals and reasons speak of the thing."""

from __future__ import annotations

MEMORY = ("mem", "mem_per_cpu", "mem_per_gpu")
GPUS = ("gres", "gpus", "gpus_per_node", "gpus_per_task")
CPUS = ("cpus_per_task", "cpus_per_gpu", "ntasks")
SIZE = (*GPUS, *CPUS, *MEMORY, "nodes")
"""All that makes a job large."""
