"""Entry point of `jlab-mcp` and `python -m jlab_mcp`."""


def main() -> None:
    """Run the command line."""
    raise SystemExit("jlab-mcp: not built yet")


if __name__ == "__main__":
    main()
