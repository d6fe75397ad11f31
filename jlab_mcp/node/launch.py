"""The launcher: main program of a local process or a SLURM job. It starts JupyterLab with the node service.

Run by path, in the user's own Python: `python …/jlab_mcp_node/launch.py --connection-file …`. Nothing that
it needs goes through the environment, so nothing reaches a kernel: the token lives in this process and
in the connection file, the package path in `sys.path`.

Exit codes: 0 stopped, 1 failed (the log says why), 3 JupyterLab cannot be imported, 4 no free port,
5 the address or the interface is not one of this machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import gc
import glob
import os
import secrets
import shutil
import socket
import struct
import sys
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jlab_mcp_node.ending.signals import Signals

EXIT_NO_JUPYTERLAB = 3
EXIT_NO_PORT = 4
EXIT_NO_ADDRESS = 5
_SIOCGIFADDR = 0x8915  # Linux: get an interface's address
RUNTIME_PREFIX = "jlab-mcp-run-"
_ATTEMPTS = 20  # how often a port that was taken between the look and the bind is replaced


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line that a runner wrote."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--connection-file", required=True)
    parser.add_argument("--root-dir", required=True)
    parser.add_argument("--notebook-dir", required=True)
    parser.add_argument("--ip", default="127.0.0.1")
    parser.add_argument("--interface", default=None, help="network interface whose address is used instead")
    parser.add_argument("--port-min", type=int, required=True)
    parser.add_argument("--port-max", type=int, required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--server-id", default=secrets.token_hex(8))
    parser.add_argument("--job-id", default=None)
    parser.add_argument("--idle-timeout", type=float, default=None, help="seconds without a running cell")
    parser.add_argument("--restarts", type=int, default=0, help="how often SLURM requeued the job")
    parser.add_argument("--spare-kernels", type=int, default=1, help="kernels kept ready, 0 or 1")
    parser.add_argument("--attempt", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def interface_address(name: str) -> str | None:
    """Return the IPv4 address of a network interface, or None if it has none or is not there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # struct ifreq: the name, then a sockaddr_in with the address after family and port.
            answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", os.fsencode(name)))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def no_such_interface(name: str) -> str:
    """Say that an interface has no address, and which ones have."""
    found = [(other, interface_address(other)) for _, other in socket.if_nameindex()]
    others = ", ".join(f"{other} ({address})" for other, address in found if address)
    wrong = "has no IPv4 address" if name in dict(found) else "is not there"
    return f"the network interface {name} {wrong}; {socket.gethostname()} has {others or 'none with one'}"


class CannotLaunch(Exception):
    """The server cannot come up; `exit_code` says what is missing."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def find_port(arguments: argparse.Namespace) -> int:
    """Return the port to listen on; where an interface is named, its address becomes `arguments.ip`.

    Raises:
        CannotLaunch: there is none.
    """
    if arguments.interface:
        address = interface_address(arguments.interface)
        if address is None:
            raise CannotLaunch(EXIT_NO_ADDRESS, no_such_interface(arguments.interface))
        arguments.ip = address
    try:
        port = free_port(arguments.ip, arguments.port_min, arguments.port_max)
    except OSError as error:
        why = f"nothing can listen on {arguments.ip}: {error.strerror}"
        raise CannotLaunch(EXIT_NO_ADDRESS, why) from error
    if port is None:
        taken = f"{arguments.port_min} to {arguments.port_max} on {arguments.ip}"
        raise CannotLaunch(EXIT_NO_PORT, f"no free port from {taken}")
    return port


def free_port(ip: str, low: int, high: int) -> int | None:
    """Return the first port of `low`..`high` that can be bound on `ip`, or None."""
    for port in range(low, high + 1):
        if bindable(ip, port):
            return port
    return None


def bindable(ip: str, port: int) -> bool:
    """Whether `port` can be bound on `ip` now."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
            # Linux lets two sockets with SO_REUSEADDR bind one port; only one may listen.
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def build_config(arguments: argparse.Namespace, port: int, runtime_dir: str) -> Any:
    """Traitlets configuration of the server; it wins over the user's own config files."""
    from jlab_mcp_node.extension import SETTINGS_KEY
    from jlab_mcp_node.settings import NodeSettings
    from traitlets.config import Config

    settings = NodeSettings(
        connection_file=arguments.connection_file,
        root_dir=arguments.root_dir,
        notebook_dir=arguments.notebook_dir,
        profile=arguments.profile,
        job_id=arguments.job_id,
        server_id=arguments.server_id,
        runtime_dir=runtime_dir,
        idle_timeout=arguments.idle_timeout,
        restarts=arguments.restarts,
        spare_kernels=arguments.spare_kernels,
    )
    config = Config()
    config.ServerApp.ip = arguments.ip
    config.ServerApp.port = port
    config.ServerApp.port_retries = 0
    config.ServerApp.open_browser = False
    config.ServerApp.no_browser_open_file = True  # a page with the token in it, which nobody needs
    config.ServerApp.allow_root = os.geteuid() == 0
    config.ServerApp.root_dir = arguments.root_dir
    config.ServerApp.certfile = ""
    config.ServerApp.jpserver_extensions = {"jupyterlab": True, "jlab_mcp_node.extension": True}
    config.ServerApp.tornado_settings = {SETTINGS_KEY: settings}
    config.IdentityProvider.token = secrets.token_hex(32)
    # On TCP any local user can subscribe to a kernel's outputs; a socket in a 0700 folder is ours alone.
    config.KernelManager.transport = "ipc"
    # How soon a kernel that died is replaced (3 s by default).
    config.KernelRestarter.time_to_dead = 0.5
    return config


