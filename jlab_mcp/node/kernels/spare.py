"""One kernel that is started before anybody asks for it, and given to whoever asks next.

It is none of the server's kernels until then: JupyterLab does not list it, no culler and no idle timeout
counts it. It must be a fresh kernel to its user, so it is kept only while it holds nothing but ipykernel, and
what it has read is still what a new one would read.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable
from typing import Any, Optional

from ..errors import ApiError
from .kernel import Kernel
from .processend import kill
from .wire import Message

_ANSWERS_WITHIN = 30.0  # seconds
_LONGEST_LIFE = 24 * 3600.0  # seconds; locales, time zones and credentials of the process age
_GPU_DEVICES = ("/dev/nvidia", "/dev/kfd", "/dev/dri/render")
Stamp = Optional[tuple[int, int, int]]  # inode, size, mtime in ns; None for what is not there

# What the kernel has run or read at its start besides ipykernel itself. One expression, which leaves no name.
_FACTS = """(lambda shell, os, sys: __import__("json").dumps({
    "kind": type(shell.kernel).__module__,
    "ran": [each for each in os.listdir(shell.profile_dir.startup_dir) if each.endswith((".py", ".ipy"))]
        + [name for name in ("exec_lines", "exec_files", "code_to_run", "file_to_run", "module_to_run",
            "extensions", "extra_extensions", "matplotlib", "pylab", "gui")
            if getattr(shell.kernel.parent, name, None)]
        + [name for name in ("PYTHONSTARTUP",) if os.environ.get(name)],
    "read": [shell.profile_dir.startup_dir, sys.executable]
        + [os.path.join(shell.profile_dir.location, "ipython_%sconfig.%s" % (kernel, kind))
            for kernel in ("", "kernel_") for kind in ("py", "json")]
        + list(getattr(shell.kernel.parent, "loaded_config_files", None) or [])
        + [each for each in sys.path if os.path.basename(each) in ("site-packages", "dist-packages")],
}))(get_ipython(), __import__("os"), __import__("sys"))"""

# What a kernel that starts in this folder, as this notebook's, has from its start. Leaves no name either.
_SETTLE = '''exec("""
import os
os.chdir(folder)
shell.starting_dir = folder
shell.user_ns["_dh"][:] = [type(shell.user_ns["_dh"][0])(folder)]
if session is not None:
    os.environ["JPY_SESSION_NAME"] = shell.user_ns["__session__"] = session
