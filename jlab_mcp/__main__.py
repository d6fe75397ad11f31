"""Entry point of `jlab-mcp` and `python -m jlab_mcp`.

Without arguments this is the MCP server, whose client waits for its first answer: nothing that only the
command line needs is imported on that way.
"""

from __future__ import annotations

import os
import sys

_COMPLETION = "_JLAB_MCP_COMPLETE"
"""Set by the shell's completion, which calls `jlab-mcp` without arguments."""
_WAITING = "jlab-mcp: waiting for an MCP client on stdin; `jlab-mcp --help` lists the commands\n"


def main() -> None:
    """Run the MCP server, or the command line if there are arguments."""
    if sys.argv[1:] in ([], ["serve"]) and _COMPLETION not in os.environ:
        if sys.stdin is not None and sys.stdin.isatty():
            sys.stderr.write(_WAITING)
        from jlab_mcp.mcpserver.server import serve

        serve()
    else:
        from jlab_mcp.cli.main import app

        app(prog_name="jlab-mcp")


if __name__ == "__main__":
    main()
