"""Oddities of sites that tests can have, and what a controller was asked."""

from __future__ import annotations

import pytest

from tests.cluster.conftest import LOGIN_HOSTS, Lab

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_a_site_can_chatter_before_sbatch_answers(lab: Lab) -> None:
    submit = ("sbatch", "--parsable", "--wrap=true")
    with lab.wrapped("alpha-login", "sbatch", 'echo "Welcome! 7 jobs wait."\nexec "$real" "$@"'):
        chatter, job = lab.run("alpha-login", *submit).stdout.splitlines()
        assert lab.run("beta-login", *submit).stdout.strip().isdigit()
    assert (chatter, job.isdigit()) == ("Welcome! 7 jobs wait.", True)
    assert lab.run("alpha-login", *submit).stdout.strip().isdigit()


@pytest.mark.parametrize("host", LOGIN_HOSTS)
def test_a_controller_counts_what_each_user_asks(lab: Lab, host: str) -> None:
    lab.reset_queries(host)
    assert (lab.queries(host, "alice"), lab.queries(host, "bob")) == (0, 0)
    for _ in range(3):
        lab.run(host, "squeue")
    lab.run(host, "squeue", user="bob")
    assert lab.queries(host, "bob") > 0  # a squeue asks for partitions too
    assert lab.queries(host, "alice") == 3 * lab.queries(host, "bob")
