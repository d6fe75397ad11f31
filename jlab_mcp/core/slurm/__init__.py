"""SLURM's commands: argument lists out, text in. Nothing here runs anything.

Parsers take any text and never raise: lines that are not of the expected form (a site's greeting, a warning)
are passed over.
"""
