"""Keeps a spare kernel ready: made when nothing starts, used once, then made anew."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from ..host import host
from ..settings import NodeSettings
from .spare import NotFit, Spare

_LOG = logging.getLogger("jlab_mcp_node")
_QUIET = 1.0  # seconds without a start after which one that nobody waits for slows nobody
_LOOK = 60.0  # seconds from one look at the spare that waits to the next
_LEAST_MEMORY = 1_000_000_000  # bytes to be had, below which none is kept
_TRIES = 3  # how often in a row one may fail to start, or end by itself

_T = TypeVar("_T")


class Reserve:
    """One spare kernel of the server's default spec, or none.

    Args:
        serverapp: the Jupyter `ServerApp`.
        context: ZMQ context for the channels.
        settings: where it works until it is used, and whether any is kept.

    Attributes:
        kernels: the server's kernel manager.
        context: as given.
    """

    def __init__(self, serverapp: Any, context: Any, settings: NodeSettings) -> None:
        self._serverapp = serverapp
        self.kernels = serverapp.kernel_manager
        self.context = context
        self._folder = settings.root_dir  # which exists
        self._size = settings.spare_kernels
        self._spare: Spare | None = None
        self._making: asyncio.Task[Spare | None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._adopted: dict[str, Spare] = {}
        self._starts = 0  # that somebody waits for
        self._last_start = 0.0
        self._failures = 0
        self._why = ""  # it failed
        self._news = asyncio.Event()

    @property
    def ready(self) -> int:
        """How many are ready."""
        return int(self._spare is not None)

    def begin(self) -> None:
        """Begin to keep one, since the server is ready now."""
        remote = getattr(self._serverapp.gateway_config, "gateway_enabled", False)
        if not self._size or remote or not _handed_on(self.kernels):
            return
        original = self.kernels.pre_start_kernel

        def pre_start_kernel(kernel_name: str | None, kwargs: Any) -> Any:
            spare = self._adopted.pop(kwargs.get("kernel_id"), None)
            if spare is None:
                return original(kernel_name, kwargs)
            return spare.adopted(), spare.kernel_name, kwargs.pop("kernel_id")

        self.kernels.pre_start_kernel = pre_start_kernel
        self._last_start = asyncio.get_running_loop().time()
        self._keeper = asyncio.ensure_future(self._keep())

    async def undisturbed(self, start: Awaitable[_T]) -> _T:
        """Await a start, beside which no spare is made."""
        self._starts += 1
        try:
            return await start
        finally:
            self._starts -= 1
            self._last_start = asyncio.get_running_loop().time()
            self._news.set()

    async def take(self, kernel_name: str, path: str, env: dict[str, str] | None = None) -> str | None:
        """Make the spare one of the server's kernels, if there is one that fits.

        One that is just being made is waited for: it is ahead of any that is started now.

        Args:
            kernel_name: name of the kernel spec.
            path: folder or file that it is for, as Jupyter's API names it.
            env: its environment, where that is not the server's; of it the notebook's name is taken.

        Returns:
            The kernel's id, or None where one has to be started.
        """
        spare = await self._claim(kernel_name)
        if spare is None:
            return None
        try:
            folder = self.kernels.cwd_for_path(path)
            await spare.settle(folder, (env or {}).get("JPY_SESSION_NAME"))
            self._adopted[spare.kernel_id] = spare
            kwargs = {} if env is None else {"env": env}
            await self.kernels.start_kernel(
                kernel_name=kernel_name, path=path, kernel_id=spare.kernel_id, **kwargs
            )
        except Exception as error:  # noqa: BLE001 - whoever asked gets a kernel that is started for them
            _LOG.info("the spare kernel was of no use: %s", error)
            self._adopted.pop(spare.kernel_id, None)
            await spare.end()
            return None
        self._failures = 0
        return str(spare.kernel_id)

    async def end(self) -> None:
        """End it, and make no other."""
        self._size = 0
        for task in (self._keeper, self._making):
            if task is not None:
                task.cancel()
        await self._drop()

    def kill(self) -> None:
        """End it without an event loop."""
        if self._spare is not None:
            self._spare.kill()

    async def _claim(self, kernel_name: str) -> Spare | None:
        if self._making is not None and kernel_name == self.kernels.default_kernel_name:
            making, self._making = self._making, None
            spare = await asyncio.shield(making)
        elif self._spare is not None and kernel_name == self._spare.kernel_name:
            spare, self._spare = self._spare, None
        else:
            return None
        if spare is None or spare.fits():
            return spare
        await spare.end()
        return None

    async def _keep(self) -> None:
        while self._size and self._failures < _TRIES:
            await self._quiet()
            if self._spare is not None and (not self._spare.fits() or _memory_is_scarce()):
                await self._drop()
            if self._spare is None and not _memory_is_scarce():
                making = self._making = asyncio.ensure_future(self._make())
                await asyncio.wait({making})
                if self._making is making:  # nobody has claimed it meanwhile
                    self._making, self._spare = None, making.result()
            self._news.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), _LOOK)
        if self._size:
            _LOG.warning("no spare kernel is kept: %s", self._why)

    async def _quiet(self) -> None:
        """Wait until nothing has started for a while."""
        loop = asyncio.get_running_loop()
        while self._starts or self._last_start + _QUIET > loop.time():
            self._news.clear()
            left = None if self._starts else self._last_start + _QUIET - loop.time()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)

    async def _make(self) -> Spare | None:
        spare = None
        try:
            spare = Spare(self.kernels, self.kernels.default_kernel_name, self._died)
            await spare.start(self.context, self._folder)
        except Exception as error:  # noqa: BLE001 - whatever a kernel spec or provisioner may raise
            self._why = str(error)
            self._failures = _TRIES if isinstance(error, NotFit) else self._failures + 1
            if spare is not None:
                await spare.end()
            return None
        except asyncio.CancelledError:
            if spare is not None:
                spare.kill()
            raise
        return spare

    def _died(self) -> None:
        """Replace one that ended while it waited."""
        if self._spare is not None:
            dead, self._spare = self._spare, None
            self._failures += 1
            self._why = "it ended again and again"
            asyncio.ensure_future(dead.end()).add_done_callback(lambda _: self._news.set())

    async def _drop(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.end()


def _handed_on(kernels: Any) -> bool:
    """Whether a kernel can be handed to this manager: it is jupyter_server's, and encrypts nothing."""
    plain = getattr(kernels, "transport_encryption", "disabled") == "disabled"
    return plain and all(hasattr(kernels, name) for name in ("pre_start_kernel", "cwd_for_path"))


def _memory_is_scarce() -> bool:
    left = host.memory_left()
    return left is not None and left < _LEAST_MEMORY
