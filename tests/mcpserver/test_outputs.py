"""What code can put out, seen through `execute_code` and in the notebook it leaves."""

import base64
import io
from typing import Any

import nbformat
import pytest
from PIL import Image

from tests.agent import agent, words
from tests.conftest import Project

pytestmark = pytest.mark.live

PNG = """
import base64, struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\\0" + b"\\xff\\0\\0" * 30 for _ in range(20))
display(Image(
    b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
))
"""
CELLS = {
    "set up": "import sys, time\nfrom IPython.display import HTML, SVG, Image, clear_output, display",
    "unicode": "print('naïve 日本語 🐍 e\\u0301')\n'\\u00e9\\U0001f40d'",
    "ansi": "print('\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07plain')",
    "html": "display(HTML('<style>b{}</style><table><tr><th>a</th></tr><tr><td>1 &lt; 2</td></tr></table>'))",
    "svg": 'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><circle r="3"/></svg>\'))',
    "png": PNG,
    "display": "handle = display('before', display_id='the one')",
    "update": "handle.update('after')",
    "clear": "print('gone'); clear_output(); print('stays'); clear_output(wait=True); print('last')",
    "progress": "for i in range(101):\n    print(f'\\r{i:3d} %', end='', flush=True)\nprint()",
    "input": "input('name? ')",
    "exit": "sys.exit(3)",
    "alive": "handle is not None",
}


async def test_every_kind_of_output_is_seen_and_kept_in_a_valid_notebook(live_project: Project):
    seen: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    pictures: list[str] = []
    async with agent(live_project) as me:
        opened = await me.ok("start_new_session", experiment_name="kinds of output")
        for name, code in CELLS.items():
            answer = await me.call("execute_code", session_id=opened["session_id"], code=code)
            assert not answer.is_error, words(answer)
            facts: dict[str, Any] = answer.structured_content or {}
            seen[name] = words(answer).splitlines()
            errors[name] = (facts["error"] or {}).get("ename", "")
            pictures += [block.data for block in answer.content if block.type == "image"]
        page = await me.ok("read_notebook", session_id=opened["session_id"])
        await me.ok("shutdown_session", session_id=opened["session_id"])

    assert {name: said for name, said in errors.items() if said} == {
        "input": "StdinNotImplementedError",
        "exit": "SystemExit",
    }
    assert seen["unicode"][:2] == ["naïve 日本語 🐍 e\u0301", "'é🐍'"]
    assert seen["ansi"][0] == "red plain"
    assert seen["html"][:2] == ["a", "1 < 2"]
    assert "<" not in "".join(seen["svg"][:1])
    assert seen["display"][0] == "'before'"
    assert "-> output:\n'after'\n" in page["text"]
    assert "-> output:\n'before'\n" not in page["text"]
    assert seen["clear"][0] == "last"
    assert seen["progress"][0] == "100 %"
    assert seen["alive"][0] == "True"
    assert [Image.open(io.BytesIO(base64.b64decode(data))).size for data in pictures] == [
        (60, 40),  # the drawing
        (30, 20),
    ]

    notebook = nbformat.read(opened["notebook_path"], as_version=4)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells] == list(CELLS.values())
    kept = dict(zip(CELLS, (cell.outputs for cell in notebook.cells), strict=True))
    assert "\x1b[31mred" in kept["ansi"][0].text
    assert kept["unicode"][0].text.startswith("naïve 日本語 🐍")
    assert "<table>" in kept["html"][0].data["text/html"]
    assert "<circle" in kept["svg"][0].data["image/svg+xml"]
    assert kept["png"][0].data["image/png"].strip() == pictures[1]
    assert kept["display"][0].data["text/plain"] == "'after'"
    assert [output.text for output in kept["clear"]] == ["last\n"]
    assert kept["progress"][0].text.splitlines() == ["100 %"]
    assert kept["exit"][0].ename == "SystemExit"
