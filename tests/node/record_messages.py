"""Records what a real kernel sends, for the tests that fold messages without one.

Run it as `python tests/node/record_messages.py`: it starts an ipykernel of this interpreter and writes
`data/messages.json`. What differs from run to run (ids, times, paths) is not in the messages kept here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

FIXTURE = Path(__file__).with_name("data") / "messages.json"
KEPT = frozenset(
    {
        "stream",
        "display_data",
        "execute_result",
        "update_display_data",
        "clear_output",
        "error",
        "execute_input",
    }
)

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

CELLS: dict[str, str] = {
    "result": "1 + 1",
    "unicode": "print('naïve café 東京 🎉 — ½')",
    "lone_surrogate": "print('a\\udcffb')  # a file name that is no UTF-8",
    "ansi": "print('\\x1b[31mred\\x1b[0m and \\x1b[1;32mgreen\\x1b[0m')",
    "html": "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))",
    "svg": 'from IPython.display import SVG\nSVG(\'<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>\')',
    "png": f"import base64\nfrom IPython.display import Image\nImage(base64.b64decode('{PNG}'), format='png')",
    "json": "from IPython.display import JSON, display\ndisplay(JSON({'a': [1, 2.5, None], 'b': 'é'}))",
    "update_display": (
        "from IPython.display import display\n"
        "one = display('first', display_id='one')\ndisplay('between')\nagain = display('first again', display_id='one')\n"
        "one.update('second')"
    ),
    "update_from_next_cell": "one.update('third')",
    "clear_output": "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
    "clear_output_wait": (
        "from IPython.display import clear_output\nfor i in range(3):\n    clear_output(wait=True)\n    print('frame', i)"
    ),
    "clear_output_wait_last": "print('stays')\nclear_output(wait=True)",
    "progress": (
        "import sys\nfor i in range(0, 101, 20):\n"
        "    print(f'\\r{i:3d}%|{\"#\" * (i // 20):5}|', end='', file=sys.stderr, flush=True)\n"
        "print(file=sys.stderr)"
    ),
    "backspaces": "for c in '|/-':\n    print(c + '\\b', end='', flush=True)\nprint('done')",
    "crlf": "print('one\\r\\ntwo\\r\\n', end='')",
    "interleaved": (
        "import sys\nfor i in range(2):\n    print('out', i, flush=True)\n    print('err', i, file=sys.stderr, flush=True)"
    ),
    "input": "input('name? ')",
    "exit": "import sys\nsys.exit()",
    "error": "def inner():\n    raise ValueError('wrong: é')\n\ninner()",
    "syntax_error": "1 +",
    "after_error": "'still here'",
}


async def record() -> dict[str, Any]:
    """Run every cell in one kernel and return its messages by cell."""
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        return {name: await _run(client, code) for name, code in CELLS.items()}
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def _run(client: Any, code: str) -> list[dict[str, Any]]:
    msg_id = client.execute(code, allow_stdin=False)
    kept: list[dict[str, Any]] = []
    while True:
        message = await client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != msg_id:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            await client.get_shell_msg(timeout=60)
            return kept
        if message["msg_type"] in KEPT:
            kept.append({"msg_type": message["msg_type"], "content": _anonymous(message["content"])})


def _anonymous(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _anonymous(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_anonymous(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"/[^\s'\"]*/site-packages/", "/site-packages/", value)
        return re.sub(r"ipykernel_\d+/\d+\.py", "ipykernel_1/1.py", value)
    return value


def main() -> None:
    """Write the fixture."""
    messages = asyncio.run(record())
    from importlib.metadata import version

    header = {
        "recorded_with": f"ipykernel {version('ipykernel')}, Python {sys.version_info.major}.{sys.version_info.minor}"
    }
    FIXTURE.write_text(json.dumps({**header, "cells": messages}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
