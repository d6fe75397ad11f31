"""Look at everything between here and a running kernel, one module for each group of checks."""