def make_runtime_dir() -> str:
    """Make a private folder with a short path: a socket's path may have 107 bytes.

    It is locked for as long as this process lives; folders of launchers that were killed are removed.
    """
    # Not XDG_RUNTIME_DIR: it goes when its owner logs out, and a detached server stays.
    base = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108
    for old in glob.glob(os.path.join(glob.escape(base), f"{RUNTIME_PREFIX}*")):
        held = lock(old)
        if held is not None:
            shutil.rmtree(old, ignore_errors=True)
            os.close(held)
    while True:
        made = tempfile.mkdtemp(prefix=RUNTIME_PREFIX, dir=base)
        # Another launcher that clears up may have found it before it was locked, and will remove it.
        if lock(made) is not None:
            return made


def lock(folder: str) -> int | None:
    """Lock one of our folders for as long as the returned descriptor is open.

    The lock is on the folder itself, where systemd-tmpfiles heeds it too. Returns None when another process
    has it, or the folder is not ours.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def serve(arguments: argparse.Namespace, port: int, runtime_dir: str, signals: Signals) -> None:
    """Run JupyterLab until it is told to stop."""
    from jlab_mcp_node.extension import ENDING_KEY
    from jupyter_server.serverapp import ServerApp
    from jupyterlab.labapp import LabApp

    setattr(ServerApp, "init_signal", lambda _: None)  # noqa: B010 - what `signals` takes stays with it
    config = build_config(arguments, port, runtime_dir)
    # runtime_dir is no configurable trait, and JUPYTER_RUNTIME_DIR would reach every kernel.
    serverapp = LabApp.initialize_server(argv=[], config=config, runtime_dir=runtime_dir)
    ending = serverapp.web_app.settings[ENDING_KEY]
    gc.freeze()
    gc.enable()
    signals.deliver_to(lambda name: serverapp.io_loop.add_callback_from_signal(ending.heed, name))
    try:
        serverapp.start()
    finally:
        ending.finish()


def release_port() -> None:
    """Close the server's own listening socket, so that a port found taken is taken by somebody else."""
    from jupyter_server.serverapp import ServerApp

    if ServerApp.initialized() and hasattr(ServerApp.instance(), "http_server"):
        ServerApp.instance().http_server.stop()


def main() -> int:
    """Launch; returns the exit code."""
    # Nothing of what JupyterLab imports becomes garbage; looking for it takes a twentieth of the start.
    gc.disable()
    here = os.path.dirname(os.path.abspath(__file__))
    # In process only: a PYTHONPATH would reach every kernel. The script's own folder must not be on
    # the path, or its modules would shadow others of the same name.
    sys.path[0:1] = []
    sys.path.append(os.path.dirname(here))
    arguments = parse_arguments(sys.argv[1:])
    from jlab_mcp_node.ending.note import CRASH, SIGNAL, end_file, write_end_note
    from jlab_mcp_node.ending.signals import Signals, ToldToEnd

    note = partial(write_end_note, arguments.connection_file, arguments.server_id, arguments.job_id)
    try:
        signals = Signals()
        # A job that SLURM starts again finds what its earlier run left.
        for stale in (arguments.connection_file, end_file(arguments.connection_file)):
            with contextlib.suppress(OSError):
                os.unlink(stale)
        return launch(arguments, here, signals)
    except ToldToEnd as told:
        note(SIGNAL, signal=told.signal)
        return 0
    except CannotLaunch as error:
        print(f"jlab-mcp: {error}", file=sys.stderr)  # noqa: T201
        note(CRASH, exit_code=error.exit_code, message=str(error))
        return error.exit_code
    except Exception as error:
        note(CRASH, exit_code=1, message=f"{type(error).__name__}: {error}")
        raise


def launch(arguments: argparse.Namespace, here: str, signals: Signals) -> int:
    """Run JupyterLab on a free port.

    Returns:
        The exit code.

    Raises:
        CannotLaunch: there is no JupyterLab, nothing to listen on, or JupyterLab gave up.
    """
    try:
        import jupyterlab.labapp  # noqa: F401
    except ImportError as error:
        why = f"JupyterLab cannot be imported by {sys.executable}: {error}"
        raise CannotLaunch(EXIT_NO_JUPYTERLAB, why) from error
    port = find_port(arguments)
    runtime_dir = make_runtime_dir()
    try:
        serve(arguments, port, runtime_dir, signals)
    except SystemExit as stopped:
        if stopped.code in (None, 0):
            return 0
        release_port()
        if bindable(arguments.ip, port) or arguments.attempt >= _ATTEMPTS:
            raise CannotLaunch(1, "JupyterLab gave up; the log says why") from stopped
        shutil.rmtree(runtime_dir, ignore_errors=True)
        again = [*sys.argv[1:], "--attempt", str(arguments.attempt + 1)]
        os.execv(sys.executable, [sys.executable, os.path.join(here, "launch.py"), *again])  # noqa: S606
    finally:
        with contextlib.suppress(OSError):
            os.unlink(arguments.connection_file)
        shutil.rmtree(runtime_dir, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
