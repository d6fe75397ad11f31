"""The lab by hand: `python -m tests.cluster.lab install|up|down|status|enter|fault`, as root."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

from tests.cluster.lab import daemons, faults, health, hosts, install, lifecycle
from tests.cluster.lab.layout import HOSTS, LAB, USERS


def main() -> int:
    """Do what is asked, and return the exit status."""
    asked = _arguments()
    try:
        if asked.command == "enter":
            argv = hosts.enter(asked.host, asked.argv or ["bash"], user=asked.user)
            os.execvp(argv[0], argv)  # noqa: S606 - it takes this process's place, with its terminal
        if asked.command == "status":
            return _status()
        if asked.command == "fault":
            _befall(asked)
        else:
            _change(asked.command)
    except BlockingIOError:
        print("error: a test run uses the lab now", file=sys.stderr)
    except (LookupError, RuntimeError) as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
    else:
        return 0
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster.lab", description="Three SLURM clusters on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="install SLURM and what it needs, by apt-get")
    commands.add_parser("up", help="bring the lab up from nothing")
    commands.add_parser("down", help="end all of its processes and remove its folder")
    commands.add_parser("status", help="list its hosts")
    fault = commands.add_parser("fault", help="let something befall a host or a daemon, or take it back")
    kinds = fault.add_subparsers(dest="kind", required=True)
    for kind in (*faults.ON_A_HOST, *faults.ON_A_DAEMON):
        summary = _summary(faults.ON_A_HOST.get(kind) or faults.ON_A_DAEMON[kind])
        one = kinds.add_parser(kind, help=summary, description=summary)
        one.add_argument("host", help=", ".join(host.name for host in HOSTS))
        if kind in faults.ON_A_DAEMON:
            one.add_argument("daemon", help=", ".join(daemons.DAEMONS))
    kinds.add_parser("mend", help=_summary(faults.mend), description=_summary(faults.mend))
    enter = commands.add_parser("enter", help="run a command (or bash) on a host")
    enter.add_argument("host", help=", ".join(host.name for host in HOSTS))
    enter.add_argument("--user", default="alice", choices=["root", *(user.name for user in USERS)])
    enter.add_argument("argv", nargs="*", metavar="-- COMMAND", help="the command and its arguments")
    return parser.parse_args()


def _change(command: str) -> None:
    if hindrance := install.hindrance():
        raise RuntimeError(hindrance)
    if command == "up" and (missing := install.missing()):
        raise RuntimeError(
            f"{', '.join(missing)} not installed; `python -m tests.cluster.lab install` does that"
        )
    with lifecycle.sole_use(wait=False):
        begun = time.monotonic()
        if command == "install":
            install.install()
        elif command == "up":
            lifecycle.up("hand")
        else:
            lifecycle.down()
        print(f"{command}: done in {time.monotonic() - begun:.1f} s")


def _befall(asked: argparse.Namespace) -> None:
    if asked.kind == "mend":
        faults.mend()
        health.wait_until_well()
    elif asked.kind in faults.ON_A_HOST:
        faults.ON_A_HOST[asked.kind](asked.host)
    else:
        faults.ON_A_DAEMON[asked.kind](asked.host, asked.daemon)


def _summary(befall: Callable[..., None]) -> str:
    return (befall.__doc__ or "").partition(":")[0].partition(".")[0].partition("\n")[0]


def _status() -> int:
    by = lifecycle.brought_up_by()
    print(f"{LAB}: {f'up, by {by}' if by else 'not up'}")
    for name in hosts.ALL:
        print(f"  {name:12} {hosts.pid_of(name) or '-'}")
    return 0 if by else 1


if __name__ == "__main__":
    sys.exit(main())
