"""Plain jobs for tests of the lab, and what a controller says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.cluster.conftest import Lab
from tests.commands import until


@dataclass(frozen=True)
class Job:
    """A job that was submitted from a host."""

    lab: Lab
    host: str
    id: str

    def shown(self, field: str) -> str:
        """Return a field of what the controller knows of it."""
        answer = self.lab.run(self.host, "scontrol", "--oneliner", "show", "job", self.id, user="root").stdout
        found = re.search(rf"\b{field}=(\S*)", answer)
        assert found, answer
        return found[1]

    @property
    def state(self) -> str:
        """The controller's word for how it is."""
        return self.shown("JobState")

    def becomes(self, state: str) -> bool:
        """Wait for a state."""
        return until(lambda: self.state == state, state)

    def pends_with(self, reason: str) -> bool:
        """Wait until it pends for a reason."""
        return until(lambda: (self.state, self.shown("Reason")) == ("PENDING", reason), reason)

    def update(self, *changes: str) -> None:
        """Change it, as an administrator may."""
        self.lab.run(self.host, "scontrol", "update", f"JobId={self.id}", *changes, user="root")


def submit(lab: Lab, host: str, *options: str, user: str = "alice", script: str = "sleep 600") -> Job:
    """Submit a job."""
    done = lab.run(host, "sbatch", "--parsable", f"--wrap={script}", *options, user=user)
    return Job(lab, host, done.stdout.strip())
