"""Text of TOML and JSON files that people wrote: shown, and changed in one place."""
