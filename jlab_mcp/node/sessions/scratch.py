"""Scratch code: a fresh kernel, one run, and the kernel ends; no notebook and no state is touched."""

from __future__ import annotations

import asyncio
import contextlib
import os

from ..errors import ApiError
from ..kernels.kernel import Kernel
from ..kernels.reserve import Reserve
from ..outputs.spool import Spool
from ..settings import NodeSettings
from . import executor, memory
from .executor import Execution


def run_scratch(
    reserve: Reserve,
    settings: NodeSettings,
    execution_id: str,
    code: str,
    kernel_name: str,
) -> tuple[Execution, asyncio.Task[None]]:
    """Begin to run `code` in a kernel of its own.

    Args:
        reserve: has a kernel that need not be started, if it fits.
        settings: where the kernel works, and where long output goes.
        execution_id: chosen by the client.
        code: what to run.
        kernel_name: name of the kernel spec.

    Returns:
        The execution, and the task that ends once its kernel is gone.
    """
    spool = Spool(os.path.join(settings.runtime_dir, f"scratch-{execution_id}.txt"))
    execution = Execution(execution_id, None, code, None, spool)
    return execution, asyncio.ensure_future(_run(reserve, settings, execution, kernel_name))


async def _run(
    reserve: Reserve,
    settings: NodeSettings,
    execution: Execution,
    kernel_name: str,
) -> None:
    try:
        os.makedirs(settings.notebook_dir, exist_ok=True)
        settings.make_runtime_dir()
        folder = settings.api_path(settings.notebook_dir)
        kernel_id = await reserve.undisturbed(_start(reserve, kernel_name, folder))
    except Exception as error:  # noqa: BLE001 - whatever a kernel spec or provisioner may raise
        execution.end(executor.NOT_RUN, f"kernel {kernel_name} could not be started: {error}")
        return
    kernel = Kernel(
        reserve.kernels,
        kernel_id,
        on_message=lambda message: _feed(execution, message),
        on_end=lambda reason: execution.end(executor.KERNEL_DIED, reason),
    )
    try:
        await reserve.undisturbed(kernel.connect(reserve.context))
        if not execution.ended:  # cancelled while its kernel started
            execution.start(kernel)
            await kernel.send(kernel.execute_request(execution.code))
            await execution.finished.wait()
    except ApiError as error:
        execution.end(executor.NOT_RUN, error.message)
    finally:
        kernel.close()
        execution.close_files()
        memory.give_back_soon(execution)
        with contextlib.suppress(Exception):  # a kernel that is gone already is what is wanted
            await reserve.kernels.shutdown_kernel(kernel_id, now=True)


async def _start(reserve: Reserve, kernel_name: str, folder: str) -> str:
    spare = await reserve.take(kernel_name, folder)
    return spare or str(await reserve.kernels.start_kernel(kernel_name=kernel_name, path=folder))


def _feed(execution: Execution, message: dict[str, object]) -> None:
    # Only one request was ever sent besides the handshake, which the kernel keeps to itself.
    if message["parent_header"]:
        execution.feed(message)
