"""A kernel that keeps to the protocol in ways that ipykernel does not: `odd_kernel.py CONNECTION_FILE`.

It sends idle before the reply, repeats no input, and is interrupted by a message only (signals are ignored).
`count N` prints up to N, ten a second; `fail` fails; anything else is printed back.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import zmq as typed_zmq
from jupyter_client.session import Session

zmq: Any = typed_zmq  # its types do not name what it has

INFO = {
    "status": "ok",
    "protocol_version": "5.3",
    "implementation": "odd",
    "implementation_version": "1",
    "language_info": {"name": "odd", "version": "1", "mimetype": "text/plain", "file_extension": ".odd"},
    "banner": "",
}
OK = {"status": "ok", "user_expressions": {}}
FAILURE = {"ename": "Odd", "evalue": "as asked", "traceback": ["Odd: as asked"]}
STOPPED = {"status": "error", "ename": "Stopped", "evalue": "", "traceback": []}


class OddKernel:
    def __init__(self, where: dict[str, Any]) -> None:
        self.session = Session(key=where["key"].encode(), signature_scheme=where["signature_scheme"])
        self.where = where
        self.context = zmq.Context()
        self.shell, self.control = self.bound(zmq.ROUTER, "shell"), self.bound(zmq.ROUTER, "control")
        self.iopub, self.stdin = self.bound(zmq.PUB, "iopub"), self.bound(zmq.ROUTER, "stdin")
        self.beat = self.bound(zmq.REP, "hb")
        self.counting: tuple[Any, Any] | None = None  # request and identity of what counts
        self.count = self.last = 0

    def bound(self, kind: int, channel: str) -> Any:
        socket = self.context.socket(kind)
        joint = "-" if self.where["transport"] == "ipc" else ":"
        socket.bind(f"{self.where['transport']}://{self.where['ip']}{joint}{self.where[channel + '_port']}")
        return socket

    def publish(self, request: Any, kind: str, content: dict[str, Any]) -> None:
        self.session.send(self.iopub, kind, content, parent=request)

    def reply(self, request: Any, identity: Any, content: dict[str, Any]) -> None:
        self.publish(request, "status", {"execution_state": "idle"})  # before the reply
        kind = request["header"]["msg_type"].replace("request", "reply")
        self.session.send(self.shell, kind, content, parent=request, ident=identity)

    def run(self) -> None:
        poller = zmq.Poller()
        for socket in (self.shell, self.control, self.beat):
            poller.register(socket, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(100 if self.counting else None))
            if self.beat in ready:
                self.beat.send(self.beat.recv())
            if self.control in ready and self.obey() == "shutdown_request":
                return
            if self.counting:
                self.count_on()
            elif self.shell in ready:
                self.serve()

    def obey(self) -> str:
        identity, request = self.session.recv(self.control)
        kind = str(request["header"]["msg_type"])
        answer = kind.replace("request", "reply")
        self.session.send(self.control, answer, {"status": "ok"}, parent=request, ident=identity)
        if kind == "interrupt_request" and self.counting:
            self.reply(*self.counting, STOPPED)
            self.counting = None
        return kind

    def count_on(self) -> None:
        assert self.counting
        self.count += 1
        self.publish(self.counting[0], "stream", {"name": "stdout", "text": f"{self.count}\n"})
        if self.count >= self.last:
            self.reply(*self.counting, OK)
            self.counting = None

    def serve(self) -> None:
        identity, request = self.session.recv(self.shell)
        self.publish(request, "status", {"execution_state": "busy"})
        kind, code = request["header"]["msg_type"], request["content"].get("code", "")
        if kind == "kernel_info_request":
            self.reply(request, identity, INFO)
        elif kind != "execute_request":
            self.publish(request, "status", {"execution_state": "idle"})
        elif code.startswith("count "):
            self.counting, self.count, self.last = (request, identity), 0, int(code.split()[1])
        elif code == "fail":
            self.publish(request, "error", FAILURE)
            self.reply(request, identity, {"status": "error", **FAILURE})
        else:
            self.publish(request, "display_data", {"data": {"text/plain": code}, "metadata": {}})
            self.reply(request, identity, OK)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    OddKernel(json.loads(Path(sys.argv[1]).read_text())).run()
