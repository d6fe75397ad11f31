"""What another user of a host can try on somebody's server; run there as that user.

It reads a request as JSON on stdin, so that nothing it looks for is in its own command line, and prints what it
got. It needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_LARGEST = 50_000_000  # bytes of a file that is searched; nothing of ours comes near
_LEFT_OUT = ("/run/aside",)
"""Where the lab's hosts keep the checkout and its interpreter."""
_OF_A_PROCESS = ("cmdline", "environ", "maps", "comm", "status", "stack", "auxv", "cgroup")
_LINKS = ("cwd", "exe", "root")
_WAIT = 30.0
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def search(needles: list[str], roots: list[str]) -> dict[str, Any]:
    """Return which files, processes and names hold which of the texts, by their places in the list."""
    wanted = [needle.encode() for needle in needles]
    found, looked = [], 0
    for where, content in _everything(roots):
        looked += 1
        found += [[number, where] for number, text in enumerate(wanted) if text in content]
    return {"found": found, "looked": looked}


def _everything(roots: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield all names and contents that can be read."""
    for root in roots:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if f"{folder}/{name}" not in _LEFT_OUT]
            for name in (*folders, *files):
                path = f"{folder}/{name}"
                yield path, os.fsencode(path)
                content = _content(path)
                if content is not None:
                    yield path, content
    for pid in _others():
        for name in _OF_A_PROCESS:
            content = _content(f"/proc/{pid}/{name}", proc=True)
            if content is not None:
                yield f"/proc/{pid}/{name}", content
    for name in ("unix", "tcp", "tcp6"):
        yield f"/proc/net/{name}", Path(f"/proc/net/{name}").read_bytes()


def _content(path: str, *, proc: bool = False) -> bytes | None:
    try:
        state = os.lstat(path)
        if not stat.S_ISREG(state.st_mode) or (state.st_size > _LARGEST and not proc):
            return None
        return Path(path).read_bytes()
    except OSError:
        return None


def _others() -> list[int]:
    return [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and int(path.name) != os.getpid()
    ]


def processes(pids: list[int]) -> dict[str, Any]:
    """Return what of somebody's processes can be read, opened or signalled, beside what everybody sees."""
    got = []
    for pid in pids:
        tries: dict[str, Callable[[], object]] = {
            **{name: _reading(f"/proc/{pid}/{name}") for name in ("environ", "maps", "mem", "auxv", "stack")},
            **{name: _linking(f"/proc/{pid}/{name}") for name in _LINKS},
            "fd": _listing(f"/proc/{pid}/fd"),
            "map_files": _listing(f"/proc/{pid}/map_files"),
            "cwd/": _listing(f"/proc/{pid}/cwd"),
            **{sent.name: _signalling(pid, sent) for sent in (signal.SIGINT, signal.SIGCONT, signal.SIGTERM)},
        }
        got += [f"{pid} {name}" for name, attempt in tries.items() if _succeeds(attempt)]
    return {"got": got, "seen": [pid for pid in pids if Path(f"/proc/{pid}/stat").exists()]}


def _reading(path: str) -> Callable[[], object]:
    return lambda: Path(path).open("rb").read(1) or None


def _linking(path: str) -> Callable[[], object]:
    return lambda: Path(path).readlink()


def _listing(path: str) -> Callable[[], object]:
    return lambda: list(Path(path).iterdir())


def _signalling(pid: int, sent: int) -> Callable[[], object]:
    def attempt() -> bool:
        os.kill(pid, sent)
        return True

    return attempt


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        return attempt() is not None
    except OSError:
        return False


def paths(files: list[str], folders: list[str], sockets: list[str]) -> dict[str, Any]:
    """Return what can be read, listed, written or connected to."""
    got = [f"read {path}" for path in files if _succeeds(_opening(path, os.O_RDONLY | os.O_NONBLOCK))]
    got += [f"write {path}" for path in files if _succeeds(_opening(path, os.O_WRONLY | os.O_NONBLOCK))]
    for folder in folders:
        new = f"{folder}/of-an-intruder"
        tries = {
            "list": _listing(folder),
            "write": _opening(new, os.O_CREAT | os.O_WRONLY),
            "rename": _renaming(folder),
        }
        got += [f"{name} {folder}" for name, attempt in tries.items() if _succeeds(attempt)]
    return {"got": got + [f"connect {path}" for path in sockets if _succeeds(_connecting(path))]}


def _opening(path: str, how: int) -> Callable[[], object]:
    return lambda: os.open(path, how)


def _renaming(path: str) -> Callable[[], object]:
    def attempt() -> bool:
        Path(path).rename(f"{path}-moved")
        return True

    return attempt


def _connecting(path: str) -> Callable[[], object]:
    def attempt() -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("\0" + path[1:] if path.startswith("@") else path)
        return True

    return attempt


def network(uid: int) -> dict[str, Any]:
    """Return the ports that a user's processes listen on, with their greetings, and the host's abstract sockets."""
    ports: list[tuple[int, str]] = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and int(words[7]) == uid:  # listening
                port = int(words[1].rpartition(":")[2], 16)
                ports.append((port, _greeting(port)))
    unix = [line.split()[7:] for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return {
        "ports": ports,
        "abstract": [name[0] for name in unix if name and name[0].startswith("@")],
    }


def _greeting(port: int) -> str:
    """Return what a port says by itself within a second."""
    said = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=1) as client,
        contextlib.suppress(TimeoutError),
    ):
        while more := client.recv(4096):
            said += more
    return said.decode("latin-1")


def listen(port: int, addresses: list[str]) -> dict[str, Any]:
    """Return the addresses on which a port can be listened on beside its owner."""
    got = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            with socket.socket(family, socket.SOCK_STREAM) as server:
                server.setsockopt(socket.SOL_SOCKET, option, 1)
                try:
                    server.bind((address, port))
                    server.listen()
                except OSError:
                    continue
                got.append(address)
    return {"got": got}


def web(server: str, port: int, requests: list[dict[str, Any]]) -> dict[str, Any]:
    """Send requests, each with `method`, `path`, `headers` and `upgrade`; return what came of each."""
    answers = []
    for asked in requests:
        connection = http.client.HTTPConnection(server, port, timeout=_WAIT)
        headers = asked["headers"] | (_UPGRADE if asked["upgrade"] else {})
        body = "{}" if asked["method"] in ("POST", "PUT", "PATCH") else None
        connection.request(asked["method"], asked["path"], body=body, headers=headers)
        try:
            answer = connection.getresponse()
            text = "" if answer.status == 101 else answer.read().decode("utf-8", "replace")
        except OSError as error:
            raise RuntimeError(f"{asked} is not answered") from error
        answers.append({"status": answer.status, "headers": dict(answer.getheaders()), "body": text})
        connection.close()
    return {"answers": answers}


def main() -> None:
    """Do what the request names."""
    asked = json.load(sys.stdin)
    tries: dict[str, Callable[..., dict[str, Any]]] = {
        "search": search,
        "processes": processes,
        "paths": paths,
        "network": network,
        "listen": listen,
        "web": web,
    }
    print(json.dumps(tries[asked.pop("try")](**asked)))


if __name__ == "__main__":
    main()
