"""Pure domain code: no I/O, no clock, no environment, no randomness."""
