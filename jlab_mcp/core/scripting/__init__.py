"""The parts of a job's script: what bash is told, and how values are quoted in it."""
