"""The floors: a bare kernel over ZMQ, a bare JupyterLab, an empty MCP server."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from bench.place import COMMAND_SECONDS, BenchError, Place

POLL_SECONDS = 0.005
EMPTY_SERVER = Path(__file__).with_name("empty_server.py")


class BareKernel:
    """A kernel of this interpreter and a client that speaks ZMQ to it, with nothing in between."""

    def __init__(self, place: Place) -> None:
        # The node service's transport too: the floor is what remains without anything of ours.
        # Without a name of our own the sockets would be made in whatever folder each side works in.
        sockets = place.project.parent / secrets.token_hex(4)
        self._manager: Any = KernelManager(kernel_name="python3", transport="ipc", ip=str(sockets))
        self._client: Any = None
        self._place = place

    def start(self) -> None:
        """Start the process and connect; the kernel need not answer yet."""
        self._manager.start_kernel(cwd=str(self._place.project), env=self._place.env)
        self._client = self._manager.client()
        self._client.start_channels()

    def first_reply(self) -> None:
        """Run `1+1` in a kernel that may still be starting, and wait for the reply."""
        sent = self._client.execute("1+1")
        self._reply_to(sent)

    def warm_up(self) -> None:
        """Wait until the kernel answers and its output channel is connected."""
        self._client.wait_for_ready(timeout=COMMAND_SECONDS)

    def run(self, code: str) -> int:
        """Run code until its reply and its idle have come; gives the bytes of text it printed."""
        sent = self._client.execute(code)
        printed = 0
        while True:
            message = self._client.get_iopub_msg(timeout=COMMAND_SECONDS)
            if message["parent_header"].get("msg_id") != sent:
                continue
            if message["msg_type"] == "stream":
                printed += len(message["content"]["text"].encode())
            elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        self._reply_to(sent)
        return printed

    def timed(self, code: str) -> float:
        """Run code and give the seconds it took."""
        begun = time.perf_counter()
        self.run(code)
        return time.perf_counter() - begun

    def stop(self) -> None:
        """End the kernel."""
        if self._client is not None:
            self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def _reply_to(self, sent: str) -> None:
        while True:
            reply = self._client.get_shell_msg(timeout=COMMAND_SECONDS)
            if reply["parent_header"].get("msg_id") == sent:
                return


@contextmanager
def bare_kernel(place: Place) -> Iterator[BareKernel]:
    """A bare kernel that is ready."""
    kernel = BareKernel(place)
    try:
        kernel.start()
        kernel.warm_up()
        yield kernel
    finally:
        kernel.stop()


def time_bare_jupyterlab(place: Place) -> float:
    """Start `jupyter lab` as a person would; gives the seconds until it first answers 200, and ends it."""
    port = _free_port()
    jupyter = Path(sys.executable).with_name("jupyter")
    command = [
        str(jupyter),
        "lab",
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ServerApp.port_retries=0",
    ]
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*command, f"--ServerApp.root_dir={place.project}", "--IdentityProvider.token=bench"],
        cwd=place.project,
        env=place.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers_200(port):
            if process.poll() is not None:
                raise BenchError(f"bare `jupyter lab` exited {process.returncode}")
            if time.perf_counter() - begun > COMMAND_SECONDS:
                raise BenchError("bare `jupyter lab` did not answer")
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - begun
    finally:
        _end_group(process)


def _answers_200(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=COMMAND_SECONDS)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to end, and make it after ten seconds."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
        return
