"""What kernels put out: folded into the outputs of cells, kept whole in files, read as plain text."""
