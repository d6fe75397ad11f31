"""What the launcher tells the service."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from .launch import lock
from .ownfiles import beside


@dataclass(frozen=True)
class NodeSettings:
    """What the launcher was told.

    Attributes:
        connection_file: where the connection is announced.
        root_dir: JupyterLab's root folder, absolute.
        notebook_dir: folder that holds all notebooks, absolute; inside `root_dir` or equal to it.
        profile: name of the profile that the server was started for.
        job_id: SLURM job id, or None for a local process.
        server_id: 16 hexadecimal digits chosen by whoever started it.
        runtime_dir: private folder on this machine's own disk, for sockets and scratch output.
        idle_timeout: seconds without a running cell after which the server ends; None for never.
        restarts: how often SLURM put the job back into the queue and started it again.
        spare_kernels: how many kernels to keep ready for whoever asks next, 0 or 1.
    """

    connection_file: str
    root_dir: str
    notebook_dir: str
    profile: str
    job_id: str | None
    server_id: str
    runtime_dir: str
    idle_timeout: float | None = None
    restarts: int = 0
    spare_kernels: int = 0

    def api_path(self, path: str) -> str:
        """Path of a file as Jupyter's own API names it: below the root folder, with `/`; "" for the root."""
        relative = os.path.relpath(path, self.root_dir).replace(os.sep, "/")
        return "" if relative == "." else relative

    def own_folder(self, kind: str) -> str:
        """A folder of this server's own, beside its connection file; it is made when it is needed."""
        return beside(self.connection_file, kind)

    def make_runtime_dir(self) -> None:
        """Make the runtime folder again, should somebody have cleared it away.

        Raises:
            OSError: it cannot be made.
        """
        while not os.path.isdir(self.runtime_dir):
            os.makedirs(self.runtime_dir, mode=0o700, exist_ok=True)
            # Without its lock, which goes with the process, the next launcher would remove it. One that is
            # about to do that has the lock: then it is made once more.
            while lock(self.runtime_dir) is None and os.path.isdir(self.runtime_dir):
                time.sleep(0.001)
