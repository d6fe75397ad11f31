"""How each daemon is started on its host, and how to tell that it answers."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

from tests.cluster.lab import hosts
from tests.cluster.lab.layout import ACCOUNTING, LAB, Host

_SECONDS = 60.0  # for a busy machine: it only ends a start that hangs
_DATABASE = "--no-defaults --socket=/run/mysqld/mysqld.sock"


@dataclass(frozen=True)
class Daemon:
    """A daemon.

    Attributes:
        start: shell line that starts it and returns; it stays in the background.
        answers: shell line that succeeds once it serves.
        then: shell line to run once it does; empty for none.
    """

    start: str
    answers: str
    then: str = ""


DAEMONS = {
    "munged": Daemon(
        start="setpriv --reuid=munge --regid=munge --clear-groups munged --num-threads=2"
        " --key-file={lab}/etc/{cluster}/munge/munge.key --socket=/run/munge/munge.socket.2"
        " --log-file=/run/munge/munged.log --pid-file=/run/munge/munged.pid --seed-file=/run/munge/munged.seed",
        answers="munge --no-input >/dev/null",
    ),
    "mariadbd": Daemon(
        start="mkdir -p {lab}/var/mysql && chown mysql: {lab}/var/mysql"
        " && mariadb-install-db --no-defaults --user=mysql --datadir={lab}/var/mysql --skip-test-db"
        " --auth-root-authentication-method=socket"
        f" && setsid --fork mariadbd {_DATABASE} --user=mysql --datadir={{lab}}/var/mysql --skip-networking"
        " --innodb-lock-wait-timeout=900 --pid-file=/run/mysqld/mysqld.pid </dev/null >>{lab}/log/mariadbd.log 2>&1",
        answers=f"mariadb-admin {_DATABASE} ping",
        then=f"mariadb {_DATABASE} --execute=\"create user slurm@localhost identified by 'lab';"
        ' grant all on slurm_acct_db.* to slurm@localhost"',
    ),
    "slurmdbd": Daemon(
        start="slurmdbd",
        answers="sacctmgr --noheader show cluster",
        then=" && ".join(f"sacctmgr --immediate {line}" for line in ACCOUNTING),
    ),
    "slurmctld": Daemon(start="slurmctld", answers="scontrol ping | grep -w UP"),
    "slurmd": Daemon(
        start="slurmd",
        answers='sinfo --noheader --nodes="$(hostname)" --format=%T | grep -E "^(idle|mixed|allocated)$"',
    ),
}


def start(host: Host, name: str) -> None:
    """Start a daemon on a host and return when it answers.

    Raises:
        RuntimeError: it could not be started, or does not answer in time.
    """
    daemon = DAEMONS[name]
    _must(host, daemon.start)
    end = time.monotonic() + _SECONDS
    while said := _failure(host, daemon.answers):  # they have no way to tell when they are ready
        if time.monotonic() > end:
            logs = (LAB / "log" / host.cluster).glob(f"{name}*.log")
            tails = [f"{log}: {log.read_text(errors='replace')[-1000:]}" for log in logs]
            raise RuntimeError("\n".join([f"{name} does not answer: {said}", *tails]))
        time.sleep(0.05)
    if daemon.then:
        _must(host, daemon.then)


def _must(host: Host, line: str) -> None:
    if said := _failure(host, line):
        raise RuntimeError(said)


def _failure(host: Host, line: str) -> str | None:
    """Run a shell line on a host; None if it succeeds, else a sentence with what it said."""
    line = line.format(lab=LAB, cluster=host.cluster)
    command = hosts.enter(host.name, ["bash", "-c", f"umask 022; {line}"])
    # Output goes to a file: a daemon in the background would hold a pipe open for as long as it lives.
    output = LAB / "log" / f"{host.name}.out"
    with output.open("w") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        try:
            code = process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"on {host.name}, `{line}` did not end in {_SECONDS:.0f} s"
    return (
        f"on {host.name}, `{line}` exited {code}: {output.read_text(errors='replace')[-500:]}"
        if code
        else None
    )
