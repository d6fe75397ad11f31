"""The documentation; `docs.generate` writes its reference pages."""
