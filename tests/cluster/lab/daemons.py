"""How each daemon is started on its host, how to tell that it answers, and how it is ended or paused."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.cluster.lab import lines
from tests.cluster.lab.layout import ACCOUNTANT, ACCOUNTING, LAB, Host

_DATABASE = "--no-defaults --socket=/run/mysqld/mysqld.sock"


@dataclass(frozen=True)
class Daemon:
    """A daemon.

    Attributes:
        pid_file: where it writes its process id, as its host counts.
        start: shell line that starts it and returns; it stays in the background.
        answers: shell line that succeeds once it serves.
        prepare: shell line to run before the lab's first start of it; empty for none.
        then: shell line to run after that start; empty for none.
    """

    pid_file: str
    start: str
    answers: str
    prepare: str = ""
    then: str = ""


DAEMONS = {
    "munged": Daemon(
        pid_file="/run/munge/munged.pid",
        start="setpriv --reuid=munge --regid=munge --clear-groups munged --force --num-threads=2"
        " --key-file=/etc/munge/munge.key --socket=/run/munge/munge.socket.2"
        " --log-file=/run/munge/munged.log --pid-file=/run/munge/munged.pid --seed-file=/run/munge/munged.seed",
        answers="munge --no-input >/dev/null",
    ),
    "mariadbd": Daemon(
        pid_file="/run/mysqld/mysqld.pid",
        prepare="mkdir -p {lab}/var/mysql && chown mysql: {lab}/var/mysql"
        " && mariadb-install-db --no-defaults --user=mysql --datadir={lab}/var/mysql --skip-test-db"
        " --auth-root-authentication-method=socket",
        start=f"setsid --fork mariadbd {_DATABASE} --user=mysql --datadir={{lab}}/var/mysql --skip-networking"
        " --innodb-lock-wait-timeout=900 --pid-file=/run/mysqld/mysqld.pid </dev/null >>{lab}/log/mariadbd.log 2>&1",
        answers=f"mariadb-admin {_DATABASE} ping",
        then=f"mariadb {_DATABASE} --execute=\"create user slurm@localhost identified by 'lab';"
        ' grant all on slurm_acct_db.* to slurm@localhost"',
    ),
    "slurmdbd": Daemon(
        pid_file="/run/slurmdbd.pid",
        start="slurmdbd",
        answers="sacctmgr --noheader show cluster",
    ),
    "slurmctld": Daemon(
        pid_file="/run/slurmctld.pid", start="slurmctld", answers="scontrol ping | grep -w UP"
    ),
    "slurmd": Daemon(
        pid_file="/run/slurmd.pid",
        start="slurmd",
        answers='sinfo --noheader --nodes="$(hostname)" --format=%T | grep -E "^(idle|mixed|allocated)$"',
    ),
}


def start(host: Host, name: str, *, first: bool = False) -> None:
    """Start a daemon on a host and return when it answers.

    Args:
        host: where.
        name: which.
        first: it is the lab's first start of it, so its data is made as well.

    Raises:
        RuntimeError: it could not be started, or does not answer in time.
    """
    daemon = DAEMONS[name]
    if first and daemon.prepare:
        lines.must(host.name, daemon.prepare.format(lab=LAB))
    lines.must(host.name, daemon.start.format(lab=LAB))
    end = time.monotonic() + lines.SECONDS
    while said := lines.failure(host.name, daemon.answers):  # they have no way to tell when they are ready
        if time.monotonic() > end:
            logs = (LAB / "log" / host.cluster).glob(f"{name}*.log")
            tails = [f"{log}: {log.read_text(errors='replace')[-1000:]}" for log in logs]
            raise RuntimeError("\n".join([f"{name} does not answer: {said}", *tails]))
        time.sleep(0.05)
    if first and daemon.then:
        lines.must(host.name, daemon.then)
    if first and host.name == ACCOUNTANT and name in ACCOUNTING:
        lines.must(host.name, " && ".join(f"sacctmgr --immediate {line}" for line in ACCOUNTING[name]))


def runs(host: Host, name: str) -> bool:
    """Say whether a daemon is there, be it paused or not."""
    return lines.run(host.name, _its_pid(name))[0] == 0


def signal(host: Host, name: str, sent: str) -> None:
    """Send a signal, such as `TERM`, to a daemon and to none of its children.

    Raises:
        RuntimeError: it does not run there.
    """
    lines.must(host.name, f"{_its_pid(name)} && kill -{sent} $pid")


def end(host: Host, name: str, sent: str) -> None:
    """Send a signal to a daemon and return when it has ended.

    Raises:
        RuntimeError: it does not run there, or goes on.
    """
    lines.must(
        host.name,
        f"{_its_pid(name)} && kill -{sent} $pid && tail --pid=$pid --sleep-interval=0.05 -f /dev/null",
    )


def _its_pid(name: str) -> str:
    """Return a shell line that sets `pid`, and fails unless the process of that id is the daemon."""
    return f'pid=$(cat {DAEMONS[name].pid_file}) && test "$(cat /proc/$pid/comm)" = {name}'
