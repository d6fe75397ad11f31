"""Sessions: a notebook, its kernel, and the queue of code between them."""
