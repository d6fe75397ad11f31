"""Much output, on good ways and bad ones: all of it, once, in little memory."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.sessions import session
from tests.commands import LIMIT, spawn
from tests.conftest import Project
from tests.network import network

_MB = 1_000_000
_FLOOD = """
import sys
n = i = 0
while n < {size}:
    text = f"line {{i}} of many, äöü 項\\n" * 50
    n += len(text.encode())
    sys.stdout.write(text)
    if i % 100 == 0:
        sys.stderr.write(f"warning {{i}}\\n")
    i += 1
"""


def _expected(size: int) -> tuple[str, str, int]:
    """Return the digests of both streams, and the length of the first."""
    out, err = hashlib.sha256(), hashlib.sha256()
    n = i = 0
    while n < size:
        text = (f"line {i} of many, äöü 項\n" * 50).encode()
        n += len(text)
        out.update(text)
        if i % 100 == 0:
            err.update(f"warning {i}\n".encode())
        i += 1
    return out.hexdigest(), err.hexdigest(), n


def _peak(pid: int) -> int:
    """Return the most memory that a process has had, in bytes."""
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")
    )
    return int(line.split()[1]) * 1024


@pytest.mark.live
@pytest.mark.timeout(600)
def test_100_mb_come_whole_in_little_memory(live_project: Project) -> None:
    size = 100 * _MB
    code = _FLOOD.format(size=size)
    with (
        session(live_project, "flood"),
        spawn(live_project, "exec", "--quiet", "-s", "flood", code) as running,
        ThreadPoolExecutor(1) as aside,
    ):
        assert running.stdout is not None
        assert running.stderr is not None
        said = aside.submit(running.stderr.read)
        digest, read, early, late = hashlib.sha256(), 0, 0, 0
        while piece := running.stdout.buffer.read(1 << 16):  # type: ignore[attr-defined]
            digest.update(piece)
            read += len(piece)
            if read < size * 0.95:  # it may have ended when the last is read
                late = _peak(running.pid)
                early = early or (late if read > 5 * _MB else 0)
        assert running.wait(LIMIT) == 0
    out, err, length = _expected(size)
    assert read == length
    assert digest.hexdigest() == out
    assert hashlib.sha256(said.result().encode()).hexdigest() == err
    assert late - early < 50 * _MB
    assert late < 200 * _MB


@pytest.mark.live
@pytest.mark.timeout(600)
async def test_nothing_is_lost_or_doubled_where_the_connection_breaks(
    live_project: Project, tmp_path: Path
) -> None:
    size = 5 * _MB
    async with network(live_project, tmp_path / "files") as (way, project):
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jlab_mcp", "exec", "--quiet", "--scratch", _FLOOD.format(size=size)),
            cwd=project.folder,
            env=project.env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert running.stdout is not None
        assert running.stderr is not None
        said = asyncio.ensure_future(running.stderr.read())
        digest, read, cuts = hashlib.sha256(), 0, 0
        while piece := await running.stdout.read(1 << 14):
            digest.update(piece)
            read += len(piece)
            if read > (cuts + 1) * _MB:
                cuts += 1
                if cuts % 2:
                    way.swallow_answer()
                else:
                    way.refuse()
                    await way.open()
        assert await running.wait() == 0
    out, err, length = _expected(size)
    assert cuts >= 4
    assert read == length
    assert digest.hexdigest() == out
    assert hashlib.sha256(await said).hexdigest() == err
