"""The signals that a server heeds, from the launcher's first moment on.

What ends a job (scancel, its time limit, a preemption) comes as SIGTERM; what `sbatch --signal=B:…` sends
some time before is the profile's choice. None of them may kill before notebooks are saved.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

ENDING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
WARNING = ("SIGUSR1", "SIGUSR2")
_MAY_STAY_IGNORED = ("SIGHUP", "SIGQUIT")  # as under nohup


class ToldToEnd(BaseException):
    """A signal came before there was a server; `signal` is its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.signal = name


class Signals:
    """Takes signals: at first for the launcher, which one of them ends, then for its server."""

    def __init__(self) -> None:
        self._deliver: Callable[[str], None] | None = None
        self._early: list[str] = []
        for name in (*ENDING, *WARNING):
            number = signal.Signals[name]
            if name not in _MAY_STAY_IGNORED or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._arrived)

    def deliver_to(self, deliver: Callable[[str], None]) -> None:
        """From now on hand the name of each signal to `deliver`, warnings that came before too.

        Args:
            deliver: called in the main thread between any two steps of it, as signal handlers are.
        """
        self._deliver = deliver
        for name in self._early:
            deliver(name)

    def _arrived(self, number: int, _frame: Any) -> None:
        name = signal.Signals(number).name
        if self._deliver is not None:
            self._deliver(name)
        elif name in WARNING:
            self._early.append(name)
        else:
            raise ToldToEnd(name)
