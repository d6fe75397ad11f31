"""Floods of output, through the tools of an agent, while another session is at work.

The endless loop runs for some seconds; JLAB_MCP_FLOOD_SECONDS=60 makes it a minute.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from tests.agent import Agent, agent
from tests.conftest import Project

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

MEGA = 1_000_000
ENDLESS_SECONDS = float(os.environ.get("JLAB_MCP_FLOOD_SECONDS", "4"))
LINES = 100_000
PRINTS = f"for i in range({LINES}): print(f'{{i:09d}} ' + 'x' * 989)"
LINE = "print('l' * 50_000_000)"
FLUSHED = "for i in range(20_000): print(i, flush=True)"
DISPLAYS = (
    "for i in range(5_000): display({'text/plain': f'display {i}', 'text/html': f'<b>{i}</b>'}, raw=True)"
)
REPR = "class Long:\n    def __repr__(self): return 'r' * 100_000_000\nLong()"
TRACEBACK = "raise ValueError('\\n'.join(f'{i:09d}' for i in range(500_000)))"
RICH = "from IPython.display import HTML\ndisplay(HTML('<b>' + 'h' * 40_000_000 + '</b>'))"
ANSI = "for i in range(100_000): print('\\x1b[31m' + 'a' * 90 + '\\x1b[0m')"
GARBAGE = (
    "import os, random\nrandom.seed(1)\n"
    "os.write(1, b'')\nprint(''.join(map(chr, random.choices(range(256), k=200_000))), '\\udcff', '\\x00')\n"
    "display({'application/json': {'nan': float('1e400'), 'deep': eval('[' * 90 + ']' * 90), 'big': 10**4000}}, raw=True)\n"
    "display({}, raw=True)\n'\\x00\\x1b[31m'"
)
# The line comes as one message, and has to be in memory once; how much is in one message of prints is up to chance.
PEAKS = {"line": 90 * MEGA} | dict.fromkeys(("flushed", "displays", "ansi", "garbage"), 64 * MEGA)
BUDGET = 20_000  # characters: the words of an answer, and what stands around them


def digest(parts: Iterator[str]) -> str:
    """SHA-256 of a text."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode())
    return found.hexdigest()


def printed() -> Iterator[str]:
    """What the loop of prints prints."""
    return (f"{number:09d} " + "x" * 989 + "\n" for number in range(LINES))


async def flood(me: Agent, session: str, other: str, code: str) -> dict[str, Any]:
    """Run code while another session answers; returns the facts."""
    running = asyncio.ensure_future(me.call("execute_code", session_id=session, code=code, wait_seconds=300))
    answered = 0
    while not running.done() or not answered:
        # Printed, for IPython warns of results when there are a thousand of them.
        assert (await asyncio.wait_for(me.execute(other, "print(2)"), 60)).startswith("2\n")
        answered += 1
    answer = await running
    assert not answer.is_error
    facts = dict(answer.structured_content or {})
    assert len(facts["text"]) < BUDGET
    return facts


