"""Runs notebooks with nbclient, several side by side: `by_nbclient.py KERNELS COUNT NOTEBOOK…`, each in place."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError


async def run(path: Path, kernels: str, turn: asyncio.Semaphore) -> None:
    async with turn:
        notebook = nbformat.read(path, nbformat.NO_CONVERT)
        specs = KernelSpecManager(kernel_dirs=[kernels])
        client = NotebookClient(
            notebook,
            km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs),
            resources={"metadata": {"path": str(path.parent)}},
            allow_errors=True,
            timeout=120,
        )
        began = time.monotonic()
        try:
            await client.async_execute(cleanup_kc=True)
        except DeadKernelError:
            print(f"{path}: the kernel died")
        print(f"{time.monotonic() - began:6.1f} s  {path}", flush=True)
        nbformat.write(notebook, path)


async def main(kernels: str, count: int, paths: list[Path]) -> None:
    turn = asyncio.Semaphore(count)
    await asyncio.gather(*(run(path, kernels, turn) for path in paths))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), [Path(path) for path in sys.argv[3:]]))
