"""The lab, up for the whole run, and what a test needs to work in it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ci_skips import in_ci
from tests.cluster.lab import faults, health, hosts, install, lifecycle, lines
from tests.cluster.lab.layout import LAB, user_named
from tests.ending import run_to_end

LOGIN_HOSTS = ("alpha-login", "beta-login")
COMMAND_SECONDS = 120  # generous, for a busy machine: it only ends a command that hangs


class Lab:
    """The clusters; their hosts are listed in `lab/layout.py`."""

    @property
    def jlab_mcp(self) -> str:
        """This checkout's `jlab-mcp` command, which every user can run on every host."""
        return str(Path(sys.prefix) / "bin" / "jlab-mcp")

    def home(self, user: str = "alice") -> Path:
        """Return a user's home; it is the same folder on all hosts and for the test."""
        return user_named(user).home

    def slurm_conf(self, cluster: str) -> Path:
        """Return a cluster's configuration file, for `SLURM_CONF`; it is there on all hosts."""
        return LAB / "etc" / cluster / "slurm" / "slurm.conf"

    def enter(self, host: str, argv: Sequence[str], user: str = "alice") -> list[str]:
        """Return the command that runs `argv` on a host, in the user's home and environment."""
        return hosts.enter(host, argv, user=user)

    def run(
        self, host: str, *argv: str, user: str = "alice", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host and return what it said; its process group ends with it."""
        return run_to_end(self.enter(host, argv, user=user), COMMAND_SECONDS, check=check)

    @contextmanager
    def cut_off(self, host: str) -> Iterator[None]:
        """Have a host cut off: nothing comes to it or from it, and nobody is told."""
        with self._mended():
            faults.cut(host)
            yield

    @contextmanager
    def crashed(self, host: str) -> Iterator[None]:
        """Have a host without power; it boots again afterwards."""
        with self._mended():
            faults.crash(host)
            yield

    @contextmanager
    def paused(self, host: str, daemon: str) -> Iterator[None]:
        """Have a daemon hang."""
        with self._mended():
            faults.pause(host, daemon)
            yield

    @contextmanager
    def without(self, host: str, daemon: str) -> Iterator[None]:
        """Have a daemon stopped."""
        with self._mended():
            faults.stop_daemon(host, daemon)
            yield

    @contextmanager
    def wrapped(self, host: str, program: str, script: str) -> Iterator[None]:
        """Have a script in a program's place on a host's PATH, as sites do; a log-in shell sets PATH anew.

        In the script, `real` is the path of the program itself.
        """
        wrapper = shlex.quote(str(hosts.SITE / program))
        text = f"#!/bin/bash\nreal=/usr/bin/{program}\n{script}\n"
        lines.must(host, f"printf %s {shlex.quote(text)} >{wrapper} && chmod 755 {wrapper}")
        try:
            yield
        finally:
            lines.must(host, f"rm {wrapper}")

    def queries(self, host: str, user: str = "alice") -> int:
        """Count the requests of a user that the controller of a host's cluster got since `reset_queries`."""
        told = lines.must(host, "sdiag")
        by_user = told.partition("statistics by user")[2]
        found = re.search(rf"^\s*{user}\s+\(\s*\d+\)\s+count:(\d+)", by_user, re.MULTILINE)
        return int(found[1]) if found else 0

    def reset_queries(self, host: str) -> None:
        """Let the controller of a host's cluster count its requests from 0."""
        lines.must(host, "sdiag --reset")

    def reset(self) -> None:
        """Mend all faults and cancel all jobs of all users; return when all nodes are idle."""
        faults.mend()
        health.wait_until_well()
        health.cancel_all_jobs()

    @contextmanager
    def _mended(self) -> Iterator[None]:
        """Mend all faults afterwards, and wait until the clusters are well."""
        try:
            yield
        finally:
            faults.mend()
            health.wait_until_well()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab: the one that was brought up by hand, or one for this run only."""
    if hindrance := install.hindrance():
        pytest.skip(hindrance)
    if install.missing():
        if not in_ci():  # nobody's machine gets daemons because they ran the tests
            pytest.skip(
                "SLURM is not installed here; `python -m tests.cluster.lab install` does that, as root"
            )
        install.install()
    with lifecycle.sole_use(wait=True):
        if lifecycle.brought_up_by() == "hand":
            faults.mend()  # a run that was killed may have left some
            yield Lab()
            return
        try:
            lifecycle.up("a test run")
            yield Lab()
        finally:
            lifecycle.down()


@pytest.fixture(scope="module")
def quiet_lab(lab: Lab) -> Lab:
    """The lab without faults and jobs, as the tests of a module find it."""
    lab.reset()
    return lab
