"""The node's own files: where they lie, and how they are written so that only their owner can read them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from typing import Any


def beside(connection_file: str, kind: str) -> str:
    """Return the path of a server's own file or folder of this kind, beside its connection file."""
    return f"{connection_file.replace('.connection.json', '')}.{kind}"


def write_private(path: str, content: Any) -> None:
    """Write JSON to a file that only its owner can read, in one step; makes its folder.

    Raises:
        OSError: nothing was written.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    prefix = f".{os.path.basename(path)}-"
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".tmp")  # 0600 by itself
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