def peak(server: psutil.Process) -> int:
    """The most memory that the service has had since that was last reset, in bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


async def settled(server: psutil.Process, limit: int) -> int:
    """Wait until the service has given memory back, at most 30 s; returns its resident size."""
    deadline = time.monotonic() + 30
    while (size := server.memory_info().rss) > limit and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return int(size)


async def test_floods_are_kept_whole_and_cost_neither_memory_nor_answers_of_others(live_project: Project):
    server = psutil.Process(json.loads(live_project.connection_file.read_bytes())["pid"])
    facts: dict[str, dict[str, Any]] = {}
    async with agent(live_project) as me:
        session, other = await me.open("flood"), await me.open("beside")
        await me.execute(session, "1 + 1")
        floods = {
            "prints": PRINTS,
            "line": LINE,
            "repr": REPR,
            "traceback": TRACEBACK,
            "rich": RICH,
            "flushed": FLUSHED,
            "displays": DISPLAYS,
            "ansi": ANSI,
            "garbage": GARBAGE,
        }
        for name, code in floods.items():
            before = server.memory_info().rss
            Path(f"/proc/{server.pid}/clear_refs").write_text("5", encoding="ascii")  # see proc(5)
            facts[name] = await flood(me, session, other, code)
            if name in PEAKS:
                assert peak(server) < before + PEAKS[name], name
            assert await settled(server, before + 64 * MEGA) <= before + 64 * MEGA, name
        facts["endless"] = await interrupted(me, session, other)
        notebook_path = facts["prints"]["notebook_path"]
        await me.ok("shutdown_session", session_id=session)
        await me.ok("shutdown_session", session_id=other)

    file = {name: Path(each["output_file"]) for name, each in facts.items() if each["output_file"]}
    assert {"prints", "line", "repr", "traceback", "ansi", "endless"} <= set(file)
    assert _sha256(file["prints"]) == digest(printed())
    assert _sha256(file["line"]) == digest(iter(["l" * 50 * MEGA, "\n"]))
    assert _sha256(file["repr"]) == digest(iter(["r" * 100 * MEGA, "\n"]))
    assert "".join(f"{number:09d}\n" for number in range(500_000)).strip() in file["traceback"].read_text()
    assert file["ansi"].read_text() == ("\x1b[31m" + "a" * 90 + "\x1b[0m\n") * 100_000

    for name in ("prints", "line", "repr", "traceback", "endless"):
        assert str(file[name]) in facts[name]["text"], name
        assert " left out" in facts[name]["text"], name
    assert facts["prints"]["text"].startswith("000000000 x")
    assert f"\n{LINES - 1:09d} x" in facts["prints"]["text"] or facts["prints"]["text"].count("x") > 5_000
    assert facts["traceback"]["error"]["ename"] == "ValueError"
    assert "\x1b" not in facts["ansi"]["text"]

    notebook = nbformat.read(notebook_path, as_version=4)
    nbformat.validate(notebook)
    cells = {cell.id: cell for cell in notebook.cells}
    kept = {name: cells[each["cell_id"]].outputs for name, each in facts.items()}
    assert "".join(output.text for output in kept["flushed"]) == "".join(f"{i}\n" for i in range(20_000))
    assert [output.data["text/html"] for output in kept["displays"]] == [f"<b>{i}</b>" for i in range(5_000)]
    (rich,) = kept["rich"]
    beside = file["prints"].parent / f"cell-{facts['rich']['cell_id']}.outputs.jsonl"
    assert str(beside) in rich.data["text/plain"]
    assert json.loads(beside.read_text())["data"]["text/html"] == "<b>" + "h" * 40 * MEGA + "</b>"
    assert all(len(json.dumps(outputs)) < 3 * MEGA for outputs in kept.values())


async def interrupted(me: Agent, session: str, other: str) -> dict[str, Any]:
    """Let a loop print without end, then interrupt it; returns what the agent is told."""
    code = "i = 0\nwhile True:\n    print(i, 'e' * 1_000); i += 1"
    running = await me.ok("execute_code", session_id=session, code=code, wait_seconds=0)
    ends = time.monotonic() + ENDLESS_SECONDS
    while time.monotonic() < ends:
        assert (await me.execute(other, "print(2)")).startswith("2\n")
    begun = time.monotonic()
    await me.ok("interrupt_kernel", session_id=session)
    facts = await me.ok("get_output", execution_id=running["execution_id"], wait_seconds=60)
    assert time.monotonic() - begun < 30
    assert facts["state"] == "interrupted"
    assert (await me.execute(session, "i > 1_000")).startswith("True\n")
    return facts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


ASKING = {
    "input": "input('n? ')",
    "getpass": "import getpass; getpass.getpass()",
    "pdb": "import pdb; pdb.set_trace()",
    "debug": "%debug",
    "thread": (
        "import threading\nseen = []\ndef ask():\n    try: input()\n    except Exception as error: seen.append(type(error).__name__)\n"
        "thread = threading.Thread(target=ask); thread.start(); thread.join(60); seen"
    ),
    "stdin": "import sys; sys.stdin.read()",
    "child": "import subprocess; subprocess.run(['cat'], capture_output=True, check=True).stdout",
    "alive": "'goes on'",
}


async def test_code_that_asks_for_input_fails_at_once_and_in_words(live_project: Project):
    said: dict[str, str] = {}
    async with agent(live_project) as me:
        session = await me.open("asking")
        for name, code in ASKING.items():
            said[name] = (await me.ok("execute_code", session_id=session, code=code, wait_seconds=60))["text"]
        await me.ok("shutdown_session", session_id=session)
    assert [name for name, text in said.items() if "Code cannot ask for input here" in text] == [
        "input", "getpass", "pdb", "debug",
    ]  # fmt: skip
    assert all("StdinNotImplementedError" in said[name] for name in ("input", "getpass", "pdb", "debug"))
    assert said["thread"].startswith("['StdinNotImplementedError']")
    assert (said["stdin"][:3], said["child"][:4]) == ("''\n", "b''\n")
    assert said["alive"].startswith("'goes on'")
