"""Running code from a shell: what it puts out, pictures, and the signals that reach the command meanwhile."""