""", {{"shell": get_ipython(), "folder": {folder!r}, "session": {session!r}}})'''


class NotFit(Exception):
    """No kernel of this kind can be kept: the message says why. Trying again would not help."""


class Spare:
    """A kernel that waits to be used.

    Args:
        kernels: the server's kernel manager.
        kernel_name: name of the kernel spec.
        on_end: called when its process ends while it waits.
    """

    def __init__(self, kernels: Any, kernel_name: str, on_end: Callable[[], None]) -> None:
        self.kernel_name = kernel_name
        self._kernels = kernels
        self._spec = _spec(kernels, kernel_name)
        # A manager that the server's list of kernels does not have.
        self._manager, _, self.kernel_id = kernels.pre_start_kernel(kernel_name, {})
        self._autorestart = self._manager.autorestart
        self._on_end = on_end
        self._kernel = Kernel(
            _Unlisted(self._manager, self.kernel_id), self.kernel_id, self._on_message, self._ended
        )
        self._asked = ""
        self._reply: dict[str, Any] | None = None
        self._idle = False
        self._answer: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._born = time.monotonic()
        self._read: dict[str, Stamp] = {}

    @property
    def pid(self) -> int | None:
        """Process id, or None where there is none on this machine."""
        return self._kernel.pid

    async def start(self, context: Any, folder: str) -> None:
        """Start it in a folder, and wait until it answers.

        Raises:
            NotFit: a kernel of this spec cannot be handed on as a fresh one.
            Exception: whatever a kernel spec or provisioner may raise.
        """
        provisioner = self._spec.get("metadata", {}).get("kernel_provisioner", {}).get("provisioner_name")
        if self._spec.get("language") != "python" or provisioner not in (None, "local-provisioner"):
            raise NotFit(f"kernel {self.kernel_name} is no process of Python on this machine")
        self._manager.autorestart = False
        await self._manager.start_kernel(cwd=folder, kernel_id=self.kernel_id)
        await self._kernel.connect(context)
        answer = await self._ask("", {"facts": _FACTS})
        said = answer.get("user_expressions", {}).get("facts", {})
        if said.get("status") != "ok":
            raise NotFit(f"kernel {self.kernel_name} does not answer as ipykernel does")
        facts = json.loads(ast.literal_eval(said["data"]["text/plain"]))
        if facts["kind"] != "ipykernel.ipkernel" or facts["ran"]:
            raise NotFit(f"kernel {self.kernel_name} runs more than ipykernel at its start: {facts['ran']}")
        if _holds_gpu(self.pid):
            raise NotFit(f"kernel {self.kernel_name} opens a GPU at its start")
        self._read = {path: _stamp(path) for path in facts["read"]}

    def fits(self) -> bool:
        """Whether it lives, and is what a kernel would be that is started now.

        Looked at are the kernel spec, and the interpreter, the folders of packages and IPython's
        configuration by their inode, size and time: a package that is installed or removed changes its
        folder.
        """
        return (
            self._kernel.state != "dead"
            and time.monotonic() - self._born < _LONGEST_LIFE
            and all(_stamp(path) == stamp for path, stamp in self._read.items())
            and _spec(self._kernels, self.kernel_name) == self._spec
        )

    async def settle(self, folder: str, session: str | None) -> None:
        """Have it work in a folder, as the kernel of the notebook `session` where that is given.

        Raises:
            ApiError: it cannot.
        """
        if (await self._ask(_SETTLE.format(folder=folder, session=session), {})).get("status") != "ok":
            raise ApiError(f"the spare kernel cannot work in {folder}")
        with contextlib.suppress(OSError, ValueError):
            self._note_session(session)
        self._kernel.close()

    def adopted(self) -> Any:
        """Return its manager, whose next start is none: it notes how a restart is to be made."""
        manager = self._manager

        async def start_kernel(**kwargs: Any) -> None:
            del manager.start_kernel
            asked = ("kernel_id", "transport_encryption")
            manager._launch_args = {key: value for key, value in kwargs.items() if key not in asked}  # noqa: SLF001
            manager.provisioner.cwd = kwargs.get("cwd")
            manager.autorestart = self._autorestart
            manager.start_restarter()

        manager.start_kernel = start_kernel
        return manager

    async def end(self) -> None:
        """End it; harmless if it has ended."""
        self._kernel.close()
        with contextlib.suppress(Exception):  # it is gone already: that is what is wanted
            await self._manager.shutdown_kernel(now=True)

    def kill(self) -> None:
        """End it without an event loop."""
        kill(self._manager)

    async def _ask(self, code: str, expressions: dict[str, str]) -> dict[str, Any]:
        request = self._kernel.silent_request(code, expressions)
        self._answer = asyncio.get_running_loop().create_future()
        self._reply, self._idle = None, False
        self._asked = request["header"]["msg_id"]
        await self._kernel.send(request)
        try:
            answer = await asyncio.wait_for(self._answer, _ANSWERS_WITHIN)
        except asyncio.TimeoutError:
            answer = None
        if answer is None:
            raise ApiError("the spare kernel gave no answer")
        return answer

    def _on_message(self, message: Message) -> None:
        if message["parent_header"].get("msg_id") != self._asked or self._answer.done():
            return
        if message["header"]["msg_type"] == "execute_reply":
            self._reply = message["content"]
        if message["header"]["msg_type"] == "status":
            self._idle = message["content"]["execution_state"] == "idle"
        # An idle status that came later would look like the end of the code that comes next.
        if self._reply is not None and self._idle:
            self._answer.set_result(self._reply)

    def _ended(self, _reason: str) -> None:
        if not self._answer.done():
            self._answer.set_result(None)
        self._on_end()

    def _note_session(self, session: str | None) -> None:
        """Put the notebook's name where jupyter_client writes it: into the connection file."""
        path = self._manager.connection_file
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if session is not None and "jupyter_session" in content:
            with open(path, "w", encoding="utf-8") as file:
                json.dump({**content, "jupyter_session": session}, file, indent=2)


class _Unlisted:
    """Stands in for the server's kernel manager with one kernel that this does not have."""

    def __init__(self, manager: Any, kernel_id: str) -> None:
        self._manager = manager
        self._kernel_id = kernel_id
        self.last_kernel_activity: object = None  # the server's own is not touched

    def __contains__(self, kernel_id: object) -> bool:
        return kernel_id == self._kernel_id

    def get_kernel(self, _kernel_id: str) -> Any:
        return self._manager

    def stop_watching_activity(self, _kernel_id: str) -> None:
        """Nobody has begun to watch it."""


def _spec(kernels: Any, kernel_name: str) -> dict[str, Any]:
    try:
        spec: dict[str, Any] = kernels.kernel_spec_manager.get_kernel_spec(kernel_name).to_dict()
    except Exception:  # noqa: BLE001 - there is none of that name, or it cannot be read
        return {}
    return spec


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _holds_gpu(pid: int | None) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(descriptor.path).startswith(_GPU_DEVICES):
                    return True
    return False
